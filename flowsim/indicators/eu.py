"""Indicators of economy-wide material flow accounts as Eurostat defines them, drawn around any boundary."""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account
from flowsim.indicators.registry import Terms, indicator

CLAUSE = "Regulation (EU) 691/2011, annex III; Eurostat, material flow accounts and resource productivity"
BALANCING = "air, gases separated from it, vapour and emissions: balancing items"
WATER = "bulk water"


@indicator(
    "eu.dmi",
    en="Direct material input (DMI)",
    zh="直接物质投入量（DMI）",
    unit="t/a",
    formula="domestic extraction + physical imports",
    clause=CLAUSE,
    certainty="confirmed",
    better="less",
)
def dmi(account: Account) -> Terms:
    """All solid, liquid and gaseous material without bulk water and air, wastes brought in included.

    Extraction is what comes from nature, and the harvest of processes that grow plants inside.
    """
    return Terms(_input(account), None, "t/a", left_out=_left_out(account))


@indicator(
    "eu.dmc",
    en="Domestic material consumption (DMC)",
    zh="本地物质消费量（DMC）",
    unit="t/a",
    formula="domestic extraction + physical imports − physical exports",
    clause=CLAUSE,
    certainty="confirmed",
    better="less",
)
def dmc(account: Account) -> Terms:
    """May be negative where more leaves than material enters, because water and air are left out.

    Exports include wastes that leave for treatment; what goes to landfill, air or water bodies is no export.
    """
    return Terms(_consumption(account), None, "t/a", left_out=_left_out(account))


@indicator(
    "eu.resource_productivity",
    en="Resource productivity (value added per DMC)",
    zh="资源生产率（增加值/本地物质消费量）",
    unit="CNY/t",
    formula="value added / domestic material consumption",
    clause=CLAUSE,
    certainty="confirmed",
    better="more",
)
def resource_productivity(account: Account) -> Terms:
    """Value added is the gross margin at constant prices, an estimate; it stands for domestic product."""
    left_out = _left_out(account)
    return Terms(account.value_added(), _consumption(account), "CNY/a", "t/a", left_out=left_out)


@indicator(
    "eu.productivity_dmi",
    en="Material productivity (value added per DMI)",
    zh="物质生产率（增加值/直接物质投入量）",
    unit="CNY/t",
    formula="value added / direct material input",
    clause=CLAUSE,
    certainty="confirmed",
    better="more",
)
def productivity_dmi(account: Account) -> Terms:
    """Value added is the gross margin at constant prices, an estimate; unlike DMC, DMI is never negative."""
    return Terms(account.value_added(), _input(account), "CNY/a", "t/a", left_out=_left_out(account))


def _input(account: Account) -> np.ndarray:
    return np.where(account.material_input, account.mass, 0.0)


def _consumption(account: Account) -> np.ndarray:
    exported = account.material & account.leaves & ~account.to_place("landfill", "air", "water")
    return _input(account) - np.where(exported, account.mass, 0.0)


def _left_out(account: Account) -> tuple[tuple[str, np.ndarray], ...]:
    crosses = account.enters | account.leaves
    bulk_water = account.of_kind("water") & ~account.of_class("vapour")
    return (
        (BALANCING, crosses & ~account.of_kind("energy") & ~account.material & ~bulk_water),
        (WATER, crosses & bulk_water),
    )
