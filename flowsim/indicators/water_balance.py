"""The ratios of a water balance: GB/T 7119 and GB/T 12452."""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Terms, indicator
from flowsim.indicators.water import (
    BALANCE,
    LEAKED,
    MEMORY,
    check_cooling,
    cooling,
    discharged,
    gives_only_water,
    intake,
    no_intake,
)

PRODUCING = ("transform", "use", "utilise")


@indicator(
    "water.indirect_cooling_rate",
    en="Circulation rate of indirect cooling water",
    zh="间接冷却水循环率",
    unit="%",
    formula="circulated / (circulated + fresh water for cooling)",
    formula_zh="循环量 / (循环量 + 冷却用新水量)",
    clause=BALANCE,
    certainty="confirmed",
    better="more",
)
def indirect_cooling_rate(account: Account) -> Terms:
    """All circulating water counts as indirect cooling; fresh water for cooling is the make-up of its
    towers.
    """
    check_cooling(account)
    towers = cooling(account) & account.inside
    weight = account.kept_inside(account.of_class("circulating_water") & account.leaving(towers))
    circulated = np.where(weight != 0, account.water * weight, 0.0)
    fresh = account.of_class("fresh_water", "process_water") & account.entering(towers)
    total = circulated + np.where(fresh, account.water, 0.0)
    return Terms(circulated, total, "m3/a", "m3/a", 100.0)


@indicator(
    "water.direct_cooling_rate",
    en="Circulation rate of direct cooling water",
    zh="直接冷却水循环率",
    unit="%",
    formula="circulated / (circulated + fresh), of direct cooling",
    formula_zh="直接冷却循环量 / (直接冷却循环量 + 新水量)",
    clause=BALANCE,
    certainty=MEMORY,
    better="more",
)
def direct_cooling_rate(account: Account) -> Terms:
    """Missing: goods do not tell direct from indirect cooling."""
    raise Missing(
        "the flows do not tell direct from indirect cooling water", "物料流无法区分直接与间接冷却水"
    )


@indicator(
    "water.process_reuse_rate",
    en="Reuse rate of process water",
    zh="工艺水回用率",
    unit="%",
    formula="reused water taken by production / (reused + fresh water taken by production)",
    formula_zh="工艺回用水量 / (工艺回用水量 + 工艺新水量)",
    clause=BALANCE,
    certainty="confirmed",
    better="more",
)
def process_reuse_rate(account: Account) -> Terms:
    """Production: processes that give more than water and vapour; cooling water is left out."""
    producing = account.entering(account.inside & ~gives_only_water(account)) & account.to_kind(*PRODUCING)
    producing &= ~account.entering(account.grows)
    again = np.where(producing & account.of_class("reclaimed_water", "wastewater"), account.water, 0.0)
    fresh = np.where(producing & account.of_class("fresh_water", "process_water"), account.water, 0.0)
    return Terms(again, again + fresh, "m3/a", "m3/a", 100.0)


@indicator(
    "water.condensate_rate",
    en="Return rate of steam condensate",
    zh="蒸汽冷凝水回用率",
    unit="%",
    formula="condensate returned × density / (steam × hours)",
    formula_zh="冷凝水回用量 × 密度 / (产汽量 × 小时数)",
    clause=BALANCE,
    certainty="confirmed",
    better="more",
)
def condensate_rate(account: Account) -> Terms:
    """Missing: steam is counted by its heat, and the ratio needs its mass."""
    raise Missing("steam is counted in GJ, and the ratio needs its mass", "蒸汽以热量（GJ）计，缺少蒸汽质量")


@indicator(
    "water.wastewater_reuse_rate",
    en="Reuse rate of waste water",
    zh="废水回用率",
    unit="%",
    formula="reclaimed from own waste water and used / (the same + waste water discharged)",
    formula_zh="废水处理后回用量 / (回用量 + 外排水量)",
    clause=BALANCE,
    certainty=MEMORY,
    better="more",
)
def wastewater_reuse_rate(account: Account) -> Terms:
    """Vw / (Vd + Vw); bought reclaimed water is not own waste water."""
    weight = account.kept_inside(account.of_class("reclaimed_water") & account.made)
    again = np.where(weight != 0, account.water * weight, 0.0)
    return Terms(again, again + discharged(account), "m3/a", "m3/a", 100.0)


@indicator(
    "water.leakage_rate",
    en="Leakage rate",
    zh="用水综合漏失率",
    unit="%",
    formula="Vl / Vi",
    formula_zh="漏失水量 / 取水量",
    clause=BALANCE,
    certainty=MEMORY,
    better="less",
)
def leakage_rate(account: Account) -> Terms:
    """Leaks are known where a flow carries them as the good `water_leak`."""
    return Terms(_leaked(account), intake(account), "m3/a", "m3/a", 100.0, no_intake(account))


def _leaked(account: Account) -> np.ndarray:
    leaks = account.of_good(*LEAKED)
    if not leaks.any():
        raise Missing(
            "no flow carries leaked water (good water_leak)", "没有漏失水的物料流（物料 water_leak）"
        )
    return np.where(leaks & account.leaves, account.water, 0.0)


@indicator(
    "water.discharge_rate",
    en="Discharge rate",
    zh="排水率",
    unit="%",
    formula="Vd / Vi",
    formula_zh="外排水量 / 取水量",
    clause=BALANCE,
    certainty=MEMORY,
    better="less",
)
def discharge_rate(account: Account) -> Terms:
    """May exceed 100 % where water comes in with reclaimed water or wet material."""
    return Terms(discharged(account), intake(account), "m3/a", "m3/a", 100.0, no_intake(account))


@indicator(
    "water.consumption_rate",
    en="Consumption rate",
    zh="耗水率",
    unit="%",
    formula="(Vi − Vd − Vl) / Vi",
    formula_zh="(取水量 − 外排水量 − 漏失水量) / 取水量",
    clause=BALANCE,
    certainty=MEMORY,
)
def consumption_rate(account: Account) -> Terms:
    """By difference, as the balance Vi = Vco + Vd + Vl has it: evaporated, or gone with products."""
    leaked = account.of_good(*LEAKED) & account.leaves
    fresh = intake(account)
    consumed = fresh - discharged(account) - np.where(leaked, account.water, 0.0)
    return Terms(consumed, fresh, "m3/a", "m3/a", 100.0, no_intake(account))


@indicator(
    "water.unconventional_rate",
    en="Share of unconventional water",
    zh="非常规水资源替代率",
    unit="%",
    formula="Vih / (Vi + Vih)",
    formula_zh="非常规水取用量 / (取水量 + 非常规水取用量)",
    clause=BALANCE,
    certainty=MEMORY,
    better="more",
)
def unconventional_rate(account: Account) -> Terms:
    """Unconventional: reclaimed water brought in. Sea water that only cools is not counted."""
    other = np.where(account.enters & account.of_class("reclaimed_water"), account.water, 0.0)
    return Terms(other, intake(account) + other, "m3/a", "m3/a", 100.0)


@indicator(
    "water.intake_per_product",
    en="Intake per unit of product",
    zh="单位产品取水量",
    unit="m3/t",
    formula="Vi / Q",
    formula_zh="取水量 / 产品产量",
    clause=BALANCE,
    certainty="confirmed",
    better="less",
)
def intake_per_product(account: Account) -> Terms:
    """For a boundary that gives one product only: unlike products are not added up."""
    return Terms(intake(account), np.where(account.product(), account.mass, 0.0), "m3/a", "t/a")


@indicator(
    "water.domestic_per_head",
    en="Domestic fresh water per employee and day",
    zh="职工人均生活日新水量",
    unit="m3/(head·d)",
    formula="domestic fresh water / (employees × days)",
    formula_zh="生活用新水量 / (职工人数 × 天数)",
    clause=BALANCE,
    certainty="confirmed",
    better="less",
)
def domestic_per_head(account: Account) -> Terms:
    """Missing: recipes carry the water of production, not that of the staff."""
    raise Missing("no flow carries the domestic water of the staff", "没有职工生活用水的物料流")


@indicator(
    "water.concentration_ratio",
    en="Concentration ratio of cooling loops",
    zh="循环冷却水浓缩倍数",
    unit="1",
    formula="make-up / (blow-down + drift)",
    formula_zh="补充水量 / (排污水量 + 风吹损失)",
    clause=BALANCE,
    certainty=MEMORY,
    better="more",
)
def concentration_ratio(account: Account) -> Terms:
    """Water that cooling towers take beside the circulated, over the waste water that they give."""
    towers = cooling(account) & account.inside
    circulating = account.of_class("circulating_water", "vapour") | account.of_good(*LEAKED)
    make_up = account.entering(towers) & account.of_kind("water") & ~circulating
    blow_down = account.leaving(towers) & account.of_class("wastewater") & ~account.of_good(*LEAKED)
    return Terms(
        np.where(make_up, account.water, 0.0), np.where(blow_down, account.water, 0.0), "m3/a", "m3/a"
    )
