"""Indicators of parks: circular retrofit (NDRC 765 of 2012, GB/T 33567-2017) and HJ 274-2015.

Those of waste, water and energy alone stand in their own rooms. HJ 274-2015 has 32 indicators; what flows do
not define (compliance, audits, facilities, publicity, greenery) is not here.
"""

from __future__ import annotations

import numpy as np

from flowsim.indicators import cn, waste
from flowsim.indicators.account import Account
from flowsim.indicators.registry import Figure, Terms, figure, indicator

MEMORY = "from memory, to be confirmed"
RETROFIT = "Circular retrofit of parks, NDRC 765 of 2012; GB/T 33567-2017"


@indicator(
    "park.resource_productivity",
    en="Resource productivity of the park",
    zh="园区主要资源产出率",
    unit="万元/t",
    formula="value added / main resources that enter the park",
    formula_zh="工业增加值 / 主要资源直接投入量",
    clause=RETROFIT,
    certainty=MEMORY,
    better="more",
)
def resource_productivity(account: Account) -> Terms:
    """Direct input, not net of what leaves; the list of main resources is that of
    cn.main_resource_productivity.
    """
    main = cn.main_resources(account)
    used = np.where(main & account.material_input, account.mass, 0.0)
    rules = (("material that is no main resource", account.material_input & ~main),)
    return Terms(account.value_added() / 1e4, used, "万元/a", "t/a", left_out=rules)


@indicator(
    "park.land_productivity",
    en="Value added per industrial land",
    zh="单位工业用地面积工业增加值",
    unit="亿元/km2",
    formula="value added / industrial land",
    formula_zh="工业增加值 / 工业用地面积",
    clause=f"HJ 274-2015, no. 8; {RETROFIT}",
    certainty=MEMORY,
    better="more",
)
def land_productivity(account: Account) -> Terms:
    """Needs the industrial land; 1 亿元/km2 is 100 万元/ha."""
    area = account.given("industrial_land")
    return Terms(account.value_added() / 1e8, None, "亿元/a", scale=100 / area)


@indicator(
    "park.value_added_per_head",
    en="Value added per employee",
    zh="人均工业增加值",
    unit="万元/head",
    formula="value added / employees",
    formula_zh="工业增加值 / 职工人数",
    clause="HJ 274-2015, no. 2",
    certainty=MEMORY,
    better="more",
)
def value_added_per_head(account: Account) -> Terms:
    """Needs the number of employees."""
    return Terms(account.value_added() / 1e4, None, "万元/a", scale=1 / account.given("employees"))


@indicator(
    "park.recycling_value_share",
    en="Recycling industry in value added",
    zh="资源再生利用产业增加值占园区工业增加值比例",
    unit="%",
    formula="value added of processes that collect and utilise waste / value added",
    formula_zh="资源再生利用产业增加值 / 园区工业增加值",
    clause="HJ 274-2015, no. 4",
    certainty=MEMORY,
    better="more",
)
def recycling_value_share(account: Account) -> Terms:
    """The boundary of the numerator is drawn around these processes: value that leaves less what enters."""
    industry = waste.ends_at(account, waste.RECOVERING) & account.inside
    gives, takes = account.leaving(industry), account.entering(industry)
    own = account.margin(takes & ~gives, gives & ~takes)
    return Terms(own, account.value_added(), "CNY/a", "CNY/a", 100.0)


@indicator(
    "park.chain_links",
    en="Exchanges of wastes and by-products between firms",
    zh="生态工业链接数量",
    unit="links",
    formula="number of wastes and by-products that one firm takes from another",
    formula_zh="企业间废物或副产品交换的链接数",
    clause="HJ 274-2015, no. 5, counts those that are new since the plan began",
    certainty=MEMORY,
    better="more",
    direct=True,
)
def chain_links(account: Account) -> Figure:
    """Flows that carry something from one firm to another, counted by pair and good; subtract the base year
    for the new ones. Networks are not counted.
    """
    processes, flows = account.result.system.processes, account.result.system.flows
    firm = np.where(processes["firm"] != "", processes["firm"], processes["id"]).astype(object)
    giver, taker = firm[flows["from_at"]], firm[flows["to_at"]]
    byproduct = account.of_class(*waste.WASTES, "by_product", "wastewater", "reclaimed_water")
    exchange = account.internal & byproduct & account.runs & (giver != taker)
    exchange &= ~account.from_kind("pool") & ~account.to_kind("pool")
    goods = flows["good"].to_numpy()
    links = {(giver[at], taker[at], goods[at]) for at in np.flatnonzero(exchange)}
    pairs = {frozenset(link[:2]) for link in links}
    items = (("pairs of firms", "企业对数", float(len(pairs)), "1"),)
    return figure(account, items, float(len(links)), account.internal & byproduct)


@indicator(
    "park.solid_waste_intensity",
    en="Solid waste generated per industrial value added",
    zh="单位工业增加值固废产生量",
    unit="t/万元",
    formula="industrial solid waste generated / value added",
    formula_zh="工业固体废物产生量 / 工业增加值",
    clause="HJ 274-2015, no. 28",
    certainty=MEMORY,
    better="less",
)
def solid_waste_intensity(account: Account) -> Terms:
    """General and hazardous waste; value added is the gross margin, an estimate."""
    made = waste.generated(account, account.of_class("solid_waste", "hazardous_waste"))
    return Terms(made, account.value_added() / 1e4, "t/a", "万元/a")
