"""The Chinese indicator system of 2017 (NDRC 2749 of 2016): what is not waste, water or energy alone.

Where a definition rests on memory of the standard, its certainty says so; compare it with the text before
claiming conformity.
"""

from __future__ import annotations

import numpy as np

from flowsim.errors import InputError
from flowsim.indicators import city, waste
from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Figure, Terms, figure, indicator

MAIN_CLASSES = ("mineral", "fuel", "biomass")
MAIN_GOODS = ("paddy",)
NOT_MAIN = ("straw", "biogas", "eaf_gas")
MAIN_METALS = ("Fe", "Cu", "Al", "Pb", "Zn", "Ni", "Co", "Li", "Mn")
LEAST_METAL = 0.2
"""Main resources: goods of these classes and cereals, without residues and gases made of what is counted
already; and raw materials that hold at least this mass fraction of the main metals. Wastes, recyclables and
products do not count. Cobalt, lithium, manganese and rock but limestone are not in the list of 2017."""

POLLUTANTS = {
    "cod": (("cod",), "chemical oxygen demand", "化学需氧量"),
    "nh3n": (("nh3n",), "ammonia nitrogen", "氨氮"),
    "so2": (("so2",), "sulfur dioxide", "二氧化硫"),
    "nox": (("nox",), "nitrogen oxides", "氮氧化物"),
}
"""Key pollutants and the goods that carry them."""

NDRC = "NDRC 2749 of 2016, indicator system of 2017"
MEMORY = "from memory, to be confirmed"


def main_resources(account: Account) -> np.ndarray:
    """Flows of main resources."""
    main = (account.of_class(*MAIN_CLASSES) | account.of_good(*MAIN_GOODS)) & ~account.of_good(*NOT_MAIN)
    return main | (account.of_class("raw_material") & (account.content(*MAIN_METALS) >= LEAST_METAL))


@indicator(
    "cn.main_resource_productivity",
    en="Main resource productivity",
    zh="主要资源产出率",
    unit="CNY/t",
    formula="value added / (main resources extracted and brought in − main resources taken out)",
    formula_zh="增加值 / (本地开采与调入的主要资源 − 调出的主要资源)",
    clause=NDRC,
    certainty=MEMORY,
    better="more",
)
def main_resource_productivity(account: Account) -> Terms:
    """Main resources: minerals, fuels, wood, cereals, and raw materials that are a fifth or more main metals.

    Consumption is net of the same resources that leave. Recycled material does not count. Value added is the
    gross margin at constant prices, an estimate.
    """
    main = main_resources(account)
    taken_out = main & account.leaves & ~account.to_place("landfill", "air", "water")
    used = np.where(main & account.material_input, account.mass, 0.0) - np.where(taken_out, account.mass, 0.0)
    rules = (("material that is no main resource", account.material_input & ~main),)
    return Terms(account.value_added(), used, "CNY/a", "t/a", left_out=rules)


@indicator(
    "cn.main_waste_recycling_rate",
    en="Main waste recycling rate",
    zh="主要废弃物循环利用率",
    unit="%",
    formula="mean of the rates of straw, industrial solid waste, recyclables, construction and food waste",
    formula_zh="（秸秆 + 一般工业固废 + 再生资源 + 建筑垃圾 + 餐厨废弃物各率之和）/ 5",
    clause=f"{NDRC}; weights of one fifth",
    certainty=MEMORY,
    better="more",
    direct=True,
)
def main_waste_recycling_rate(account: Account) -> Figure:
    """A mean of rates by definition, not of tonnes. If one of the five is missing, so is the mean."""
    parts = (
        ("straw", "秸秆", city.straw_utilisation_rate),
        ("general industrial solid waste", "一般工业固体废物", waste.isw_utilisation_rate),
        ("main recyclables", "主要再生资源", city.recovery_rate),
        ("construction waste", "建筑垃圾", city.cdw_resource_rate),
        ("food waste", "餐厨废弃物", city.food_waste_resource_rate),
    )
    rates, used, lacking = [], np.zeros(len(account.enters), dtype=bool), []
    for en, zh, function in parts:
        try:
            terms = function(account)
        except Missing:
            lacking.append((en, zh))
            continue
        assert terms.denominator is not None
        used |= terms.denominator != 0
        if terms.denominator.sum() == 0:
            lacking.append((en, zh))
            continue
        rates.append(float(terms.numerator.sum() / terms.denominator.sum() * terms.scale))
    if lacking:
        names, names_zh = ", ".join(en for en, _ in lacking), "、".join(zh for _, zh in lacking)
        raise Missing(f"no rate of {names}", f"缺少{names_zh}的利用率")
    items = [(en, zh, rate, "%") for (en, zh, _), rate in zip(parts, rates, strict=True)]
    return figure(account, items, float(np.mean(rates)), used)


def main_waste_mean(rates: list[float]) -> float:
    """Mean of the five rates in percent, each a fifth: 85, 73, 82, 20 and 13 give 54.6.

    Raises
    ------
    InputError : not five rates
    """
    if len(rates) != 5:
        raise InputError(
            f"the main waste recycling rate is the mean of 5 rates, but {len(rates)} were given."
        )
    return float(np.mean(rates))


@indicator(
    "cn.construction_land_productivity",
    en="Construction-land productivity",
    zh="建设用地产出率",
    unit="万元/ha",
    formula="value added / construction land",
    formula_zh="增加值 / 建设用地面积",
    clause=NDRC,
    certainty=MEMORY,
    better="more",
)
def construction_land_productivity(account: Account) -> Terms:
    """Needs the area of construction land at the end of the year; value added is the gross margin."""
    area = account.given("construction_land")
    return Terms(account.value_added() / 1e4, None, "万元/a", scale=1 / area)


@indicator(
    "cn.recycling_industry_output",
    en="Gross output of the recycling industry",
    zh="资源循环利用产业总产值",
    unit="CNY/a",
    formula="sales of processes that collect and utilise waste, and fees that they are paid for taking it",
    formula_zh="收集与利用废物过程的销售收入及接收废物的收费",
    clause=NDRC,
    certainty=MEMORY,
    better="more",
)
def recycling_industry_output(account: Account) -> Terms:
    """At constant prices of the table, where the system counts current ones. What one of these
    processes sells to another counts for both, as gross output does.
    """
    industry = waste.ends_at(account, waste.RECOVERING) & account.inside
    sold, taken = account.leaving(industry), account.entering(industry)
    value = account.margin(np.zeros_like(sold), sold | taken)
    return Terms(
        np.where(sold, np.maximum(value, 0.0), 0.0) - np.where(taken, np.minimum(value, 0.0), 0.0),
        None,
        "CNY/a",
    )


def _pollutant(name: str, goods: tuple[str, ...], en: str, zh: str) -> None:
    """Register the emission of one key pollutant."""

    @indicator(
        f"cn.pollutant_{name}",
        en=f"Emission of {en}",
        zh=f"{zh}排放量",
        unit="t/a",
        formula=f"{en} that leaves the boundary to air and water bodies",
        formula_zh=f"排入大气和水体的{zh}量",
        clause=f"{NDRC}, reference indicator; HJ 274-2015, no. 25 for its elasticity",
        certainty=MEMORY,
        better="less",
    )
    def emission(account: Account) -> Terms:
        """Known where recipes send the pollutant to air or water as a good of its own."""
        flows = waste.named(account, goods, en, zh) & account.leaves & account.to_place("air", "water")
        return Terms(np.where(flows, account.mass, 0.0), None, "t/a")


for _name, (_goods, _en, _zh) in POLLUTANTS.items():
    _pollutant(_name, _goods, _en, _zh)
