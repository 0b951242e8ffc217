"""CO2 by what it comes from, as inventories list it: fuel, bought power, bought heat, waste that is burnt."""

from __future__ import annotations

import numpy as np

from flowsim.indicators import waste
from flowsim.indicators.account import Account
from flowsim.indicators.carbon import CO2_GOODS, GUIDE, bought_co2, fuel_co2
from flowsim.indicators.passing import PASSING
from flowsim.indicators.registry import Terms, indicator

LET_OFF = (*CO2_GOODS, "co2_bio")
"""Goods that show that something burns."""


@indicator(
    "general.co2_fuel",
    en="CO2 from fuel, by published factors",
    zh="燃料燃烧二氧化碳排放量",
    unit="t/a",
    formula="(fuels bought − sold − used as material) × heating value × carbon × oxidation × 44/12",
    formula_zh="（外购 − 外销 − 原料用能）× 热值 × 含碳量 × 氧化率 × 44/12",
    clause=GUIDE,
    certainty="confirmed",
    better="less",
)
def co2_fuel(account: Account) -> Terms:
    """The fuel part of general.co2_by_factors. Two published sets differ: name the one you use
    (`--factors`).
    """
    return Terms(fuel_co2(account), None, "t/a")


@indicator(
    "general.co2_electricity",
    en="CO2 of bought electricity",
    zh="净购入电力二氧化碳排放量",
    unit="t/a",
    formula="(power bought − sold) × grid factor",
    formula_zh="（购入电力 − 外销电力）× 电网排放因子",
    clause="Yearly notices of the grid factors of provinces and of the nation",
    certainty="confirmed",
    better="less",
)
def co2_electricity(account: Account) -> Terms:
    """The year of the factor should be that of the data: a change of the grid is no saving of the park."""
    return Terms(bought_co2(account, "power"), None, "t/a")


@indicator(
    "general.co2_heat",
    en="CO2 of bought heat",
    zh="净购入热力二氧化碳排放量",
    unit="t/a",
    formula="(heat bought − sold) × factor, 0.11 t/GJ where none is known",
    formula_zh="（购入热力 − 外销热力）× 排放因子（缺省 0.11 t/GJ）",
    clause=GUIDE,
    certainty="confirmed",
    better="less",
)
def co2_heat(account: Account) -> Terms:
    """Steam and hot water over the boundary; what is made inside counts by its fuel."""
    return Terms(bought_co2(account, "heat"), None, "t/a")


@indicator(
    "general.co2_waste",
    en="Fossil CO2 from waste that is burnt, by published factors",
    zh="废弃物焚烧化石源二氧化碳排放量",
    unit="t/a",
    formula="waste burnt × carbon × fossil share × burning efficiency × 44/12",
    formula_zh="焚烧量 × 含碳量 × 化石碳比例 × 燃烧效率 × 44/12",
    clause=GUIDE,
    certainty="confirmed",
    better="less",
)
def co2_waste(account: Account) -> Terms:
    """Waste with a factor that a process inside takes and lets off as CO2; 0.557333 t/t for household waste,
    1.641750 t/t for hazardous waste. The part that grew stays out. In general.co2 it stands as the recipe of
    the incinerator has it, and not twice.
    """
    factor = account.factor("co2_fuel")
    burning = account.inside & account.givers(account.of_good(*LET_OFF) & account.runs)
    burnt = account.of_class(*waste.WASTES) & account.entering(burning) & ~account.to_kind(*PASSING)
    unknown = burnt & np.isnan(factor)
    counted = burnt & ~np.isnan(factor)
    rules = (("wastes without a published factor", unknown),)
    return Terms(np.where(counted, account.mass * np.nan_to_num(factor), 0.0), None, "t/a", left_out=rules)
