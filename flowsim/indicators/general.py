"""Figures of general use with definitions of our own: value added, CO2, landfill, recycled input."""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Terms, indicator

WASTES = (
    "recyclable",
    "solid_waste",
    "hazardous_waste",
    "municipal_waste",
    "construction_waste",
    "agricultural_waste",
)
"""Classes of what a product or a process has left behind: secondary material once it is taken up again."""

CO2_GOODS = ("co2_fossil", "co2_process", "co2_conc")
"""Goods that are fossil or mineral carbon dioxide; ``co2_bio`` stays out."""

CO2_PER_C = 44 / 12
"""t of carbon dioxide per t of carbon."""


@indicator(
    "general.value_added",
    en="Value added (gross margin)",
    zh="增加值（毛利估算）",
    unit="CNY/a",
    formula="value of goods that leave the boundary − value of goods that enter it, at constant prices",
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
    "general.co2",
    en="CO2 emissions, direct and of bought power and heat",
    zh="二氧化碳排放量（直接排放与净购入电力、热力）",
    unit="t/a",
    formula="fossil and process CO2 to air + (power and heat bought − sold) × emission factor",
    clause="Provincial greenhouse gas inventory guide (2025) for the factors",
    certainty="confirmed",
    better="less",
)
def co2(account: Account) -> Terms:
    """Direct CO2 is what the recipes send to the air; fuel gas let off counts as burnt, by its carbon.

    Biogenic CO2 stays out. The first set of factors in the table holds for bought power: its year should be
    that of the data. Carbon dioxide that is sold or used inside is not emitted.
    """
    rules = (("biogenic CO2", account.leaves & account.of_good("co2_bio")),)
    return Terms(_co2(account), None, "t/a", left_out=rules)


@indicator(
    "general.co2_intensity",
    en="CO2 per value added",
    zh="单位增加值二氧化碳排放量",
    unit="t/万元",
    formula="CO2 emissions / value added",
    clause="own definition, from general.co2 and general.value_added",
    certainty="own definition",
    better="less",
)
def co2_intensity(account: Account) -> Terms:
    """Value added is the gross margin, an estimate."""
    return Terms(_co2(account), account.value_added() / 1e4, "t/a", "万元/a")


def _co2(account: Account) -> np.ndarray:
    """t/a of CO2 by flow; raises `Missing` if the direct emission of a fuel user is unknown."""
    _check_fuel_users(account)
    to_air = account.leaves & account.to_place("air")
    gas = to_air & account.of_class("fuel")
    carbon = account.content("C")
    account.need(gas, np.where(carbon > 0, carbon, np.nan), "carbon content", "含碳量")
    traded = (account.enters | account.leaves) & account.of_class("power", "heat")
    factor = account.factor("co2_bought")
    account.need(traded, factor, "CO2 factor of bought energy", "外购能源二氧化碳排放因子")
    sign = np.where(account.enters, 1.0, -1.0)
    direct = np.where(to_air & account.of_good(*CO2_GOODS), account.mass, 0.0)
    let_off = np.where(gas, account.mass * carbon * CO2_PER_C, 0.0)
    return direct + let_off + np.where(traded, sign * account.amounts * factor, 0.0)


def _check_fuel_users(account: Account) -> None:
    """A process that burns fuel must say what CO2 it gives off; else its emission would count as 0."""
    fuel = account.of_class("fuel")
    burnt = fuel & ~np.isnan(account.factor("co2_fuel")) & account.runs
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


@indicator(
    "general.solid_waste_landfilled",
    en="Solid waste landfilled or disposed of",
    zh="固体废物填埋处置量",
    unit="t/a",
    formula="mass of goods that reach a landfill or a process of the kind dispose",
    clause="own definition",
    certainty="own definition",
    better="less",
)
def solid_waste_landfilled(account: Account) -> Terms:
    """All solids whatever their class; what a process of disposal gives off is not counted again.

    At a firm or chain, waste handed to a network or a collector outside counts by the share that ends so.
    """
    processes = account.result.system.processes
    ends = ((processes["kind"] == "dispose") | (processes["id"] == "landfill")).to_numpy()
    solid = account.of_kind("material") & ~account.from_kind("dispose")
    share = np.where(account.leaves, account.reaching(ends), account.internal & account.to_kind("dispose"))
    return Terms(np.where(solid & (share != 0), account.mass * share, 0.0), None, "t/a")


@indicator(
    "general.recycled_input_rate",
    en="Recycled input rate",
    zh="再生原料投入率",
    unit="%",
    formula="wastes and recyclables taken up / (wastes and recyclables taken up + primary material input)",
    clause="own definition, after CRR1 = CR / (CR + DMI) of Chinese economy-wide accounts",
    certainty="own definition",
    better="more",
)
def recycled_input_rate(account: Account) -> Terms:
    """Mass of wastes and recyclables that transforming and utilising processes inside take, from anywhere.

    Counted once, at the first process that takes them up; what utilising processes hand to each other is not
    added again. Primary is all material that is extracted, harvested or brought in and is no waste: also
    secondary material that is bought as a product, because its origin is unknown.
    """
    kinds = account.result.system.processes["kind"].isin(["transform", "utilise"]).to_numpy()
    waste = account.of_kind("material") & account.of_class(*WASTES)
    second = waste & account.internal & account.from_kind("utilise")
    source = waste & (account.enters | (account.made & account.internal & ~second))
    share = account.reaching(kinds & account.inside)
    recycled = np.where(source & (share != 0), account.mass * share, 0.0)
    primary = np.where(account.material_input & ~waste, account.mass, 0.0)
    rules = (("waste passed on between utilising processes, counted when it was first taken up", second),)
    return Terms(recycled, recycled + primary, "t/a", "t/a", 100.0, rules)
