"""Waste: how much arises inside a boundary, and what part of it ends where.

A waste is counted where it is generated and followed through networks, collectors and stores to its end.
"""

from __future__ import annotations

from dataclasses import replace

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

USING = ("transform", "use", "utilise", "trade")
"""Kinds of process that use a waste when they take it."""
DISPOSING = ("treat", "dispose")
RECOVERING = ("collect", "utilise")

STRAW = ("straw",)
BULK = (
    "coal_gangue",
    "fly_ash",
    "boiler_slag",
    "tailings",
    "simn_slag",
    "steel_slag",
    "lithium_slag",
    "lithium_slag_lc",
    "mn_slag",
    "gypsum_fgd",
    "gypsum_anode",
    "phosphogypsum",
    *STRAW,
)
"""Goods of the library that are bulk waste, beside all construction waste."""

MEMORY = "from memory, to be confirmed"
NDRC = "NDRC 2749 of 2016, indicator system of 2017"
IMPORTED = "waste brought in from outside"


def ends_at(account: Account, kinds: tuple[str, ...], places: tuple[str, ...] = ()) -> np.ndarray:
    """Processes of these kinds and places outside, shape (processes,)."""
    processes = account.result.system.processes
    return (processes["kind"].isin(kinds) | processes["id"].isin(places)).to_numpy()


def named(account: Account, goods: tuple[str, ...], en: str, zh: str) -> np.ndarray:
    """Flows of goods that a plan names; raises `Missing` if the scenario has none of them."""
    flows = account.of_good(*goods)
    if not flows.any():
        raise Missing(
            f"no flow carries {en} (goods {', '.join(goods)})", f"没有{zh}的物料流（物料 {', '.join(goods)}）"
        )
    return flows


def generated(account: Account, waste: np.ndarray) -> np.ndarray:
    """t/a by flow of a waste, where it leaves the process that made it."""
    return np.where(waste & account.made, account.mass, 0.0)


def from_old_stock(account: Account, waste: np.ndarray) -> np.ndarray:
    """t/a by flow of a waste that stores give beyond what they get."""
    old = waste & (account.internal | account.leaves) & account.from_kind("store")
    return np.where(old, account.mass * account.from_stock(), 0.0)


def first_hand(account: Account, waste: np.ndarray) -> np.ndarray:
    """Flows of a waste as it first arises or is brought in: not what recovery and treatment hand on."""
    return waste & (account.enters | (account.made & ~account.from_kind(*RECOVERING, *DISPOSING)))


def rate(account: Account, waste: np.ndarray, ends: np.ndarray) -> Terms:
    """Share of the waste made inside, and of old stock that was worked, that reaches these processes."""
    share, made, old = account.reaching(ends), generated(account, waste), from_old_stock(account, waste)
    ended, prior = np.where(made != 0, made * share, 0.0), np.where(old != 0, old * share, 0.0)
    rules = ((IMPORTED, waste & account.enters),)
    return Terms(ended + prior, made + prior, "t/a", "t/a", 100.0, rules)


def collected_rate(account: Account, waste: np.ndarray, ends: np.ndarray) -> Terms:
    """The same for what households and end users give, who need not be drawn: what is brought in counts
    too.
    """
    source = np.where(first_hand(account, waste), account.mass, 0.0)
    return Terms(np.where(source != 0, source * account.reaching(ends), 0.0), source, "t/a", "t/a", 100.0)


def using(account: Account) -> np.ndarray:
    """Ends that count as utilisation: processes that use, and the market."""
    return ends_at(account, USING, ("market",))


def used_or_disposed(account: Account) -> np.ndarray:
    """Ends that count as utilisation or disposal; a store is neither."""
    return ends_at(account, USING + DISPOSING, ("market", "treatment", "landfill"))


@indicator(
    "cn.isw_utilisation_rate",
    en="Utilisation rate of general industrial solid waste",
    zh="一般工业固体废物综合利用率",
    unit="%",
    formula="utilised / (generated + utilised from earlier stock)",
    formula_zh="综合利用量 / (产生量 + 综合利用往年贮存量)",
    clause=f"{NDRC}; statistics of the environment",
    certainty="confirmed",
    better="more",
)
@indicator(
    "park.isw_utilisation_rate",
    en="Utilisation rate of industrial solid waste in the park",
    zh="园区工业固体废物综合利用率",
    unit="%",
    formula="utilised / (generated + utilised from earlier stock), over the firms of the park",
    formula_zh="园区综合利用量 / (产生量 + 综合利用往年贮存量)",
    clause="Circular retrofit of parks, NDRC 765 of 2012; GB/T 33567-2017; HJ 274-2015, no. 6",
    certainty=MEMORY,
    better="more",
)
def isw_utilisation_rate(account: Account) -> Terms:
    """Counted where the waste is generated, by where it ends: sold, or taken by a process that uses it.

    Treatment, landfill and storage do not count. Waste brought in from outside is not in it. Networks and
    collectors divide what they hand on in proportion. Residues of treatment are generated anew. What a store
    gives beyond what it got comes from earlier stock.
    """
    return rate(account, account.of_class("solid_waste"), using(account))


@indicator(
    "cn.isw_utilised_of_generated",
    en="Industrial solid waste utilised, of that generated (older series)",
    zh="一般工业固体废物综合利用量占产生量比例（旧口径）",
    unit="%",
    formula="utilised, from earlier stock too / generated",
    formula_zh="综合利用量（含利用往年贮存量）/ 产生量",
    clause="national tables up to 2010, such as that of 2003",
    certainty="confirmed",
    better="more",
)
def isw_utilised_of_generated(account: Account) -> Terms:
    """For comparison with older series only: without earlier stock in the denominator it reads too high,
    and may pass 100 %.
    """
    waste = account.of_class("solid_waste")
    terms = rate(account, waste, using(account))
    return replace(terms, denominator=generated(account, waste))


@indicator(
    "cn.hw_utilisation_disposal_rate",
    en="Utilisation and disposal rate of industrial hazardous waste",
    zh="工业危险废物利用处置率",
    unit="%",
    formula="(utilised + disposed of) / (generated + utilised or disposed of from earlier stock)",
    formula_zh="(利用量 + 处置量) / (产生量 + 利用处置往年贮存量)",
    clause="Annual statistic report on environment 2012, section 4.2",
    certainty="confirmed",
    better="more",
)
def hw_utilisation_disposal_rate(account: Account) -> Terms:
    """Licensed use and disposal count, treatment outside and secure landfill included; storage does not."""
    return rate(account, account.of_class("hazardous_waste"), used_or_disposed(account))


@indicator(
    "park.waste_utilisation_disposal_rate",
    en="Utilisation and disposal rate of all industrial solid waste",
    zh="工业固体废物（含危险废物）处置利用率",
    unit="%",
    formula="(utilised + disposed of) / (generated + utilised or disposed of from earlier stock)",
    formula_zh="(利用量 + 处置量) / (产生量 + 利用处置往年贮存量)",
    clause="HJ 274-2015, no. 24",
    certainty=MEMORY,
    better="more",
)
def waste_utilisation_disposal_rate(account: Account) -> Terms:
    """General and hazardous waste together; sums before the ratio."""
    return rate(account, account.of_class("solid_waste", "hazardous_waste"), used_or_disposed(account))


@indicator(
    "cn.bulk_solid_waste_rate",
    en="Utilisation rate of bulk solid waste",
    zh="大宗固体废物综合利用率",
    unit="%",
    formula="utilised / (generated + utilised from earlier stock), over the bulk kinds",
    formula_zh="大宗固体废物综合利用量 / (产生量 + 综合利用往年贮存量)",
    clause="14th five-year plan on bulk solid waste",
    certainty=MEMORY,
    better="more",
)
def bulk_solid_waste_rate(account: Account) -> Terms:
    """Ash, slag, tailings, gangue and industrial gypsum by name, straw, and all construction waste."""
    return rate(account, account.of_good(*BULK) | account.of_class("construction_waste"), using(account))


ROUTES = (("utilised", "利用"), ("disposed", "处置"), ("stored", "贮存"), ("discharged", "倾倒丢弃"))


def _route(waste_class: str, en: str, zh: str, name: str, name_zh: str) -> None:
    """Register the share of one class of waste that takes one route."""

    @indicator(
        f"cn.{'isw' if waste_class == 'solid_waste' else 'hw'}_{name}_share",
        en=f"Share of {en} that is {name}",
        zh=f"{zh}{name_zh}比例",
        unit="%",
        formula=f"{name} / (utilised + disposed of + stored + discharged)",
        formula_zh=f"{name_zh}量 / (利用量 + 处置量 + 贮存量 + 倾倒丢弃量)",
        clause="Annual report on solid waste of large and medium cities, 2017",
        certainty="confirmed",
        better="more" if name == "utilised" else "",
    )
    def share(account: Account) -> Terms:
        """By where the waste of the year, and old stock that was worked, ends."""
        waste = account.of_class(waste_class)
        routes = {
            "utilised": using(account),
            "disposed": ends_at(account, DISPOSING, ("treatment", "landfill")),
            "discharged": ends_at(account, (), ("air", "water")),
        }
        reached = {key: account.reaching(ends) for key, ends in routes.items()}
        worked = np.sum(list(reached.values()), axis=0)
        reached["stored"] = 1.0 - worked
        made, old = generated(account, waste), from_old_stock(account, waste)
        old = np.where(old != 0, old * worked, 0.0)
        counted = made if name == "stored" else made + old
        chosen = np.where(counted != 0, counted * reached[name], 0.0)
        return Terms(chosen, made + old, "t/a", "t/a", 100.0, ((IMPORTED, waste & account.enters),))


for _class, _en, _zh in (
    ("solid_waste", "general industrial solid waste", "一般工业固体废物"),
    ("hazardous_waste", "hazardous waste", "危险废物"),
):
    for _name, _name_zh in ROUTES:
        _route(_class, _en, _zh, _name, _name_zh)


@indicator(
    "cn.isw_disposal",
    en="Industrial solid waste disposed of",
    zh="工业固体废物处置量",
    unit="t/a",
    formula="industrial solid waste generated that reaches treatment, disposal or landfill",
    formula_zh="进入处理、处置和填埋的工业固体废物量",
    clause=f"{NDRC}, reference indicator",
    certainty=MEMORY,
    better="less",
)
def isw_disposal(account: Account) -> Terms:
    """General and hazardous waste made inside, and old stock of it, by where it ends."""
    waste = account.of_class("solid_waste", "hazardous_waste")
    amount = generated(account, waste) + from_old_stock(account, waste)
    share = account.reaching(ends_at(account, DISPOSING, ("treatment", "landfill")))
    return Terms(np.where(amount != 0, amount * share, 0.0), None, "t/a")


@indicator(
    "general.solid_waste_landfilled",
    en="Solid waste landfilled or disposed of",
    zh="固体废物填埋处置量",
    unit="t/a",
    formula="mass of goods that reach a landfill or a process of the kind dispose",
    formula_zh="进入填埋场或处置过程的固体物料量",
    clause="own definition",
    certainty="own definition",
    better="less",
)
def solid_waste_landfilled(account: Account) -> Terms:
    """All solids whatever their class; what a process of disposal gives off is not counted again.

    At a firm or chain, waste handed to a network or a collector outside counts by the share that ends so.
    """
    solid = account.of_kind("material") & ~account.from_kind("dispose")
    reached = account.reaching(ends_at(account, ("dispose",), ("landfill",)))
    share = np.where(account.leaves, reached, account.internal & account.to_kind("dispose"))
    return Terms(np.where(solid & (share != 0), account.mass * share, 0.0), None, "t/a")


def taken_up(account: Account, burnt: bool = True) -> np.ndarray:
    """t/a by flow of wastes and recyclables that transforming and utilising processes inside take.

    Counted at the first process that takes them up; what recovery hands on is not added again. ``burnt`` says
    whether processes count that give nothing but power and heat.
    """
    kinds = ends_at(account, ("transform", "utilise")) & account.inside
    if not burnt:
        kinds &= ~burners(account)
    waste = account.of_kind("material") & account.of_class(*WASTES)
    source = waste & (account.enters | (account.made & account.internal & ~account.from_kind("utilise")))
    share = account.reaching(kinds)
    return np.where(source & (share != 0), account.mass * share, 0.0)


def burners(account: Account) -> np.ndarray:
    """Processes that give power or heat and no material but wastes and emissions."""
    material = account.of_kind("material") & ~account.of_class(*WASTES, "emission", "air")
    return account.givers(account.of_class("power", "heat")) & ~account.givers(material)


@indicator(
    "general.external_waste_used",
    en="Waste from outside that is used",
    zh="利用外来废物量",
    unit="t/a",
    formula="wastes and recyclables brought in that transforming and utilising processes take",
    formula_zh="调入并被生产和利用过程消纳的废物与再生资源量",
    clause="beside the utilisation rate of industrial solid waste, which counts where waste is generated",
    certainty="own definition",
    better="more",
)
def external_waste_used(account: Account) -> Terms:
    """What a brick works buys is no utilisation of its own; it stands here."""
    return Terms(np.where(account.enters, taken_up(account), 0.0), None, "t/a")


@indicator(
    "general.recycled_input_rate",
    en="Recycled input rate",
    zh="再生原料投入率",
    unit="%",
    formula="wastes and recyclables taken up / (wastes and recyclables taken up + primary material input)",
    formula_zh="废物与再生资源利用量 / (废物与再生资源利用量 + 原生物料投入量)",
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
    waste = account.of_kind("material") & account.of_class(*WASTES)
    recycled = taken_up(account)
    primary = np.where(account.material_input & ~waste, account.mass, 0.0)
    second = waste & account.internal & account.from_kind("utilise")
    rules = (("waste passed on between utilising processes, counted when it was first taken up", second),)
    return Terms(recycled, recycled + primary, "t/a", "t/a", 100.0, rules)


@indicator(
    "cn.circulation_rate_input",
    en="Circulation rate by input (CRR1)",
    zh="物质循环率（按投入，CRR1）",
    unit="%",
    formula="circulated material / (circulated material + direct material input)",
    formula_zh="循环利用量 / (循环利用量 + 直接物质投入量)",
    clause="Chinese economy-wide material flow accounts, CRR1 = CR / (CR + DMI)",
    certainty="confirmed",
    better="more",
)
def circulation_rate_input(account: Account) -> Terms:
    """Circulated: wastes and recyclables made and taken up inside; what is brought in is in the input."""
    circulated = np.where(account.internal, taken_up(account), 0.0)
    put_in = np.where(account.material_input, account.mass, 0.0)
    return Terms(circulated, circulated + put_in, "t/a", "t/a", 100.0)


@indicator(
    "cn.circulation_rate_waste",
    en="Circulation rate by waste (CRR2)",
    zh="物质循环率（按废物，CRR2）",
    unit="%",
    formula="circulated material / total solid waste generated",
    formula_zh="循环利用量 / 固体废物产生总量",
    clause="Chinese economy-wide material flow accounts, CRR2 = CR / TG",
    certainty="confirmed",
    better="more",
)
@indicator(
    "network.symbiosis_share",
    en="Wastes and by-products exchanged inside, of all generated",
    zh="园区内交换的废物与副产品占产生量比例",
    unit="%",
    formula="wastes made and taken up inside / wastes generated",
    formula_zh="园区内产生并利用的废物量 / 废物产生量",
    clause="symbiosis share, a practice without a standard",
    certainty=MEMORY,
    better="more",
)
def circulation_rate_waste(account: Account) -> Terms:
    """Wastes and recyclables of all classes as they first arise inside."""
    waste = account.of_kind("material") & account.of_class(*WASTES)
    circulated = np.where(account.internal, taken_up(account), 0.0)
    made = np.where(waste & account.made & ~account.from_kind("utilise"), account.mass, 0.0)
    return Terms(circulated, made, "t/a", "t/a", 100.0)
