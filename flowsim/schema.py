"""What a user can say: one table of columns, read by the checker, the docs and every container.

A scenario is a handful of tables. YAML, CSV and Excel are three ways to write the same rows, so each
table is described once, here. ``docs/scenario-language.md`` prints this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "id", "layer", "ref", "text", "label", "choice", "quantity", "share", "number", "flag", "list", "limit"
]

GOOD_KINDS = {"material": "t", "water": "m3", "energy": "GJ"}
"""Kind of a good → the canonical unit that its amount is counted in."""

WATERS = {
    "fresh": ("fresh water", "新鲜水"),
    "source": ("gives a fixed flow", "固定水源"),
    "sink": ("takes a fixed flow", "固定用水"),
    "use": ("adds a load", "用水工序"),
    "treatment": ("treats", "处理"),
    "discharge": ("discharge", "排放"),
}
"""Kind of a place in a water network → its English and Chinese name."""

HEATS = {
    "hot": ("hot stream, to be cooled", "热流股"),
    "cold": ("cold stream, to be heated", "冷流股"),
    "hot_utility": ("heating", "热公用工程"),
    "cold_utility": ("cooling", "冷公用工程"),
}
"""Kind of a stream in a heat cascade → its English and Chinese name."""

GOOD_CLASSES = {
    "product": ("product", "产品"),
    "raw_material": ("raw material", "原料"),
    "mineral": ("mineral, extracted", "矿产资源"),
    "biomass": ("biomass, harvested", "生物质"),
    "fuel": ("fuel", "燃料"),
    "by_product": ("by-product", "副产品"),
    "recyclable": ("recyclable, end-of-life product or scrap", "再生资源"),
    "solid_waste": ("general industrial solid waste", "一般工业固体废物"),
    "hazardous_waste": ("hazardous waste", "危险废物"),
    "municipal_waste": ("municipal waste", "生活垃圾"),
    "construction_waste": ("construction waste", "建筑垃圾"),
    "agricultural_waste": ("agricultural or forestry residue", "农林废弃物"),
    "wastewater": ("waste water", "废水"),
    "emission": ("emission to air or water", "排放物"),
    "air": ("air or gas taken from air", "空气"),
    "fresh_water": ("fresh water", "新鲜水"),
    "process_water": ("treated water", "处理水"),
    "circulating_water": ("circulating water", "循环水"),
    "reclaimed_water": ("reclaimed water", "再生水"),
    "sea_water": ("sea water", "海水"),
    "vapour": ("water vapour", "水蒸气"),
    "power": ("electricity", "电力"),
    "heat": ("steam or heat", "热力"),
}
"""Class of a good → its English and Chinese name. Indicators select goods by class."""

OUTSIDE = {
    "market": ("market", "市场"),
    "nature": ("nature", "自然界"),
    "treatment": ("treatment outside", "外部处理"),
    "landfill": ("landfill", "填埋"),
    "air": ("air", "大气"),
    "water": ("water bodies", "水体"),
}
"""The places outside every boundary: where implied flows come from and go to."""

ORIGINS = ("market", "nature")
FATES = ("market", "treatment", "landfill", "air", "water")

PROCESS_KINDS = {
    "transform": ("transforms", "生产"),
    "use": ("uses", "使用"),
    "collect": ("collects", "收集"),
    "utilise": ("utilises waste", "利用"),
    "treat": ("treats", "处理"),
    "dispose": ("disposes of", "处置"),
    "store": ("stores", "存量"),
    "trade": ("trades", "贸易"),
    "pool": ("pool", "公共管网"),
    "outside": ("outside", "外部"),
}
AREAS = ("park", "city")
"""Where a process can stand; the boundary ``park`` holds the first, ``city`` both."""

GROUPS = ("firm", "site", "chain")
"""What processes belong to, beside the park."""

QUALITIES = (
    "standard",
    "official",
    "stoichiometric",
    "literature",
    "estimate",
    "balance",
    "assumption",
    "plan",
)
"""Quality classes of a number's source, best first within measured and derived ones."""

DISTRIBUTIONS = ("normal", "lognormal", "uniform", "triangular", "pert")

LIFETIMES = (
    "fixed",
    "normal",
    "folded_normal",
    "lognormal",
    "weibull",
    "gamma",
    "logistic",
    "table",
    "unlimited",
)
"""How the lives of things scatter; ``table`` is a stated survival, ``unlimited`` never ends."""

CURVES = ("linear", "step", "s_curve")
"""How a number goes from one stated year to the next."""


COUNTED = ("amount", "stock", "CNY/amount", "CNY/amount/km", "CNY/stock")
"""Dimensions of numbers that are counted in the unit of a good."""


@dataclass(frozen=True)
class Column:
    """One thing that a row can say.

    ``of`` is the dimension of a quantity (a canonical unit, or ``amount``: the good's own unit per year),
    the table that a ref points to, or the choices.
    """

    name: str
    kind: Kind
    en: str
    of: str | tuple[str, ...] = ""
    required: bool = False
    default: object = None


def _uncertainty() -> tuple[Column, ...]:
    return (
        Column("sd", "quantity", "standard uncertainty, in the unit of the value", "amount"),
        Column("cv", "share", "standard uncertainty as a share of the value"),
        Column("ci95", "quantity", "half-width of the 95 % interval", "amount"),
        Column("low", "quantity", "lower end of the range", "amount"),
        Column("high", "quantity", "upper end of the range", "amount"),
        Column("distribution", "choice", "shape of the uncertainty", DISTRIBUTIONS),
    )


def _share_uncertainty() -> tuple[Column, ...]:
    words = {column.name: column.en for column in _uncertainty()}
    shares = (Column(name, "share", words[name]) for name in ("sd", "cv", "ci95", "low", "high"))
    return (*shares, Column("distribution", "choice", words["distribution"], DISTRIBUTIONS))


_SOURCE = (
    Column("quality", "choice", "quality class of the source", QUALITIES),
    Column("source", "text", "where the number comes from: a key of sources.csv or free text"),
    Column("note", "text", "remark"),
)
_FLOW = (
    Column("id", "id", "name of the flow; if left out, good, from and to make one"),
    Column("name", "label", "English and Chinese name"),
    Column("good", "ref", "what flows", "goods", required=True),
    Column("from", "ref", "process that it leaves, or market or nature", "processes", required=True),
    Column(
        "to",
        "ref",
        "process that it enters, or market, treatment, landfill, air or water",
        "processes",
        required=True,
    ),
    Column("prefer", "number", "merit order: 1 is used before 2"),
    Column("limit", "limit", "at most this amount, or `15 % of GOOD` of what the receiver needs", "amount"),
    Column("minimum", "quantity", "at least this amount", "amount"),
    Column("distance", "quantity", "transport distance", "km"),
    Column("cost", "quantity", "cost per unit moved", "CNY/amount"),
    Column(
        "feedstock",
        "share",
        "part that the receiver uses as material, not as fuel; if left out, as its recipe",
    ),
)
_LINK = (
    Column("open", "flag", "whether the exchange takes place", default=False),
    Column("freight", "quantity", "cost per unit moved and km", "CNY/amount/km"),
    Column("fixed_cost", "quantity", "cost that an open link has whatever it moves", "CNY/a"),
    Column("loss", "share", "share of what is sent that is lost on the way"),
    Column("through", "ref", "treatment that the good passes on its way", "recipes"),
    Column("becomes", "ref", "what the treatment makes for the receiver", "goods"),
    Column("available", "share", "share of the year in which it can run"),
    Column("months", "list", "months in which it can run, 1 to 12; left out: all"),
    Column("earliest", "number", "first year in which it can run"),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "layers": (
        Column("id", "layer", "layer", required=True),
        Column("name", "label", "English and Chinese name"),
        Column("part_of", "choice", "the layer that it is a part of", ("mass",), default="mass"),
    ),
    "goods": (
        Column("id", "id", "good", required=True),
        Column("name", "label", "English and Chinese name", required=True),
        Column(
            "kind",
            "choice",
            "what it is counted in: material t, water m3, energy GJ",
            tuple(GOOD_KINDS),
            default="material",
        ),
        Column("class", "choice", "what indicators select it by", tuple(GOOD_CLASSES), default="product"),
        Column("origin", "choice", "where it comes from when nothing is drawn", ORIGINS, default="market"),
        Column("fate", "choice", "where it goes when nothing is drawn", FATES, default="market"),
        Column("lhv", "quantity", "lower heating value of a fuel", "GJ/t"),
        Column("density", "quantity", "for amounts stated as volumes", ("t/m3", "t/Nm3")),
        Column("basis", "text", "wet or dry, strength of a solution"),
        *_SOURCE,
    ),
    "recipes": (
        Column("recipe", "id", "recipe", required=True),
        Column("name", "label", "name of the recipe, on its reference line"),
        Column("chain", "text", "chain that it belongs to, on its reference line"),
        Column(
            "kind",
            "choice",
            "kind of process, on its reference line",
            tuple(PROCESS_KINDS),
            default="transform",
        ),
        Column("direction", "choice", "in or out", ("in", "out"), required=True),
        Column("good", "ref", "good", "goods", required=True),
        Column("amount", "quantity", "amount per run; left out on the closing line", "stock"),
        Column(
            "role",
            "choice",
            "reference: what activity counts; closing: fixed by difference",
            ("", "reference", "closing"),
            default="",
        ),
        Column("feedstock", "share", "part of an input of energy that is used as material, not as fuel"),
        Column("low", "number", "lower end of the range, in the unit of the amount"),
        Column("high", "number", "upper end of the range, in the unit of the amount"),
        *_SOURCE,
    ),
    "substitutes": (
        Column("good", "ref", "good that steps in", "goods", required=True),
        Column("replaces", "ref", "recipe input that it fills", "goods", required=True),
        Column("recipe", "text", "recipe where it may; empty: any"),
        Column("ratio", "number", "units of the input displaced per unit of the substitute", default=1.0),
        Column("max_share", "share", "largest share of the input that it may fill", default=1.0),
        Column("low", "share", "lower end of the range of max_share"),
        Column("high", "share", "upper end of the range of max_share"),
        *_SOURCE,
    ),
    "contents": (
        Column("good", "ref", "good", "goods", required=True),
        Column("layer", "text", "substance", required=True),
        Column("value", "share", "mass fraction", required=True),
        *_share_uncertainty(),
        *_SOURCE,
    ),
    "factors": (
        Column(
            "factor",
            "text",
            "what the factor gives: tce, tce_equivalent, co2_fuel, co2_bought",
            required=True,
        ),
        Column("good", "ref", "good", "goods", required=True),
        Column("value", "number", "amount per canonical unit of the good", required=True),
        Column("unit", "text", "unit of the value, for example tce/t", required=True),
        Column("set", "text", "name of the published set"),
        *_SOURCE,
    ),
    "prices": (
        Column("good", "ref", "good", "goods", required=True),
        Column("recipe", "text", "recipe in which this price holds; empty: everywhere"),
        Column(
            "price", "quantity", "price without VAT, sign as in the data README", "CNY/stock", required=True
        ),
        Column("year", "number", "year of the price"),
        Column("low", "number", "lower end, in the unit of the price"),
        Column("high", "number", "upper end, in the unit of the price"),
        *_SOURCE,
    ),
    "lifetimes": (
        Column("good", "ref", "product whose life it is", "goods", required=True),
        Column("recipe", "text", "use process"),
        Column("distribution", "choice", "shape", LIFETIMES[:-2], required=True),
        Column("mean", "number", "mean life, years", required=True),
        Column("shape", "number", "Weibull shape or standard deviation, years"),
        Column("low", "number", "lower end of the mean, years"),
        Column("high", "number", "upper end of the mean, years"),
        Column("collection", "share", "share of what leaves use that is collected"),
        *_SOURCE,
    ),
    "targets": (
        Column("set", "text", "name of the target set", required=True),
        Column("id", "id", "target", required=True),
        Column("indicator", "text", "indicator that it sets", required=True),
        Column("name", "label", "the plan's words"),
        Column("sense", "choice", "how the value is meant", (">=", "<=", "change"), required=True),
        Column("value", "number", "value, in the unit of the indicator, or the change in %", required=True),
        Column("unit", "text", "unit of the value", required=True),
        Column("year", "number", "target year"),
        Column("scope", "text", "boundary that the plan means"),
        *_SOURCE,
    ),
    "sources": (
        Column("key", "text", "key that rows cite", required=True),
        Column("status", "text", "seen, abstract, recall: how the source was read"),
        Column("citation", "text", "citation", required=True),
        Column("locator", "text", "where in it"),
    ),
    "processes": (
        Column("id", "id", "process", required=True),
        Column("name", "label", "English and Chinese name; if left out, the recipe's"),
        Column("recipe", "ref", "recipe that it runs", "recipes"),
        Column("kind", "choice", "what it does; if left out, as its recipe", tuple(PROCESS_KINDS)),
        Column("activity", "quantity", "amount of the reference line in the year", "amount"),
        Column("capacity", "quantity", "largest activity", "amount"),
        Column("load", "share", "activity as a share of capacity"),
        Column("days", "number", "operating days a year, for capacities per day"),
        Column("hours", "number", "operating hours a year, for capacities per hour"),
        Column("mixed", "flag", "all substances split as mass does", default=False),
        Column("firm", "text", "firm"),
        Column("site", "text", "site"),
        Column(
            "area", "choice", "where it stands: in the park, or elsewhere in the city", AREAS, default="park"
        ),
        Column("chain", "text", "chain; if left out, the recipe's"),
        Column("plan", "text", "id of the project in a plan"),
        Column("permits", "list", "hazardous goods, or `hazardous_waste` for all, that it may take"),
        Column("space", "quantity", "of a store: the volume that all its stocks share", "m3"),
        Column("tonnage", "quantity", "of a store: the mass that all its stocks may have in all", "t"),
        *_SOURCE,
    ),
    "flows": (*_FLOW, Column("amount", "quantity", "given amount", "amount"), *_uncertainty(), *_SOURCE),
    "pools": (
        Column("site", "text", "site", required=True),
        Column("good", "ref", "good that the network carries", "goods", required=True),
    ),
    "links": (*_FLOW, *_LINK, *_SOURCE),
    "groups": (
        Column("id", "id", "firm, site or chain", required=True),
        Column(
            "kind", "choice", "which of them; left out: whatever bears this id", ("", *GROUPS), default=""
        ),
        Column("name", "label", "English and Chinese name", required=True),
    ),
    "distances": (
        Column("from", "text", "site", required=True),
        Column("to", "text", "site; the way back is as long unless it is stated", required=True),
        Column("distance", "quantity", "transport distance", "km", required=True),
        *_SOURCE,
    ),
    "ceilings": (
        Column("id", "id", "name of the ceiling", required=True),
        Column("at", "text", "process or recipe", required=True),
        Column("goods", "list", "inputs that are blended; left out: all materials that it takes"),
        Column("layer", "text", "substance", required=True),
        Column("max", "share", "largest mass fraction of the substance in the blend", required=True),
        *_SOURCE,
    ),
    "facts": (
        Column("id", "text", "name of the fact, so that a variant can change it"),
        Column("given", "text", "flow or process whose value is stated"),
        Column("transfer", "text", "outgoing flow or good of a transfer coefficient"),
        Column("share", "text", "flow or good whose share is stated"),
        Column("limit", "text", "flow or process that is limited"),
        Column("at", "ref", "process", "processes"),
        Column("into", "flag", "share: of what enters the process (else: of what leaves)"),
        Column("origin", "text", "transfer: only of this incoming good or flow"),
        Column("of", "list", "share: its base, `same_good`, `all`, or the goods that are added up"),
        Column("layer", "text", "layer, or `all`", default="mass"),
        Column("value", "share", "the share or coefficient"),
        Column("amount", "quantity", "the amount of a flow", "amount"),
        Column("activity", "quantity", "the activity of a process", "amount"),
        Column("stock_change", "quantity", "what a store gains in the year", "amount"),
        Column(
            "stock", "quantity", "what a store holds at the end of the year, if years are linked", "stock"
        ),
        Column("year", "number", "the year that the fact is of; left out: every year"),
        Column("max", "quantity", "upper limit", "amount"),
        Column("min", "quantity", "lower limit", "amount"),
        *_uncertainty(),
        *_SOURCE,
    ),
    "correlations": (
        Column("one", "text", "uncertain number: id of a flow or a fact, or `GOOD.LAYER`", required=True),
        Column("other", "text", "the number that errs with it", required=True),
        Column("value", "number", "coefficient of correlation, between -1 and 1", required=True),
        *_SOURCE,
    ),
    "stocks": (
        Column("id", "id", "stock", required=True),
        Column(
            "at",
            "ref",
            "process of kind `store`, or `dispose` for a landfill, without a recipe",
            "processes",
            required=True,
        ),
        Column("good", "ref", "what is kept", "goods", required=True),
        Column("becomes", "ref", "what it is called when it leaves; left out: the same", "goods"),
        Column("distribution", "choice", "how lives scatter; left out: as `lifetimes` has it", LIFETIMES),
        Column("mean", "number", "mean life, years"),
        Column("shape", "number", "Weibull shape; for other shapes the standard deviation, years"),
        Column("survival", "list", "of a `table`: shares left at the ages 0, 1, 2, ... years"),
        Column(
            "hazard", "list", "of a `table` instead: shares of the rest that go at the age of 0, 1, ... years"
        ),
        Column("within", "ref", "stock of the product that it is a part of: it leaves with it", "stocks"),
        Column(
            "entry",
            "choice",
            "when in a step things enter",
            ("start", "middle", "end", "spread"),
            default="middle",
        ),
        Column("initial", "quantity", "what stands before the first year", "stock"),
        Column("age", "number", "its age, years; left out: that of a stock with a steady inflow"),
        Column("level", "quantity", "what stands at the end of the year: the inflow follows", "stock"),
        Column("early", "flag", "what a falling level cannot keep leaves early", default=False),
        Column("space", "quantity", "the most that it can hold", "stock"),
        *_SOURCE,
    ),
    "heats": (
        Column("id", "id", "stream or utility", required=True),
        Column("name", "label", "English and Chinese name"),
        Column("at", "ref", "process that it belongs to; its firm or site is the zone", "processes"),
        Column("kind", "choice", "what it is", tuple(HEATS), required=True),
        Column("supply", "number", "temperature at which it comes, °C", required=True),
        Column("target", "number", "temperature at which it goes, °C; left out: the same"),
        Column("duty", "quantity", "heat in the year; of a utility the most", "amount"),
        Column("amount_of", "text", "flow or good whose energy it carries, in place of a duty"),
        Column("days", "number", "operating days a year, for duties per day"),
        Column("hours", "number", "operating hours a year, for duties such as 3 MW"),
        Column("shift", "number", "its part of the smallest temperature difference, K; left out: half of it"),
        Column("cost", "quantity", "cost of a utility", "CNY/amount"),
        Column("forbid", "list", "streams and utilities that it must not meet"),
        *_SOURCE,
    ),
    "waters": (
        Column("id", "id", "place in the water network", required=True),
        Column("name", "label", "English and Chinese name"),
        Column("at", "ref", "process that it belongs to; its firm or site is the zone", "processes"),
        Column("kind", "choice", "what it does", tuple(WATERS), required=True),
        Column(
            "flow",
            "quantity",
            "flow of a source or sink; limiting flow of a use without loads; of others the most",
            "amount",
        ),
        Column("amount_of", "text", "flow or good whose amount it is, in place of a flow"),
        Column("days", "number", "operating days a year, for flows per day"),
        Column("hours", "number", "operating hours a year, for flows per hour"),
        Column("forbid", "list", "places that it must not send water to"),
        *_SOURCE,
    ),
    "water_quality": (
        Column("water", "text", "place in the water network", required=True),
        Column("substance", "text", "what the water carries", required=True),
        Column("inlet", "quantity", "highest concentration taken; left out: any", "t/m3"),
        Column(
            "outlet",
            "quantity",
            "concentration given: of a use the highest, of a treatment what it leaves",
            "t/m3",
        ),
        Column("load", "quantity", "what a use adds in the year", "amount"),
        Column("days", "number", "operating days a year, for loads per day"),
        Column("hours", "number", "operating hours a year, for loads per hour"),
        Column("removal", "share", "share that a treatment takes out, in place of an outlet"),
        *_SOURCE,
    ),
    "series": (
        Column("of", "text", "whose number changes: `TABLE.ID`", required=True),
        Column("year", "number", "year from which the number below holds", required=True),
        Column("curve", "choice", "how it gets from the year before to this one", CURVES, default="linear"),
        Column("amount", "quantity", "of a flow or a fact", "amount"),
        Column("activity", "quantity", "of a process or a fact", "amount"),
        Column("capacity", "quantity", "of a process", "amount"),
        Column("load", "share", "of a process"),
        Column("limit", "quantity", "of a flow or a link", "amount"),
        Column("minimum", "quantity", "of a flow or a link", "amount"),
        Column("max", "quantity", "of a fact", "amount"),
        Column("min", "quantity", "of a fact", "amount"),
        Column("value", "share", "of a fact or of a content, `contents.GOOD.LAYER`"),
        Column("level", "quantity", "of a stock", "stock"),
        Column("entered", "quantity", "of a stock: what entered in the years before the first", "amount"),
        Column("mean", "number", "of a stock: mean life of what enters in the year, years"),
        Column("shape", "number", "of a stock"),
        Column("survival", "list", "of a stock: survival table of what enters in the year"),
        Column("hazard", "list", "of a stock: hazard table of what enters in the year"),
        *_SOURCE,
    ),
}
"""Table → its columns. The first column of kind ``id`` names the row; the others may come in any order."""

IDENTITY: dict[str, tuple[str, ...]] = {
    "layers": ("id",),
    "goods": ("id",),
    "recipes": ("recipe", "direction", "good"),
    "substitutes": ("good", "replaces", "recipe"),
    "contents": ("good", "layer"),
    "factors": ("factor", "good", "set"),
    "prices": ("good", "recipe"),
    "lifetimes": ("good", "recipe"),
    "targets": ("set", "id"),
    "sources": ("key",),
    "processes": ("id",),
    "flows": ("id",),
    "pools": ("site", "good"),
    "links": ("id",),
    "groups": ("id", "kind"),
    "distances": ("from", "to"),
    "ceilings": ("id",),
    "facts": ("id",),
    "correlations": ("one", "other"),
    "stocks": ("id",),
    "heats": ("id",),
    "waters": ("id",),
    "water_quality": ("water", "substance"),
    "series": ("of", "year"),
}
"""Table → the columns that together name a row. No two rows may agree in all of them."""

LIBRARY = (
    "goods",
    "recipes",
    "substitutes",
    "contents",
    "factors",
    "prices",
    "lifetimes",
    "targets",
    "sources",
    "groups",
    "ceilings",
)
"""Tables that a library folder may hold, one CSV each."""

TOP = {
    "flowsim": "version of this language: 1",
    "name": "English and Chinese name of the scenario",
    "year": "the year that the flows belong to",
    "description": "what the scenario assumes",
    "library": "folders with CSV tables, relative to this file; `flowsim`: the library that comes with it",
    "base": "the variant that changes, and targets stated as changes, are counted from",
    "variants": "named differences",
}
"""Keys of a scenario file beside the tables."""
