"""Waste of a city: straw, manure, residues of forestry, recyclables, food, construction and household
waste.
"""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Terms, indicator
from flowsim.indicators.waste import (
    DISPOSING,
    MEMORY,
    NDRC,
    STRAW,
    USING,
    collected_rate,
    ends_at,
    first_hand,
    named,
    rate,
    using,
)

MANURE = ("manure_solid", "slurry")
FOOD = ("kitchen_waste", "food_waste")
HOUSEHOLD = ("msw", *FOOD)
FORESTRY = ("forest_residue", "residue_on_site", "bark", "wood_fines", "sawdust", "floor_offcut")
"""Goods of the library that plans name."""


@indicator(
    "cn.straw_utilisation_rate",
    en="Utilisation rate of crop straw",
    zh="农作物秸秆综合利用率",
    unit="%",
    formula="straw used / collectable straw",
    formula_zh="秸秆综合利用量 / 可收集量",
    clause=f"{NDRC}; guidance on waste-free cities, 2019",
    certainty="confirmed",
    better="more",
)
def straw_utilisation_rate(account: Account) -> Terms:
    """Straw that fields inside give and that is sold or used. What stays on the field must be drawn as a use
    (return to the field) to count; straw brought in is left out.
    """
    return rate(account, named(account, STRAW, "straw", "秸秆"), using(account))


@indicator(
    "cn.manure_utilisation_rate",
    en="Utilisation rate of manure",
    zh="畜禽粪污综合利用率",
    unit="%",
    formula="manure used / manure generated",
    formula_zh="粪污综合利用量 / 产生量",
    clause="Guidance on waste-free cities, 2019",
    certainty="confirmed",
    better="more",
)
def manure_utilisation_rate(account: Account) -> Terms:
    """Solid manure and slurry by wet mass; biogas, composting and sale count, treatment does not."""
    return rate(account, named(account, MANURE, "manure", "畜禽粪污"), using(account))


@indicator(
    "cn.forestry_residue_utilisation_rate",
    en="Utilisation rate of felling, bucking and processing residues",
    zh="林业“三剩余物”综合利用率",
    unit="%",
    formula="residues used / residues generated",
    formula_zh="剩余物利用量 / 产生量",
    clause="plan of Qinzhou of 2022; no standard found",
    certainty=MEMORY,
    better="more",
)
def forestry_residue_utilisation_rate(account: Account) -> Terms:
    """Board, pulp, fuel and fertiliser count; what is left on site does not."""
    return rate(account, named(account, FORESTRY, "forestry residues", "林业剩余物"), using(account))


@indicator(
    "cn.renewable_resource_recovery_rate",
    en="Recovery rate of main recyclables",
    zh="主要再生资源回收率",
    unit="%",
    formula="recovered / generated, over the main kinds by weight",
    formula_zh="主要再生资源回收量 / 产生量",
    clause=NDRC,
    certainty=MEMORY,
    better="more",
)
@indicator(
    "park.recyclables_rate",
    en="Recycling rate of recyclables",
    zh="再生资源循环利用率",
    unit="%",
    formula="recyclables recycled / recyclables collected",
    formula_zh="再生资源循环利用量 / 收集量",
    clause="HJ 274-2015, no. 7",
    certainty=MEMORY,
    better="more",
)
def recovery_rate(account: Account) -> Terms:
    """Recyclables as they first arise or come in, by whether they are sold, dismantled, utilised or used."""
    ends = ends_at(account, (*USING, "collect"), ("market",)) & ~_hands_on(account)
    return collected_rate(account, account.of_class("recyclable"), ends)


def _hands_on(account: Account) -> np.ndarray:
    """Collectors without a recipe: they only hand on."""
    processes = account.result.system.processes
    return ((processes["kind"] == "collect") & (processes["recipe"] == "")).to_numpy()


@indicator(
    "cn.food_waste_resource_rate",
    en="Resource rate of food waste",
    zh="城市餐厨废弃物资源化处理率",
    unit="%",
    formula="food waste treated into resources / food waste generated",
    formula_zh="餐厨废弃物资源化处理量 / 产生量",
    clause=NDRC,
    certainty=MEMORY,
    better="more",
)
def food_waste_resource_rate(account: Account) -> Terms:
    """Biogas, feed, fertiliser and biodiesel count, landfill and incineration do not. What is brought in from
    households outside the drawing counts as generated: it is the collected amount.
    """
    return collected_rate(account, named(account, FOOD, "food waste", "餐厨废弃物"), using(account))


@indicator(
    "cn.cdw_resource_rate",
    en="Resource rate of construction waste",
    zh="建筑垃圾综合利用率",
    unit="%",
    formula="construction waste made into material / construction waste generated",
    formula_zh="建筑垃圾资源化利用量 / 产生量",
    clause=f"{NDRC}; guidance on waste-free cities, 2019",
    certainty="confirmed",
    better="more",
)
def cdw_resource_rate(account: Account) -> Terms:
    """By the input of the recycling line. Backfill counts only where it is drawn as a use."""
    waste = account.of_class("construction_waste")
    source = np.where(waste & (account.enters | account.made), account.mass, 0.0)
    share = account.reaching(using(account))
    return Terms(np.where(source != 0, source * share, 0.0), source, "t/a", "t/a", 100.0)


@indicator(
    "cn.msw_recovery_rate",
    en="Recovery rate of household waste",
    zh="生活垃圾回收利用率",
    unit="%",
    formula="household waste that is neither burnt nor landfilled / household waste generated",
    formula_zh="未进入焚烧和填埋的生活垃圾量 / 生活垃圾产生量",
    clause="Guides of waste sorting; collected amounts stand in for generated ones",
    certainty="confirmed",
    better="more",
)
def msw_recovery_rate(account: Account) -> Terms:
    """Mixed and kitchen waste; recyclables of households cannot be told from others and are left out."""
    return collected_rate(account, named(account, HOUSEHOLD, "household waste", "生活垃圾"), using(account))


@indicator(
    "cn.msw_resource_rate",
    en="Resource rate of household waste",
    zh="生活垃圾资源化利用率",
    unit="%",
    formula="(recycled + incinerated × k + kitchen waste treated × k) / household waste collected",
    formula_zh="(回收利用量 + 焚烧量×k + 厨余处理量×k) / 生活垃圾收集量",
    clause="Guides of waste sorting; the factors k are set by the administration",
    certainty="confirmed",
    better="more",
)
def msw_resource_rate(account: Account) -> Terms:
    """Landfill counts 0. The rate of 45 % in the plan of Qinzhou is not defined there and may differ."""
    burnt, kitchen = account.given("k_incineration") / 100, account.given("k_kitchen") / 100
    waste = named(account, HOUSEHOLD, "household waste", "生活垃圾")
    source = np.where(first_hand(account, waste), account.mass, 0.0)
    used = account.reaching(using(account)) * np.where(account.of_good(*FOOD), kitchen, 1.0)
    power = account.givers(account.of_class("power", "heat")) & ends_at(account, DISPOSING)
    counted = used + burnt * account.reaching(power)
    return Terms(np.where(source != 0, source * counted, 0.0), source, "t/a", "t/a", 100.0)


@indicator(
    "cn.msw_landfilled",
    en="Municipal waste landfilled",
    zh="城镇生活垃圾填埋处理量",
    unit="t/a",
    formula="municipal waste that reaches a landfill",
    formula_zh="进入填埋的城镇生活垃圾量",
    clause=f"{NDRC}, reference indicator",
    certainty=MEMORY,
    better="less",
)
def msw_landfilled(account: Account) -> Terms:
    """Municipal waste as it first arises or comes in, by the share that ends in a landfill."""
    waste = account.of_class("municipal_waste")
    if not waste.any():
        raise Missing("no flow carries municipal waste", "没有生活垃圾的物料流")
    source = np.where(first_hand(account, waste), account.mass, 0.0)
    share = account.reaching(ends_at(account, ("dispose",), ("landfill",)))
    return Terms(np.where(source != 0, source * share, 0.0), None, "t/a")
