"""Water: what is taken in, used again and discharged."""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Terms, indicator

LEAKED = ("water_leak",)
"""Goods that are water lost on the way."""

MEMORY = "from memory, to be confirmed"
BALANCE = "GB/T 7119; GB/T 12452"


def taken_in(account: Account) -> np.ndarray:
    """Flows of fresh and treated water that enter the boundary."""
    return account.enters & account.of_class("fresh_water", "process_water")


def intake(account: Account) -> np.ndarray:
    """m3/a of fresh water taken in, by flow: Vi, without what crops take."""
    return np.where(taken_in(account) & ~account.entering(account.grows), account.water, 0.0)


def no_intake(account: Account) -> tuple[tuple[str, np.ndarray], ...]:
    """What a rule leaves out of the intake."""
    return (
        ("sea water", account.enters & account.of_class("sea_water")),
        ("reclaimed water from outside", account.enters & account.of_class("reclaimed_water")),
        ("water that crops take", taken_in(account) & account.entering(account.grows)),
    )


def reused(account: Account) -> np.ndarray:
    """m3/a of water used again inside, by flow: Vr."""
    circulated = account.of_class("circulating_water") & account.leaving(cooling(account))
    condensate = account.of_class("process_water") & account.leaving(~gives_only_water(account))
    weight = account.kept_inside(circulated | condensate | account.of_class("reclaimed_water"))
    series = account.of_class("wastewater") & account.to_kind("transform", "use") & account.internal
    return np.where(weight != 0, account.water * weight, 0.0) + np.where(series, account.water, 0.0)


def discharged(account: Account) -> np.ndarray:
    """m3/a of waste water that leaves the boundary and is not sold, by flow: Vd."""
    out = account.leaves & account.of_class("wastewater") & ~account.to_place("market")
    return np.where(out & ~account.of_good(*LEAKED), account.water, 0.0)


def gives_only_water(account: Account) -> np.ndarray:
    """Processes that give nothing but water, vapour and emissions: a water service, not a production."""
    return ~account.givers(~account.of_kind("water") & ~account.of_class("emission", "vapour", "air"))


def cooling(account: Account) -> np.ndarray:
    """Processes that cool circulating water: they make up its losses with other water and give only water."""
    circulating = account.of_class("circulating_water")
    other = account.of_class("fresh_water", "process_water", "reclaimed_water", "sea_water", "wastewater")
    loop = account.takers(circulating) & account.givers(circulating)
    return loop & account.takers(other) & gives_only_water(account)


def check_cooling(account: Account) -> None:
    """Raise `Missing` unless circulating water is cooled inside the boundary."""
    towers = cooling(account)
    runs = account.of_class("circulating_water") & account.runs
    bought = runs & account.enters & ~account.entering(towers)
    if bought.any():
        goods, goods_zh = account.good_names(bought)
        raise Missing(
            f"circulating water ({goods}) is cooled outside the boundary, so its make-up is unknown: "
            "add the cooling process or widen the boundary",
            f"循环冷却水（{goods_zh}）在边界外冷却，补水量未知：请加入循环冷却装置或扩大边界",
        )
    inner = runs & account.internal
    if inner.any() and not (towers & account.inside).any():
        goods, goods_zh = account.good_names(inner)
        raise Missing(
            f"no process inside cools {goods}: it would take make-up water and give only water",
            f"边界内没有冷却{goods_zh}的装置（应取补充水且只产出水）",
        )


@indicator(
    "cn.fresh_water_intake",
    en="Fresh water intake",
    zh="工业取水量（新水）",
    unit="m3/a",
    formula="fresh and treated water that enters the boundary",
    formula_zh="进入边界的新水与处理水量",
    clause="GB/T 7119, Vi",
    certainty=MEMORY,
    better="less",
)
def fresh_water_intake(account: Account) -> Terms:
    """Without sea water, water bought as reclaimed, and water that crops take."""
    return Terms(intake(account), None, "m3/a", left_out=no_intake(account))


@indicator(
    "cn.industrial_water_intensity",
    en="Fresh water per industrial value added",
    zh="单位工业增加值取水量",
    unit="m3/万元",
    formula="fresh water intake / value added",
    formula_zh="取水量 / 工业增加值",
    clause="GB/T 7119, Vi / Z; HJ 274-2015, no. 14",
    certainty=MEMORY,
    better="less",
)
@indicator(
    "park.water_intensity",
    en="Fresh water per industrial value added of the park",
    zh="单位工业增加值新鲜水耗",
    unit="m3/万元",
    formula="fresh water intake / value added",
    formula_zh="新鲜水用量 / 工业增加值",
    clause="HJ 274-2015, no. 14",
    certainty=MEMORY,
    better="less",
)
@indicator(
    "water.intake_per_value",
    en="Intake per 10 000 yuan of value added",
    zh="万元增加值取水量",
    unit="m3/万元",
    formula="Vi / Z",
    formula_zh="取水量 / 增加值",
    clause=BALANCE,
    certainty="confirmed",
    better="less",
)
def industrial_water_intensity(account: Account) -> Terms:
    """Value added is the gross margin at constant prices, an estimate. Water that crops take is left out."""
    return Terms(intake(account), account.value_added() / 1e4, "m3/a", "万元/a", left_out=no_intake(account))


@indicator(
    "cn.water_intensity",
    en="Water use per value added",
    zh="万元地区生产总值用水量",
    unit="m3/万元",
    formula="water taken for use, farming included / value added",
    formula_zh="用水总量（含农业）/ 增加值",
    clause="Regional water statistics",
    certainty=MEMORY,
    better="less",
)
def water_intensity(account: Account) -> Terms:
    """With the water that crops take from canals; value added is the gross margin, an estimate."""
    rules = no_intake(account)[:2]
    return Terms(_all_use(account), account.value_added() / 1e4, "m3/a", "万元/a", left_out=rules)


@indicator(
    "cn.water_productivity",
    en="Water productivity",
    zh="水资源产出率",
    unit="CNY/m3",
    formula="value added / water taken for use, farming included",
    formula_zh="增加值 / 用水总量",
    clause="NDRC 2749 of 2016, indicator system of 2017",
    certainty=MEMORY,
    better="more",
)
def water_productivity(account: Account) -> Terms:
    """Value added is the gross margin, an estimate. Reuse inside and sea water do not count as use."""
    return Terms(account.value_added(), _all_use(account), "CNY/a", "m3/a", left_out=no_intake(account)[:2])


@indicator(
    "park.water_productivity",
    en="Water productivity of the park",
    zh="园区水资源产出率",
    unit="CNY/m3",
    formula="value added / fresh water intake",
    formula_zh="工业增加值 / 新鲜水用量",
    clause="Circular retrofit of parks, NDRC 765 of 2012; park guides, annex A",
    certainty="confirmed",
    better="more",
)
def park_water_productivity(account: Account) -> Terms:
    """Value added is the gross margin, an estimate."""
    return Terms(account.value_added(), intake(account), "CNY/a", "m3/a", left_out=no_intake(account))


def _all_use(account: Account) -> np.ndarray:
    return np.where(taken_in(account), account.water, 0.0)


@indicator(
    "cn.industrial_water_reuse_rate",
    en="Reuse rate of industrial water",
    zh="工业用水重复利用率",
    unit="%",
    formula="reused water / (fresh water intake + reused water)",
    formula_zh="重复利用水量 / (取水量 + 重复利用水量)",
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
    formula_zh="园区重复利用水量 / (取水量 + 重复利用水量)",
    clause="HJ 274-2015, no. 15; park guides",
    certainty="confirmed",
    better="more",
)
@indicator(
    "water.reuse_rate",
    en="Reuse rate",
    zh="重复利用率",
    unit="%",
    formula="Vr / (Vi + Vr)",
    formula_zh="重复利用水量 / (取水量 + 重复利用水量)",
    clause=BALANCE,
    certainty="confirmed",
    better="more",
)
def water_reuse_rate(account: Account) -> Terms:
    """Reused inside the boundary: circulated cooling water, reclaimed water, condensate of production, waste
    water taken by production. Circulated water counts once a round, where it leaves the cooling process.

    Missing where circulating water is cooled outside the boundary, because its make-up is then not known.
    """
    check_cooling(account)
    fresh, again = intake(account), reused(account)
    return Terms(again, fresh + again, "m3/a", "m3/a", 100.0, no_intake(account))


@indicator(
    "cn.reclaimed_water_rate",
    en="Reclaimed water used, of sewage treated",
    zh="城市再生水利用率",
    unit="%",
    formula="reclaimed water used / sewage treated",
    formula_zh="再生水利用量 / 污水处理量",
    clause="NDRC 2749 of 2016, indicator system of 2017; water-saving society guides",
    certainty="confirmed",
    better="more",
)
@indicator(
    "park.reclaimed_reuse",
    en="Reclaimed water reused in the park, of sewage treated there",
    zh="再生水（中水）回用率",
    unit="%",
    formula="reclaimed water used inside / sewage treated in the plants of the park",
    formula_zh="园区再生水回用量 / 园区污水处理厂处理量",
    clause="HJ 274-2015, no. 16",
    certainty=MEMORY,
    better="more",
)
def reclaimed_rate(account: Account) -> Terms:
    """Treated: waste water that treatment plants inside take, but for what one plant hands to the next. Some
    yearbooks divide by the sewage discharged instead.
    """
    weight = account.kept_inside(account.of_class("reclaimed_water"))
    treated = account.of_class("wastewater") & account.entering(account.inside) & account.to_kind("treat")
    treated &= ~account.from_kind("treat")
    used = np.where(weight != 0, account.water * weight, 0.0)
    return Terms(used, np.where(treated, account.water, 0.0), "m3/a", "m3/a", 100.0)


@indicator(
    "cn.industrial_wastewater",
    en="Waste water discharged",
    zh="工业废水排放量",
    unit="m3/a",
    formula="waste water that leaves the boundary to treatment or water bodies",
    formula_zh="排出边界的废水量",
    clause="NDRC 2749 of 2016, reference indicator",
    certainty=MEMORY,
    better="less",
)
def industrial_wastewater(account: Account) -> Terms:
    """Treated effluent counts too. Sea water that only cooled does not."""
    return Terms(discharged(account), None, "m3/a")


@indicator(
    "park.wastewater_intensity",
    en="Waste water per industrial value added",
    zh="单位工业增加值废水排放量",
    unit="m3/万元",
    formula="waste water discharged / value added",
    formula_zh="废水排放量 / 工业增加值",
    clause="HJ 274-2015, no. 27",
    certainty=MEMORY,
    better="less",
)
def wastewater_intensity(account: Account) -> Terms:
    """Value added is the gross margin, an estimate."""
    return Terms(discharged(account), account.value_added() / 1e4, "m3/a", "万元/a")
