"""Comprehensive energy (GB/T 2589), and what regional plans leave out of it."""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Figure, Terms, figure, indicator

CARRIERS = ("fuel", "power", "heat")
MATERIAL_CLASSES = ("product", "raw_material", "mineral", "biomass", "fuel", "by_product", "recyclable")
NONFOSSIL = ("biogas", "straw", "forest_residue", "bark", "wood_chips", "wood_fines", "hydrogen_green")
"""Goods that are fuel without fossil carbon."""

MEMORY = "from memory, to be confirmed"


def standard_coal(account: Account, factor: str) -> np.ndarray:
    """tce/a by flow: what enters less what leaves; what is lost to the air is no sale."""
    crosses = account.enters | (account.leaves & ~account.to_place("air", "water", "landfill"))
    weights = account.factor(factor)
    account.need(crosses & account.of_class(*CARRIERS), weights, "standard coal coefficient", "折标准煤系数")
    sign = np.where(account.enters, 1.0, -1.0)
    return np.where(crosses & ~np.isnan(weights), sign * account.amounts * np.nan_to_num(weights), 0.0)


def without_feedstock(account: Account, factor: str) -> np.ndarray:
    """The same without fuels used as material; raises `Missing` where the flows cannot tell the two uses."""
    coal = standard_coal(account, factor)
    fuel = account.enters & account.of_kind("material") & ~np.isnan(account.factor(factor)) & account.runs
    check_burnt(account, fuel)
    return coal


def check_burnt(account: Account, fuel: np.ndarray) -> None:
    """Raise `Missing` unless these fuels go to processes that give nothing but power, heat and residues."""
    goods = account.givers(account.of_kind("material") & account.of_class(*MATERIAL_CLASSES))
    burns = account.givers(account.of_class("power", "heat")) & ~goods & account.inside
    unclear = fuel & ~(account.reaching(burns) > 1 - 1e-9).reshape(-1, len(fuel)).all(axis=0)
    if unclear.any():
        names, names_zh = account.good_names(unclear)
        raise Missing(
            f"the flows do not tell what part of {names} is burnt and what part becomes product",
            f"物料流无法区分{names_zh}中作燃料和作原料的部分",
        )


@indicator(
    "cn.comprehensive_energy",
    en="Comprehensive energy consumption, calorific",
    zh="综合能耗（当量值）",
    unit="tce/a",
    formula="Σ (energy bought − sold) × standard coal coefficient",
    formula_zh="Σ（外购能源 − 外销能源）× 折标准煤系数",
    clause="GB/T 2589; power at 0.1229 kgce/kWh",
    certainty="confirmed",
    better="less",
)
def comprehensive_energy(account: Account) -> Terms:
    """Goods with a coefficient that cross the boundary, with feedstock; energy made inside is not."""
    return Terms(standard_coal(account, "tce"), None, "tce/a")


@indicator(
    "cn.comprehensive_energy_equivalent",
    en="Comprehensive energy consumption, power by coal burnt for it",
    zh="综合能耗（等价值）",
    unit="tce/a",
    formula="Σ (energy bought − sold) × standard coal coefficient, power by the coal burnt for it",
    formula_zh="Σ（外购能源 − 外销能源）× 折标准煤系数，电力按供电煤耗折算",
    clause="GB/T 2589; power at about 0.30 kgce/kWh",
    certainty=MEMORY,
    better="less",
)
def comprehensive_energy_equivalent(account: Account) -> Terms:
    """As regional statistics count power, with feedstock."""
    return Terms(standard_coal(account, "tce_equivalent"), None, "tce/a")


@indicator(
    "cn.comprehensive_energy_no_feedstock",
    en="Comprehensive energy consumption without feedstock, calorific",
    zh="综合能耗（当量值，扣除原料用能）",
    unit="tce/a",
    formula="Σ (energy bought − sold) × standard coal coefficient, without fuels used as material",
    formula_zh="Σ（外购能源 − 外销能源）× 折标准煤系数，不含原料用能",
    clause="14th five-year plan, rule on feedstock energy; GB/T 2589",
    certainty=MEMORY,
    better="less",
)
def comprehensive_energy_no_feedstock(account: Account) -> Terms:
    """Known only where all fuels go to processes that give nothing but power, heat and residues.

    Elsewhere part of a fuel may end in the product, and the flows do not tell how much: then it is missing.
    """
    return Terms(without_feedstock(account, "tce"), None, "tce/a")


@indicator(
    "cn.comprehensive_energy_equivalent_no_feedstock",
    en="Comprehensive energy consumption without feedstock, power by coal burnt for it",
    zh="综合能耗（等价值，扣除原料用能）",
    unit="tce/a",
    formula="Σ (energy bought − sold) × coefficient, power by coal, without fuels used as material",
    formula_zh="Σ（外购能源 − 外销能源）× 折标准煤系数，电力按供电煤耗折算，不含原料用能",
    clause="14th five-year plan, rule on feedstock energy",
    certainty=MEMORY,
    better="less",
)
def comprehensive_energy_equivalent_no_feedstock(account: Account) -> Terms:
    """Missing where the flows cannot tell a fuel that is burnt from one that becomes product."""
    return Terms(without_feedstock(account, "tce_equivalent"), None, "tce/a")


@indicator(
    "cn.assessed_energy",
    en="Energy consumption as assessed",
    zh="能耗总量考核值（扣除原料用能和新增可再生能源）",
    unit="tce/a",
    formula="energy, power by coal, without feedstock − renewable power added since 2020 × coal equivalent",
    formula_zh="等价值能耗（扣除原料用能）− 新增可再生能源电力消费量 × 电力等价系数",
    clause="14th five-year plan, rules on added renewable power and on feedstock energy",
    certainty=MEMORY,
    better="less",
    direct=True,
)
def assessed_energy(account: Account) -> Figure:
    """Needs the renewable power added, which no flow carries; it is taken off at the factor of bought
    power.
    """
    coal, weight = without_feedstock(account, "tce_equivalent"), account.factor("tce_equivalent")
    added = account.given("renewable_power_added")
    power = account.of_class("power") & ~np.isnan(weight)
    if not power.any():
        raise Missing("no flow carries power with a standard coal coefficient", "没有带折标准煤系数的电力流")
    used = coal.sum()
    left = added * weight[power][0]
    items = (
        ("energy without feedstock, power by coal", "等价值能耗（扣除原料用能）", used, "tce/a"),
        ("renewable power added", "新增可再生能源电力", left, "tce/a"),
    )
    return figure(account, items, used - left, coal != 0)


def _intensity(account: Account, factor: str) -> Terms:
    return Terms(standard_coal(account, factor), account.value_added() / 1e4, "tce/a", "万元/a")


def _productivity(account: Account, factor: str) -> Terms:
    return Terms(account.value_added() / 1e4, standard_coal(account, factor), "万元/a", "tce/a")


@indicator(
    "cn.energy_intensity",
    en="Energy per value added, calorific",
    zh="单位增加值综合能耗（当量值）",
    unit="tce/万元",
    formula="comprehensive energy consumption / value added",
    formula_zh="综合能耗 / 增加值",
    clause="GB/T 2589; HJ 274-2015, no. 11",
    certainty=MEMORY,
    better="less",
)
@indicator(
    "cn.industrial_energy_intensity",
    en="Energy per industrial value added, calorific",
    zh="规模以上工业单位增加值能耗（当量值）",
    unit="tce/万元",
    formula="comprehensive energy consumption / value added, drawn around industry",
    formula_zh="工业综合能耗 / 工业增加值",
    clause="GB/T 2589; regional energy statistics",
    certainty=MEMORY,
    better="less",
)
@indicator(
    "park.energy_intensity",
    en="Energy per industrial value added of the park",
    zh="单位工业增加值综合能耗",
    unit="tce/万元",
    formula="comprehensive energy consumption / value added",
    formula_zh="综合能耗 / 工业增加值",
    clause="HJ 274-2015, no. 11",
    certainty=MEMORY,
    better="less",
)
def energy_intensity(account: Account) -> Terms:
    """Power at its heat. Value added is the gross margin at constant prices, an estimate. An industrial
    figure needs a boundary that holds industry only.
    """
    return _intensity(account, "tce")


@indicator(
    "cn.energy_intensity_equivalent",
    en="Energy per value added, power by coal burnt for it",
    zh="单位增加值综合能耗（等价值）",
    unit="tce/万元",
    formula="comprehensive energy consumption, power by the coal burnt for it / value added",
    formula_zh="综合能耗（等价值）/ 增加值",
    clause="GB/T 2589; power at about 0.30 kgce/kWh",
    certainty=MEMORY,
    better="less",
)
def energy_intensity_equivalent(account: Account) -> Terms:
    """As regional statistics count power. Value added is the gross margin at constant prices, an estimate."""
    return _intensity(account, "tce_equivalent")


@indicator(
    "cn.energy_productivity",
    en="Energy productivity, power by coal burnt for it",
    zh="能源产出率（等价值）",
    unit="万元/tce",
    formula="value added / energy consumption, power by the coal burnt for it",
    formula_zh="增加值 / 能源消费量（等价值）",
    clause="NDRC 2749 of 2016, indicator system of 2017",
    certainty=MEMORY,
    better="more",
)
def energy_productivity(account: Account) -> Terms:
    """The standard divides domestic product by all energy of the region; here value added of the boundary
    stands for it, as a gross margin.
    """
    return _productivity(account, "tce_equivalent")


@indicator(
    "cn.energy_productivity_calorific",
    en="Energy productivity, calorific",
    zh="能源产出率（当量值）",
    unit="万元/tce",
    formula="value added / comprehensive energy consumption",
    formula_zh="增加值 / 综合能耗（当量值）",
    clause="NDRC 2749 of 2016, indicator system of 2017",
    certainty=MEMORY,
    better="more",
)
@indicator(
    "park.energy_productivity",
    en="Energy productivity of the park",
    zh="园区能源产出率",
    unit="万元/tce",
    formula="value added / comprehensive energy consumption",
    formula_zh="工业增加值 / 综合能耗",
    clause="Circular retrofit of parks, NDRC 765 of 2012; GB/T 33567-2017",
    certainty=MEMORY,
    better="more",
)
def energy_productivity_calorific(account: Account) -> Terms:
    """Power at its heat. Value added is the gross margin at constant prices, an estimate."""
    return _productivity(account, "tce")


@indicator(
    "cn.nonfossil_share",
    en="Non-fossil share of energy consumption",
    zh="非化石能源占能源消费总量比重",
    unit="%",
    formula="(power bought − sold at its coal equivalent × non-fossil share + non-fossil fuels) / energy",
    formula_zh="（净购入电力等价值 × 非化石比例 + 非化石燃料）/ 能源消费总量",
    clause="Energy statistics; power converted by the coal burnt for it",
    certainty=MEMORY,
    better="more",
)
def nonfossil_share(account: Account) -> Terms:
    """Needs the non-fossil share of the power bought. Own wind and solar power that crosses no boundary as a
    flow is in neither term.
    """
    share, coal = account.given("nonfossil_share_of_power") / 100, standard_coal(account, "tce_equivalent")
    weights = np.where(account.of_class("power"), share, np.where(account.of_good(*NONFOSSIL), 1.0, 0.0))
    return Terms(coal * weights, coal, "tce/a", "tce/a", 100.0)


@indicator(
    "park.renewable_share",
    en="Renewable share of energy used",
    zh="可再生能源使用比例",
    unit="%",
    formula="(power bought − sold × renewable share + renewable fuels) / comprehensive energy consumption",
    formula_zh="（净购入电力 × 可再生比例 + 可再生燃料）/ 综合能耗",
    clause="HJ 274-2015, no. 12",
    certainty=MEMORY,
    better="more",
)
def renewable_share(account: Account) -> Terms:
    """Calorific. Counts of bought power only the share that was given, which must be proved."""
    share, coal = account.given("renewable_share_of_power") / 100, standard_coal(account, "tce")
    weights = np.where(account.of_class("power"), share, np.where(account.of_good(*NONFOSSIL), 1.0, 0.0))
    return Terms(coal * weights, coal, "tce/a", "tce/a", 100.0)


@indicator(
    "park.waste_heat_recovery",
    en="Recovery of waste heat",
    zh="余热资源回收利用率",
    unit="%",
    formula="heat recovered / waste heat that could be recovered",
    formula_zh="余热回收利用量 / 可回收余热资源量",
    clause="Green park guides; GB/T 1028",
    certainty=MEMORY,
    better="more",
)
def waste_heat_recovery(account: Account) -> Terms:
    """Recovered: heat that processes give beside their goods, taken by others. Boilers and power
    plants, which give only power and heat, recover none. Needs the recoverable heat.
    """
    possible = account.given("recoverable_heat")
    goods = account.givers(account.of_kind("material") & account.of_class(*MATERIAL_CLASSES))
    recovered = account.of_class("heat") & account.made & account.leaving(goods)
    return Terms(np.where(recovered, account.energy, 0.0), None, "GJ/a", scale=100.0 / possible)
