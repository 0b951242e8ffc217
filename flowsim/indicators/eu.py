"""Indicators of economy-wide material flow accounts as Eurostat defines them, drawn around any boundary."""

from __future__ import annotations

import numpy as np

from flowsim.indicators import waste
from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Figure, Terms, figure, indicator

CLAUSE = "Regulation (EU) 691/2011, annex III; Eurostat, material flow accounts and resource productivity"
BALANCING = "air, gases separated from it, vapour and emissions: balancing items"
WATER = "bulk water"


@indicator(
    "eu.de",
    en="Domestic extraction (DE)",
    zh="本地开采量（DE）",
    unit="t/a",
    formula="raw material taken from nature and harvested inside the boundary",
    formula_zh="从自然界获取并利用的原料",
    clause=CLAUSE,
    certainty="confirmed",
)
def extraction(account: Account) -> Terms:
    """Ores as they are mined, harvest at its water content; overburden that no flow carries is left out."""
    return Terms(np.where(_extracted(account), account.mass, 0.0), None, "t/a", left_out=_left_out(account))


@indicator(
    "eu.imports",
    en="Physical imports",
    zh="物质进口量",
    unit="t/a",
    formula="mass of goods that enter the boundary from elsewhere",
    formula_zh="从边界外调入的物料质量",
    clause=CLAUSE,
    certainty="confirmed",
)
def imports(account: Account) -> Terms:
    """At the weight with which they cross the boundary; wastes included."""
    brought = account.material_input & ~_extracted(account)
    return Terms(np.where(brought, account.mass, 0.0), None, "t/a", left_out=_left_out(account))


@indicator(
    "eu.exports",
    en="Physical exports",
    zh="物质出口量",
    unit="t/a",
    formula="mass of goods that leave the boundary for elsewhere",
    formula_zh="调出边界的物料质量",
    clause=CLAUSE,
    certainty="confirmed",
)
def exports(account: Account) -> Terms:
    """Wastes that leave for treatment count; what goes to landfill, air or water bodies does not."""
    return Terms(np.where(_exported(account), account.mass, 0.0), None, "t/a", left_out=_left_out(account))


@indicator(
    "eu.ptb",
    en="Physical trade balance (imports − exports)",
    zh="物质贸易差额（进口 − 出口）",
    unit="t/a",
    formula="physical imports − physical exports",
    formula_zh="物质进口 − 物质出口",
    clause=CLAUSE,
    certainty="confirmed",
)
def trade_balance(account: Account) -> Terms:
    """The sign is opposite to that of the balance of trade in money."""
    brought = account.material_input & ~_extracted(account)
    sign = np.where(brought, 1.0, 0.0) - np.where(_exported(account), 1.0, 0.0)
    return Terms(np.where(sign != 0, account.mass * sign, 0.0), None, "t/a", left_out=_left_out(account))


@indicator(
    "eu.dpo",
    en="Domestic processed output (DPO)",
    zh="本地过程排放量（DPO）",
    unit="t/a",
    formula="material to air and water bodies: emissions, dissipative use and losses",
    formula_zh="排入大气和水体的物质：排放、耗散性使用与损失",
    clause=CLAUSE,
    certainty="confirmed",
    better="less",
)
def processed_output(account: Account) -> Terms:
    """With the oxygen that burning takes up. Controlled landfill is a stock in these accounts, not an output.
    What is dissolved in waste water is known only where a flow carries it.
    """
    out = _released(account)
    return Terms(
        np.where(out, account.mass, 0.0),
        None,
        "t/a",
        left_out=((WATER, account.leaves & _bulk_water(account)),),
    )


@indicator(
    "eu.nas",
    en="Net additions to stock (NAS)",
    zh="存量净增量（NAS）",
    unit="t/a",
    formula="DMI + balancing inputs − exports − DPO − balancing outputs",
    formula_zh="DMI + 平衡输入 − 出口 − DPO − 平衡输出",
    clause=CLAUSE,
    certainty="confirmed",
)
def net_additions(account: Account) -> Terms:
    """All mass that enters, with air and water as balancing items, less all that leaves; what goes to a
    landfill has been added to a stock.
    """
    out = account.leaves & ~account.to_place("landfill")
    sign = np.where(account.enters, 1.0, 0.0) - np.where(out, 1.0, 0.0)
    return Terms(np.where(sign != 0, account.mass * sign, 0.0), None, "t/a")


@indicator(
    "eu.rmc",
    en="Raw material consumption (RMC)",
    zh="原料消费量（RMC）",
    unit="t/a",
    formula="DE + imports in raw-material equivalents − exports in the same",
    formula_zh="本地开采 + 进口的原料当量 − 出口的原料当量",
    clause=CLAUSE,
    certainty="confirmed",
    better="less",
)
def raw_material_consumption(account: Account) -> Terms:
    """Missing: it needs a model of the raw material behind each traded good."""
    raise Missing(
        "needs raw-material equivalents of traded goods, which no flow carries", "缺少贸易物料的原料当量系数"
    )


def _circular_use(account: Account, trade: bool) -> Terms:
    """U / (DMC + U), U with or without the trade in waste for recycling."""
    recycled = waste.taken_up(account, burnt=False)
    if trade:
        sold = (
            account.of_kind("material")
            & account.of_class(*waste.WASTES)
            & account.leaves
            & account.to_place("market")
        )
        recycled = np.where(account.enters, 0.0, recycled) + np.where(sold, account.mass, 0.0)
    return Terms(recycled, recycled + _consumption(account), "t/a", "t/a", 100.0, _left_out(account))


@indicator(
    "eu.cmur",
    en="Circular material use rate",
    zh="循环材料使用率（CMUR）",
    unit="%",
    formula="U / (DMC + U), U = recycled inside − waste imported for it + waste exported for it",
    formula_zh="U / (DMC + U)，U = 本地再生利用量 − 进口废物 + 出口废物",
    clause="Eurostat, env_ac_cur, metadata",
    certainty="confirmed",
    better="more",
)
def circular_use(account: Account) -> Terms:
    """Credited to where the waste arises. Burning for power and heat is no recycling. Waste that is
    sold to the market counts as exported for recycling.
    """
    return _circular_use(account, trade=True)


@indicator(
    "eu.cmur_recycler_view",
    en="Circular material use rate, credited to the recycler",
    zh="循环材料使用率（再生企业视角）",
    unit="%",
    formula="U / (DMC + U), U = recycled inside",
    formula_zh="U / (DMC + U)，U = 本地再生利用量",
    clause="variant of Eurostat, env_ac_cur",
    certainty="own definition",
    better="more",
)
def circular_use_recycler(account: Account) -> Terms:
    """For a park that recycles waste from elsewhere; not the definition of Eurostat."""
    return _circular_use(account, trade=False)


@indicator(
    "eu.msw_recycling_rate",
    en="Recycling rate of municipal waste",
    zh="城市垃圾回收利用率（欧盟）",
    unit="%",
    formula="(recycled + composted + digested) / municipal waste generated",
    formula_zh="（再生 + 堆肥 + 厌氧消化）/ 城市垃圾产生量",
    clause="Directive 2008/98/EC; measured where it enters recycling",
    certainty="from memory, to be confirmed",
    better="more",
)
def msw_recycling_rate(account: Account) -> Terms:
    """Municipal waste made inside or brought in, by the share that processes utilise; burning does not
    count.
    """
    ends = waste.ends_at(account, ("utilise", "transform", "use")) & ~waste.burners(account)
    return waste.collected_rate(account, account.of_class("municipal_waste"), ends)


@indicator(
    "eu.waste_recycling_rate",
    en="Recycling rate of all waste",
    zh="废物再生利用率（欧盟）",
    unit="%",
    formula="recycled / waste treated",
    formula_zh="再生利用量 / 废物处理总量",
    clause="Regulation (EC) 2150/2002",
    certainty="from memory, to be confirmed",
    better="more",
)
def waste_recycling_rate(account: Account) -> Terms:
    """Wastes of all classes made inside, by where they end. Mineral wastes are not left out here."""
    waste_flows = account.of_kind("material") & account.of_class(*waste.WASTES)
    made = waste.generated(account, waste_flows)
    recycled = account.reaching(waste.using(account) & ~waste.burners(account))
    treated = account.reaching(waste.used_or_disposed(account))
    taken, worked = (np.where(made != 0, made * share, 0.0) for share in (recycled, treated))
    return Terms(taken, worked, "t/a", "t/a", 100.0)


@indicator(
    "eu.dmi",
    en="Direct material input (DMI)",
    zh="直接物质投入量（DMI）",
    unit="t/a",
    formula="domestic extraction + physical imports",
    formula_zh="本地开采 + 物质进口",
    clause=CLAUSE,
    certainty="confirmed",
    better="less",
)
def dmi(account: Account) -> Terms:
    """All solid, liquid and gaseous material without bulk water and air, wastes brought in included.

    Extraction is what comes from nature, and the harvest of processes that grow plants inside.
    """
    return Terms(_input(account), None, "t/a", left_out=_left_out(account))


@indicator(
    "eu.dmc",
    en="Domestic material consumption (DMC)",
    zh="本地物质消费量（DMC）",
    unit="t/a",
    formula="domestic extraction + physical imports − physical exports",
    formula_zh="本地开采 + 物质进口 − 物质出口",
    clause=CLAUSE,
    certainty="confirmed",
    better="less",
)
def dmc(account: Account) -> Terms:
    """May be negative where more leaves than material enters, because water and air are left out.

    Exports include wastes that leave for treatment; what goes to landfill, air or water bodies is no export.
    """
    return Terms(_consumption(account), None, "t/a", left_out=_left_out(account))


@indicator(
    "eu.dmc_per_head",
    en="Domestic material consumption per head",
    zh="人均本地物质消费量",
    unit="t/head",
    formula="(domestic extraction + physical imports − physical exports) / inhabitants",
    formula_zh="（本地开采 + 物质进口 − 物质出口）/ 常住人口",
    clause=CLAUSE,
    certainty="confirmed",
    better="less",
    direct=True,
)
def dmc_per_head(account: Account) -> Figure:
    """For a city or a region: of a park without inhabitants it says nothing."""
    consumed, people = _consumption(account), account.given("population")
    total = float(consumed.sum())
    items = (
        ("domestic material consumption", "本地物质消费量", total, "t/a"),
        ("inhabitants", "常住人口", people, "head"),
    )
    if not people > 0:
        raise Missing("there are no inhabitants", "人口为零")
    return figure(account, items, total / people, consumed != 0)


@indicator(
    "eu.resource_productivity",
    en="Resource productivity (value added per DMC)",
    zh="资源生产率（增加值/本地物质消费量）",
    unit="CNY/t",
    formula="value added / domestic material consumption",
    formula_zh="增加值 / 本地物质消费量",
    clause=CLAUSE,
    certainty="confirmed",
    better="more",
)
def resource_productivity(account: Account) -> Terms:
    """Value added is the gross margin at constant prices, an estimate; it stands for domestic product."""
    left_out = _left_out(account)
    return Terms(account.value_added(), _consumption(account), "CNY/a", "t/a", left_out=left_out)


@indicator(
    "eu.productivity_dmi",
    en="Material productivity (value added per DMI)",
    zh="物质生产率（增加值/直接物质投入量）",
    unit="CNY/t",
    formula="value added / direct material input",
    formula_zh="增加值 / 直接物质投入量",
    clause=CLAUSE,
    certainty="confirmed",
    better="more",
)
def productivity_dmi(account: Account) -> Terms:
    """Value added is the gross margin at constant prices, an estimate; unlike DMC, DMI is never negative."""
    return Terms(account.value_added(), _input(account), "CNY/a", "t/a", left_out=_left_out(account))


def _input(account: Account) -> np.ndarray:
    return np.where(account.material_input, account.mass, 0.0)


def _extracted(account: Account) -> np.ndarray:
    return account.material_input & (account.from_place("nature") | account.harvest)


def _exported(account: Account) -> np.ndarray:
    return account.material & account.leaves & ~account.to_place("landfill", "air", "water")


def _released(account: Account) -> np.ndarray:
    solid = account.of_kind("material") & ~account.of_class("air", "vapour")
    return solid & account.leaves & account.to_place("air", "water")


def _consumption(account: Account) -> np.ndarray:
    return _input(account) - np.where(_exported(account), account.mass, 0.0)


def _bulk_water(account: Account) -> np.ndarray:
    return account.of_kind("water") & ~account.of_class("vapour")


def _left_out(account: Account) -> tuple[tuple[str, np.ndarray], ...]:
    crosses = account.enters | account.leaves
    bulk_water = _bulk_water(account)
    return (
        (BALANCING, crosses & ~account.of_kind("energy") & ~account.material & ~bulk_water),
        (WATER, crosses & bulk_water),
    )
