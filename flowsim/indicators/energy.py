"""Comprehensive energy (GB/T 2589), and what regional plans leave out of it."""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Terms, indicator

CARRIERS = ("fuel", "power", "heat")
MATERIAL_CLASSES = ("product", "raw_material", "mineral", "biomass", "fuel", "by_product", "recyclable")
NONFOSSIL = ("biogas", "straw", "forest_residue", "bark", "wood_chips", "wood_fines", "hydrogen_green")
"""Goods that are fuel without fossil carbon."""

ADDED = "renewable_power_added"
"""The input that is taken off the energy as assessed."""

MEMORY = "from memory, to be confirmed"
FEEDSTOCK_RULE = "NDRC and NBS, 803 of 2022, on feedstock energy; GB/T 2589"
ASSESSED_RULE = "NDRC and NBS, 803 of 2022, on feedstock; 14th five-year plan, on added renewable power"


def standard_coal(account: Account, factor: str) -> np.ndarray:
    """tce/a by flow: what enters less what leaves; what is lost to the air is no sale."""
    crosses = account.enters | (account.leaves & ~account.to_place("air", "water", "landfill"))
    weights = account.factor(factor)
    account.need(crosses & account.of_class(*CARRIERS), weights, "standard coal coefficient", "折标准煤系数")
    sign = np.where(account.enters, 1.0, -1.0)
    return np.where(crosses & ~np.isnan(weights), sign * account.amounts * np.nan_to_num(weights), 0.0)


def without_feedstock(account: Account, factor: str) -> np.ndarray:
    """The same less the energy that processes inside use as material, wherever it was made."""
    return standard_coal(account, factor) - feedstock(account, factor)


def feedstock(account: Account, factor: str) -> np.ndarray:
    """tce/a by flow of energy used as material; raises `Missing` where this is not stated and may be."""
    weights = account.factor(factor)
    return np.nan_to_num(weights) * account.amounts * feedstock_share(account, ~np.isnan(weights))


def feedstock_share(account: Account, energy: np.ndarray) -> np.ndarray:
    """Part of each flow of energy goods that becomes material at a process inside, shape (flows,).

    Energy feedstock is what makes goods that are no energy (NDRC and NBS 803 of 2022, part 1). Stated by
    recipe lines and flows (`feedstock`). Where it is not, nothing is feedstock at a process that gives no
    goods but energy; of any other it is not known, and `Missing` is raised.
    """
    energy = energy & account.of_kind("material")
    used = energy & account.used_inside
    share = account.result.system.flows["feedstock"].to_numpy(dtype=float)
    goods = account.givers(account.of_kind("material") & account.of_class(*MATERIAL_CLASSES) & ~energy)
    unclear = used & account.runs & np.isnan(share) & account.entering(goods)
    if unclear.any():
        names, names_zh = account.good_names(unclear)
        raise Missing(
            f"nothing says what part of {names} is burnt and what part becomes product (`feedstock`)",
            f"未说明{names_zh}中作原料和作燃料的部分（`feedstock`）",
        )
    return np.where(used, np.nan_to_num(share), 0.0)


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
    formula="comprehensive energy consumption − energy used as material × standard coal coefficient",
    formula_zh="综合能耗 − 原料用能 × 折标准煤系数",
    clause=FEEDSTOCK_RULE,
    certainty="confirmed",
    better="less",
)
def comprehensive_energy_no_feedstock(account: Account) -> Terms:
    """Feedstock counts where it is used, bought or made inside; its part is stated by recipe or flow."""
    return Terms(without_feedstock(account, "tce"), None, "tce/a")


@indicator(
    "cn.comprehensive_energy_equivalent_no_feedstock",
    en="Comprehensive energy consumption without feedstock, power by coal burnt for it",
    zh="综合能耗（等价值，扣除原料用能）",
    unit="tce/a",
    formula="energy consumption, power by coal − energy used as material × standard coal coefficient",
    formula_zh="综合能耗（等价值）− 原料用能 × 折标准煤系数",
    clause=FEEDSTOCK_RULE,
    certainty="confirmed",
    better="less",
)
def comprehensive_energy_equivalent_no_feedstock(account: Account) -> Terms:
    """As regional statistics count power."""
    return Terms(without_feedstock(account, "tce_equivalent"), None, "tce/a")


@indicator(
    "cn.feedstock_energy",
    en="Energy used as feedstock",
    zh="原料用能",
    unit="tce/a",
    formula="Σ energy goods used as material × standard coal coefficient",
    formula_zh="Σ 用作原料、材料的能源 × 折标准煤系数",
    clause=FEEDSTOCK_RULE,
    certainty="confirmed",
)
def feedstock_energy(account: Account) -> Terms:
    """Goods without a coefficient (methanol, hydrogen, low-sulfur coke) are in neither account."""
    return Terms(feedstock(account, "tce"), None, "tce/a")


@indicator(
    "cn.assessed_energy",
    en="Energy consumption as assessed",
    zh="能耗总量考核值（扣除原料用能和新增可再生能源）",
    unit="tce/a",
    formula="energy, power by coal, without feedstock − renewable power added since 2020 × coal equivalent",
    formula_zh="等价值能耗（扣除原料用能）− 新增可再生能源电力消费量 × 电力等价系数",
    clause=ASSESSED_RULE,
    certainty=MEMORY,
    better="less",
)
def assessed_energy(account: Account) -> Terms:
    """The renewable power added is an input that no flow carries. Where it is not given none is taken off, so
    that the figure is on the high side.
    """
    return Terms(_assessed(account), None, "tce/a")


def _assessed(account: Account) -> np.ndarray:
    """tce/a by flow: without feedstock, and of the power bought only what is not added renewable power."""
    coal = without_feedstock(account, "tce_equivalent")
    if ADDED not in account.inputs:
        return coal
    bought = account.enters & account.of_class("power")
    total, added = np.where(bought, account.amounts, 0.0).sum(axis=-1, keepdims=True), account.given(ADDED)
    if (added > total).any():
        raise Missing(
            f"the renewable power added ({added:.6g} GJ/a) is more than the power bought",
            f"新增可再生能源电力（{added:.6g} GJ/a）超过外购电力",
        )
    return coal * np.where(bought, 1 - added / np.where(total == 0, 1.0, total), 1.0)


def _intensity(account: Account, coal: np.ndarray) -> Terms:
    return Terms(coal, account.value_added() / 1e4, "tce/a", "万元/a")


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
    return _intensity(account, standard_coal(account, "tce"))


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
    return _intensity(account, standard_coal(account, "tce_equivalent"))


@indicator(
    "cn.energy_intensity_no_feedstock",
    en="Energy per value added without feedstock, calorific",
    zh="单位增加值综合能耗（当量值，扣除原料用能）",
    unit="tce/万元",
    formula="comprehensive energy consumption without feedstock / value added",
    formula_zh="综合能耗（扣除原料用能）/ 增加值",
    clause=FEEDSTOCK_RULE,
    certainty="confirmed",
    better="less",
)
def energy_intensity_no_feedstock(account: Account) -> Terms:
    """The rule leaves value added as it is, and takes feedstock off the base year, too."""
    return _intensity(account, without_feedstock(account, "tce"))


@indicator(
    "cn.assessed_energy_intensity",
    en="Energy per value added as assessed",
    zh="单位增加值能耗考核值（等价值，扣除原料用能和新增可再生能源）",
    unit="tce/万元",
    formula="energy consumption as assessed / value added",
    formula_zh="能耗总量考核值 / 增加值",
    clause=ASSESSED_RULE,
    certainty=MEMORY,
    better="less",
)
def assessed_energy_intensity(account: Account) -> Terms:
    """As cn.assessed_energy: without the input for added renewable power the figure is on the high side. A
    change counts none of it in the base, which is the year that it is counted from.
    """
    return _intensity(account, _assessed(account))


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


@indicator(
    "cn.energy_per_product",
    en="Comprehensive energy per unit of product",
    zh="单位产品综合能耗",
    unit="tce/t",
    formula="e = E / P",
    formula_zh="综合能耗 / 产品产量",
    clause="GB/T 2589",
    certainty="confirmed",
    better="less",
)
def energy_per_product(account: Account) -> Terms:
    """Calorific, with feedstock; for a boundary that gives one product only."""
    made = np.where(account.product(), account.mass, 0.0)
    return Terms(standard_coal(account, "tce"), made, "tce/a", "t/a")
