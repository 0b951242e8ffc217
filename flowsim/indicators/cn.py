"""Indicators of Chinese circular-economy plans and parks: NDRC 2017, park guides, GB/T 7119, GB/T 2589.

Where a definition rests on memory of the standard, its certainty says so; compare it with the text before
claiming conformity.
"""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Terms, indicator

MAIN_CLASSES = ("mineral", "fuel", "biomass")
MAIN_GOODS = ("paddy",)
NOT_MAIN = ("straw", "biogas", "eaf_gas")
MAIN_METALS = ("Fe", "Cu", "Al", "Pb", "Zn", "Ni", "Co", "Li", "Mn")
LEAST_METAL = 0.2
"""Main resources: goods of these classes and cereals, without residues and gases made of what is counted
already; and raw materials that hold at least this mass fraction of the main metals. Wastes, recyclables and
products do not count. Cobalt, lithium, manganese and rock but limestone are not in the list of 2017."""

USING = ("transform", "use", "utilise", "trade")
"""Kinds of process that use a waste when they take it."""

DISPOSING = ("treat", "dispose")
MATERIAL_CLASSES = ("product", "raw_material", "mineral", "biomass", "fuel", "by_product", "recyclable")
MEMORY = "from memory, to be confirmed"


@indicator(
    "cn.main_resource_productivity",
    en="Main resource productivity",
    zh="主要资源产出率",
    unit="CNY/t",
    formula="value added / (main resources extracted and brought in − main resources taken out)",
    clause="NDRC 2749 of 2016, indicator system of 2017",
    certainty=MEMORY,
    better="more",
)
def main_resource_productivity(account: Account) -> Terms:
    """Main resources: minerals, fuels, wood, cereals, and raw materials that are a fifth or more main metals.

    Consumption is net of the same resources that leave. Recycled material does not count. Value added is the
    gross margin at constant prices, an estimate.
    """
    main = (account.of_class(*MAIN_CLASSES) | account.of_good(*MAIN_GOODS)) & ~account.of_good(*NOT_MAIN)
    main |= account.of_class("raw_material") & (account.content(*MAIN_METALS) >= LEAST_METAL)
    taken_out = main & account.leaves & ~account.to_place("landfill", "air", "water")
    used = np.where(main & account.material_input, account.mass, 0.0) - np.where(taken_out, account.mass, 0.0)
    rules = (("material that is no main resource", account.material_input & ~main),)
    return Terms(account.value_added(), used, "CNY/a", "t/a", left_out=rules)


@indicator(
    "cn.isw_utilisation_rate",
    en="Utilisation rate of general industrial solid waste",
    zh="一般工业固体废物综合利用率",
    unit="%",
    formula="utilised / (generated + utilised from earlier stock)",
    clause="NDRC 2749 of 2016, indicator system of 2017; statistics of the environment",
    certainty="confirmed",
    better="more",
)
@indicator(
    "park.isw_utilisation_rate",
    en="Utilisation rate of industrial solid waste in the park",
    zh="园区工业固体废物综合利用率",
    unit="%",
    formula="utilised / (generated + utilised from earlier stock), over the firms of the park",
    clause="Circular retrofit of parks, NDRC 765 of 2012; GB/T 33567-2017",
    certainty=MEMORY,
    better="more",
)
def isw_utilisation_rate(account: Account) -> Terms:
    """Counted where the waste is generated, by where it ends: sold, or taken by a process that uses it.

    Treatment, landfill and storage do not count. Waste brought in from outside is not in it. Networks and
    collectors divide what they hand on in proportion. Residues of treatment are generated anew. What a store
    gives beyond what it got comes from earlier stock.
    """
    system = account.result.system
    ends = system.processes["kind"].isin(USING).to_numpy() | (system.processes["id"] == "market").to_numpy()
    return _waste_rate(account, "solid_waste", ends)


@indicator(
    "cn.hw_utilisation_disposal_rate",
    en="Utilisation and disposal rate of industrial hazardous waste",
    zh="工业危险废物利用处置率",
    unit="%",
    formula="(utilised + disposed of) / (generated + utilised or disposed of from earlier stock)",
    clause="Annual statistic report on environment 2012, section 4.2",
    certainty="confirmed",
    better="more",
)
def hw_utilisation_disposal_rate(account: Account) -> Terms:
    """Licensed use and disposal count, treatment outside and secure landfill included; storage does not."""
    system = account.result.system
    ends = system.processes["kind"].isin(USING + DISPOSING).to_numpy()
    ends = ends | system.processes["id"].isin(["market", "treatment", "landfill"]).to_numpy()
    return _waste_rate(account, "hazardous_waste", ends)


def _waste_rate(account: Account, waste_class: str, ends: np.ndarray) -> Terms:
    """Share of the waste made inside, and of old stock that was worked, that reaches these processes."""
    waste = account.of_class(waste_class)
    share = account.reaching(ends)
    generated = np.where(waste & account.made, account.mass, 0.0)
    old = waste & (account.internal | account.leaves) & account.from_kind("store")
    prior = np.where(old, account.mass * account.from_stock() * share, 0.0)
    ended = np.where(generated != 0, generated * share, 0.0)
    rules = (("waste brought in from outside", waste & account.enters),)
    return Terms(ended + prior, generated + prior, "t/a", "t/a", 100.0, rules)


@indicator(
    "cn.fresh_water_intake",
    en="Fresh water intake",
    zh="工业取水量（新水）",
    unit="m3/a",
    formula="fresh and treated water that enters the boundary",
    clause="GB/T 7119, Vi",
    certainty=MEMORY,
    better="less",
)
def fresh_water_intake(account: Account) -> Terms:
    """Without sea water, water bought as reclaimed, and water that crops take."""
    return Terms(_intake(account), None, "m3/a", left_out=_no_intake(account))


@indicator(
    "cn.industrial_water_intensity",
    en="Fresh water per value added",
    zh="单位增加值取水量",
    unit="m3/万元",
    formula="fresh water intake / value added",
    clause="GB/T 7119, Vi / Z; HJ 274-2015, no. 14",
    certainty=MEMORY,
    better="less",
)
def industrial_water_intensity(account: Account) -> Terms:
    """Value added is the gross margin at constant prices, an estimate."""
    rules = _no_intake(account)
    return Terms(_intake(account), account.value_added() / 1e4, "m3/a", "万元/a", left_out=rules)


@indicator(
    "cn.industrial_water_reuse_rate",
    en="Reuse rate of industrial water",
    zh="工业用水重复利用率",
    unit="%",
    formula="reused water / (fresh water intake + reused water)",
    clause="GB/T 7119, Vr / (Vi + Vr)",
    certainty="confirmed",
    better="more",
)
@indicator(
    "park.water_reuse_rate",
    en="Reuse rate of industrial water in the park",
    zh="园区工业用水重复利用率",
    unit="%",
    formula="reused water / (fresh water intake + reused water), over the firms of the park",
    clause="HJ 274-2015, no. 15; park guides",
    certainty="confirmed",
    better="more",
)
def water_reuse_rate(account: Account) -> Terms:
    """Reused inside the boundary: circulated cooling water, reclaimed water, condensate of production, waste
    water taken by production. Circulated water counts once a round, where it leaves the cooling process.

    Missing where circulating water is cooled outside the boundary, because its make-up is then not known.
    """
    _check_cooling(account)
    intake, reused = _intake(account), _reused(account)
    return Terms(reused, intake + reused, "m3/a", "m3/a", 100.0, _no_intake(account))


def _taken_in(account: Account) -> np.ndarray:
    return account.enters & account.of_class("fresh_water", "process_water")


def _intake(account: Account) -> np.ndarray:
    return np.where(_taken_in(account) & ~account.entering(account.grows), account.water, 0.0)


def _no_intake(account: Account) -> tuple[tuple[str, np.ndarray], ...]:
    return (
        ("sea water", account.enters & account.of_class("sea_water")),
        ("reclaimed water from outside", account.enters & account.of_class("reclaimed_water")),
        ("water that crops take", _taken_in(account) & account.entering(account.grows)),
    )


def _reused(account: Account) -> np.ndarray:
    """m3/a of water used again inside, by flow."""
    circulated = account.of_class("circulating_water") & account.leaving(_cooling(account))
    condensate = account.of_class("process_water") & account.leaving(~_gives_only_water(account))
    weight = account.kept_inside(circulated | condensate | account.of_class("reclaimed_water"))
    series = account.of_class("wastewater") & account.to_kind("transform", "use") & account.internal
    return np.where(weight != 0, account.water * weight, 0.0) + np.where(series, account.water, 0.0)


def _gives_only_water(account: Account) -> np.ndarray:
    """Processes that give nothing but water, vapour and emissions: a water service, not a production."""
    return ~account.givers(~account.of_kind("water") & ~account.of_class("emission", "vapour", "air"))


def _cooling(account: Account) -> np.ndarray:
    """Processes that cool circulating water: they make up its losses with other water and give only water."""
    circulating = account.of_class("circulating_water")
    other = account.of_class("fresh_water", "process_water", "reclaimed_water", "sea_water", "wastewater")
    loop = account.takers(circulating) & account.givers(circulating)
    return loop & account.takers(other) & _gives_only_water(account)


def _check_cooling(account: Account) -> None:
    """Raise `Missing` unless circulating water is cooled inside the boundary."""
    cooling = _cooling(account)
    runs = account.of_class("circulating_water") & account.runs
    bought = runs & account.enters & ~account.entering(cooling)
    if bought.any():
        goods, goods_zh = account.good_names(bought)
        raise Missing(
            f"circulating water ({goods}) is cooled outside the boundary, so its make-up is unknown: "
            "add the cooling process or widen the boundary",
            f"循环冷却水（{goods_zh}）在边界外冷却，补水量未知：请加入循环冷却装置或扩大边界",
        )
    inner = runs & account.internal
    if inner.any() and not (cooling & account.inside).any():
        goods, goods_zh = account.good_names(inner)
        raise Missing(
            f"no process inside cools {goods}: it would take make-up water and give only water",
            f"边界内没有冷却{goods_zh}的装置（应取补充水且只产出水）",
        )


@indicator(
    "cn.comprehensive_energy",
    en="Comprehensive energy consumption, calorific",
    zh="综合能耗（当量值）",
    unit="tce/a",
    formula="Σ (energy bought − sold) × standard coal coefficient",
    clause="GB/T 2589; power at 0.1229 kgce/kWh",
    certainty="confirmed",
    better="less",
)
def comprehensive_energy(account: Account) -> Terms:
    """Goods with a coefficient that cross the boundary, with feedstock; energy made inside is not."""
    return Terms(_standard_coal(account, "tce"), None, "tce/a")


@indicator(
    "cn.comprehensive_energy_no_feedstock",
    en="Comprehensive energy consumption without feedstock, calorific",
    zh="综合能耗（当量值，扣除原料用能）",
    unit="tce/a",
    formula="Σ (energy bought − sold) × standard coal coefficient, without fuels used as material",
    clause="14th five-year plan, rule on feedstock energy; GB/T 2589",
    certainty=MEMORY,
    better="less",
)
def comprehensive_energy_no_feedstock(account: Account) -> Terms:
    """Known only where all fuels go to processes that give nothing but power, heat and residues.

    Elsewhere part of a fuel may end in the product, and the flows do not tell how much: then it is missing.
    """
    coal = _standard_coal(account, "tce")
    goods = account.givers(account.of_kind("material") & account.of_class(*MATERIAL_CLASSES))
    burns = account.givers(account.of_class("power", "heat")) & ~goods & account.inside
    fuel = account.enters & account.of_kind("material") & (coal != 0)
    unclear = fuel & (~(account.reaching(burns) > 1 - 1e-9))
    if unclear.any():
        names, names_zh = account.good_names(unclear)
        raise Missing(
            f"the flows do not tell what part of {names} is burnt and what part becomes product",
            f"物料流无法区分{names_zh}中作燃料和作原料的部分",
        )
    return Terms(coal, None, "tce/a")


@indicator(
    "cn.energy_intensity",
    en="Energy per value added, calorific",
    zh="单位增加值综合能耗（当量值）",
    unit="tce/万元",
    formula="comprehensive energy consumption / value added",
    clause="GB/T 2589; HJ 274-2015, no. 11",
    certainty=MEMORY,
    better="less",
)
def energy_intensity(account: Account) -> Terms:
    """Power at its heat. Value added is the gross margin at constant prices, an estimate."""
    return Terms(_standard_coal(account, "tce"), account.value_added() / 1e4, "tce/a", "万元/a")


@indicator(
    "cn.energy_intensity_equivalent",
    en="Energy per value added, power by coal burnt for it",
    zh="单位增加值综合能耗（等价值）",
    unit="tce/万元",
    formula="comprehensive energy consumption, power by the coal burnt for it / value added",
    clause="GB/T 2589; power at about 0.30 kgce/kWh",
    certainty=MEMORY,
    better="less",
)
def energy_intensity_equivalent(account: Account) -> Terms:
    """As regional statistics count power. Value added is the gross margin at constant prices, an estimate."""
    return Terms(_standard_coal(account, "tce_equivalent"), account.value_added() / 1e4, "tce/a", "万元/a")


def _standard_coal(account: Account, factor: str) -> np.ndarray:
    """tce/a by flow: what enters less what leaves; what is lost to the air is no sale."""
    crosses = account.enters | (account.leaves & ~account.to_place("air", "water", "landfill"))
    weights = account.factor(factor)
    carriers = account.of_class("fuel", "power", "heat")
    account.need(crosses & carriers, weights, "standard coal coefficient", "折标准煤系数")
    sign = np.where(account.enters, 1.0, -1.0)
    return np.where(crosses & ~np.isnan(weights), sign * account.amounts * np.nan_to_num(weights), 0.0)
