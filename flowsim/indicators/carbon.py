"""CO2: what leaves for the air, and what stands behind bought power and heat."""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account, Missing
from flowsim.indicators.energy import MEMORY, NONFOSSIL, feedstock_share, standard_coal
from flowsim.indicators.registry import Terms, indicator

CO2_GOODS = ("co2_fossil", "co2_process", "co2_conc")
"""Goods that are fossil or mineral carbon dioxide; ``co2_bio`` stays out."""
PROCESS_CO2 = ("co2_process", "co2_conc")
"""Of these, what no burning gives: from carbonates, and what is separated from gas made of feedstock."""
CO2_PER_C = 44 / 12
"""t of carbon dioxide per t of carbon."""

GUIDE = "Provincial greenhouse gas inventory guide (2025) for the factors"


@indicator(
    "general.co2",
    en="CO2 emissions, direct and of bought power and heat",
    zh="二氧化碳排放量（直接排放与净购入电力、热力）",
    unit="t/a",
    formula="fossil and process CO2 to air + (power and heat bought − sold) × emission factor",
    formula_zh="化石与过程二氧化碳排放 + 净购入电力、热力 × 排放因子",
    clause=GUIDE,
    certainty="confirmed",
    better="less",
)
def co2(account: Account) -> Terms:
    """Direct CO2 is what the recipes send to the air; fuel gas let off counts as burnt, by its carbon.

    Biogenic CO2 stays out. The first set of factors in the table holds for bought power unless another is
    named: its year should be that of the data. CO2 that is sold or used inside is not emitted.
    """
    rules = (("biogenic CO2", account.leaves & account.of_good("co2_bio")),)
    return Terms(co2_by_flow(account), None, "t/a", left_out=rules)


@indicator(
    "general.co2_by_factors",
    en="CO2 emissions by published fuel factors",
    zh="二氧化碳排放量（按燃料排放因子）",
    unit="t/a",
    formula="(fuels bought − sold − used as material) × factor + process CO2 to air + (power and heat bought "
    "− sold) × factor",
    formula_zh="（外购 − 外销 − 原料用能）× 排放因子 + 过程排放 + 净购入电力、热力 × 排放因子",
    clause=GUIDE,
    certainty="confirmed",
    better="less",
)
def co2_by_factors(account: Account) -> Terms:
    """As an inventory is made: activity × heating value × carbon × oxidation × 44/12, of the set that
    is named or stands first; by its carbon content where no set has the good. What is used as material is
    taken as not burnt: its carbon stays in products, or leaves as process CO2, which counts.
    """
    process = account.leaves & account.to_place("air") & account.of_good(*PROCESS_CO2)
    total = fuel_co2(account) + np.where(process, account.mass, 0.0) + bought_co2(account)
    return Terms(total, None, "t/a")


def fuel_co2(account: Account) -> np.ndarray:
    """t/a of CO2 by flow of fuels bought, less what is sold or used as material, by factors."""
    fuel = account.of_kind("material") & (account.of_class("fuel") | ~np.isnan(account.factor("tce")))
    fuel &= ~account.of_good(*NONFOSSIL)
    trade = fuel & (account.enters | (account.leaves & ~account.to_place("air")))
    published, carbon = account.factor("co2_fuel"), account.content("C") * CO2_PER_C
    factor = np.where(np.isnan(published), np.where(carbon > 0, carbon, np.nan), published)
    share = feedstock_share(account, fuel)
    account.need(trade | (share > 0), factor, "CO2 factor of a fuel", "燃料二氧化碳排放因子")
    sign = np.where(account.enters, 1.0, -1.0) * trade - share
    return np.where(sign == 0, 0.0, sign * account.amounts * np.nan_to_num(factor))


@indicator(
    "general.co2_intensity",
    en="CO2 per value added",
    zh="单位增加值二氧化碳排放量",
    unit="t/万元",
    formula="CO2 emissions / value added",
    formula_zh="二氧化碳排放量 / 增加值",
    clause="HJ 274-2015, no. 26 for its change; general.co2 and general.value_added",
    certainty="own definition",
    better="less",
)
def co2_intensity(account: Account) -> Terms:
    """Value added is the gross margin, an estimate."""
    return Terms(co2_by_flow(account), account.value_added() / 1e4, "t/a", "万元/a")


@indicator(
    "park.carbon_per_energy",
    en="CO2 per energy consumption",
    zh="单位能耗碳排放",
    unit="t/tce",
    formula="CO2 emissions / comprehensive energy consumption",
    formula_zh="碳排放量 / 综合能耗",
    clause="Notice on zero-carbon parks (2025), core indicator; details of its formula not seen",
    certainty=MEMORY,
    better="less",
)
def carbon_per_energy(account: Account) -> Terms:
    """National zero-carbon parks: at most 0.2 t/tce for 0.2 to 1 million tce/a, at most 0.3 beyond."""
    return Terms(co2_by_flow(account), standard_coal(account, "tce"), "t/a", "tce/a")


def co2_by_flow(account: Account) -> np.ndarray:
    """t/a of CO2 by flow; raises `Missing` if the direct emission of a fuel user is unknown."""
    _check_fuel_users(account)
    to_air = account.leaves & account.to_place("air")
    gas = to_air & account.of_class("fuel")
    carbon = account.content("C")
    account.need(gas, np.where(carbon > 0, carbon, np.nan), "carbon content", "含碳量")
    direct = np.where(to_air & account.of_good(*CO2_GOODS), account.mass, 0.0)
    let_off = np.where(gas, account.mass * carbon * CO2_PER_C, 0.0)
    return direct + let_off + bought_co2(account)


def bought_co2(account: Account, *classes: str) -> np.ndarray:
    """t/a of CO2 by flow for power and heat, or one of them, bought less sold."""
    traded = (account.enters | account.leaves) & account.of_class(*classes or ("power", "heat"))
    factor = account.factor("co2_bought")
    account.need(traded, factor, "CO2 factor of bought energy", "外购能源二氧化碳排放因子")
    return np.where(traded, np.where(account.enters, 1.0, -1.0) * account.amounts * factor, 0.0)


def _check_fuel_users(account: Account) -> None:
    """A process that burns fuel must say what CO2 it gives off; else its emission would count as 0."""
    fuel = account.of_class("fuel")
    material = account.result.system.flows["feedstock"].to_numpy(dtype=float) == 1
    burnt = fuel & ~np.isnan(account.factor("co2_fuel")) & account.runs & ~material
    users = account.takers(burnt & ~account.to_kind("pool", "collect", "store", "trade")) & account.inside
    silent = users & ~account.givers(account.of_good(*CO2_GOODS) | fuel)
    if silent.any():
        names = account.result.system.processes.loc[silent, ["id", "zh"]]
        listed, listed_zh = ", ".join(names["id"].iloc[:5]), "、".join(names["zh"].iloc[:5])
        goods = ", ".join(CO2_GOODS)
        raise Missing(
            f"{listed} takes fuel, but gives off no CO2: add an output of {goods}",
            f"{listed_zh}使用燃料但没有二氧化碳排放流：请添加 {goods} 之一",
        )
