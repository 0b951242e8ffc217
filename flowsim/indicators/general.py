"""Figures of general use with definitions of our own: value added and virgin input."""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account
from flowsim.indicators.registry import Terms, indicator
from flowsim.indicators.waste import WASTES


@indicator(
    "general.value_added",
    en="Value added (gross margin)",
    zh="增加值（毛利估算）",
    unit="CNY/a",
    formula="value of goods that leave the boundary − value of goods that enter it, at constant prices",
    formula_zh="离开边界的物料价值 − 进入边界的物料价值（不变价）",
    clause="own definition; prices of the price table and their year",
    certainty="own definition",
    better="more",
)
def value_added(account: Account) -> Terms:
    """An estimate: the gross margin before labour, capital, freight and taxes, without VAT.

    The sign is in the price, so a fee paid for a waste is a cost of its producer and an income of its taker.
    Air, emissions, vapour, waste water and circulating water without a price count as 0.
    """
    return Terms(account.value_added(), None, "CNY/a")


@indicator(
    "general.virgin_input",
    en="Virgin material input",
    zh="原生物料投入量",
    unit="t/a",
    formula="material extracted, harvested or brought in that is no waste or recyclable",
    formula_zh="开采、收获或调入的非废物物料",
    clause="own definition",
    certainty="own definition",
    better="less",
)
def virgin_input(account: Account) -> Terms:
    """Also secondary material that is bought as a product, because its origin is unknown."""
    virgin = account.material_input & ~account.of_class(*WASTES)
    rules = (("wastes and recyclables", account.material_input & account.of_class(*WASTES)),)
    return Terms(np.where(virgin, account.mass, 0.0), None, "t/a", left_out=rules)
