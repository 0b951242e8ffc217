"""Core indicators of ISO 59020:2024, annex A, for the boundary as the system in focus.

Names and descriptions were confirmed, the equations come from a coded copy without the standard at hand.
"""

from __future__ import annotations

import numpy as np

from flowsim.indicators import waste, water
from flowsim.indicators.account import Account
from flowsim.indicators.energy import CARRIERS, NONFOSSIL
from flowsim.indicators.registry import Figure, Terms, figure, indicator

REUSED = ("textile_reuse", "pack_lfp_second")
"""Goods that are used again as they are."""
RENEWABLE = ("biomass",)
RENEWABLE_GOODS = ("paddy",)
BIOLOGICAL = ("agricultural_waste",)

MEMORY = "from memory, to be confirmed"


def clause(number: str, mandatory: bool = False) -> str:
    """Where an indicator stands in the standard."""
    return f"ISO 59020:2024, {number}" + (", mandatory" if mandatory else "")


def recycled_in(account: Account) -> np.ndarray:
    """Flows of material that enter as waste or recyclable."""
    return account.material_input & account.of_class(*waste.WASTES) & ~account.of_good(*REUSED)


def renewable_in(account: Account) -> np.ndarray:
    """Flows of biomass that enter or are harvested, and are no waste."""
    grown = account.of_class(*RENEWABLE) | account.of_good(*RENEWABLE_GOODS) | account.harvest
    return account.material_input & grown & ~account.of_class(*waste.WASTES)


def linear_in(account: Account) -> np.ndarray:
    """Flows of material that enter neither reused, recycled nor renewable."""
    circular = recycled_in(account) | renewable_in(account) | account.of_good(*REUSED)
    return account.material_input & ~circular


def outflow(account: Account) -> np.ndarray:
    """Flows of material that leave: products, by-products and wastes, without emissions and water."""
    return account.material & account.leaves


def recovered_out(account: Account, *classes: str) -> np.ndarray:
    """t/a by flow of these classes that leave and reach a user or the market."""
    flows = outflow(account) & account.of_class(*classes)
    return np.where(flows, account.mass * account.reaching(waste.using(account)), 0.0)


def recycled_out(account: Account) -> np.ndarray:
    """t/a by flow of wastes that leave and are recycled, neither reused nor returned to nature's cycle."""
    classes = tuple(name for name in waste.WASTES if name not in BIOLOGICAL)
    return np.where(account.of_good(*REUSED), 0.0, recovered_out(account, *classes))


def _of_inflow(account: Account, flows: np.ndarray) -> Terms:
    total = np.where(account.material_input, account.mass, 0.0)
    return Terms(np.where(flows, account.mass, 0.0), total, "t/a", "t/a", 100.0)


def _of_outflow(account: Account, recovered: np.ndarray) -> Terms:
    return Terms(recovered, np.where(outflow(account), account.mass, 0.0), "t/a", "t/a", 100.0)


@indicator(
    "iso59020.reused_inflow",
    en="Reused content of the inflow",
    zh="输入物料中再使用含量",
    unit="%",
    formula="reused products and components that enter / material that enters",
    formula_zh="再使用产品与部件输入量 / 物料输入总量",
    clause=clause("A.2.2", True),
    certainty=MEMORY,
    better="more",
)
def reused_inflow(account: Account) -> Terms:
    """Known where a good stands for things used again as they are."""
    goods = waste.named(account, REUSED, "reused products", "再使用产品")
    return _of_inflow(account, account.material_input & goods)


@indicator(
    "iso59020.recycled_inflow",
    en="Recycled content of the inflow",
    zh="输入物料中再生含量",
    unit="%",
    formula="wastes and recyclables that enter / material that enters",
    formula_zh="废物与再生资源输入量 / 物料输入总量",
    clause=clause("A.2.3", True),
    certainty=MEMORY,
    better="more",
)
def recycled_inflow(account: Account) -> Terms:
    """Secondary material bought as a product counts as linear, since its origin is unknown."""
    return _of_inflow(account, recycled_in(account))


@indicator(
    "iso59020.renewable_inflow",
    en="Renewable content of the inflow",
    zh="输入物料中可再生含量",
    unit="%",
    formula="biomass that enters or is harvested / material that enters",
    formula_zh="生物质输入与收获量 / 物料输入总量",
    clause=clause("A.2.4", True),
    certainty=MEMORY,
    better="more",
)
def renewable_inflow(account: Account) -> Terms:
    """The standard asks for sustained production, which no flow proves. Waste biomass counts as recycled."""
    return _of_inflow(account, renewable_in(account))


@indicator(
    "iso59020.lifetime",
    en="Lifetime relative to the average of the industry",
    zh="相对行业平均的产品寿命",
    unit="1",
    formula="L / L_av",
    formula_zh="产品寿命 / 行业平均寿命",
    clause=clause("A.3.2"),
    certainty=MEMORY,
    better="more",
    direct=True,
)
@indicator(
    "cti.lifetime",
    en="Actual lifetime",
    zh="产品实际寿命（相对值）",
    unit="1",
    formula="actual lifetime / average lifetime",
    formula_zh="实际寿命 / 平均寿命",
    clause="WBCSD, CTI v4.0",
    certainty=MEMORY,
    better="more",
    direct=True,
)
def lifetime(account: Account) -> Figure:
    """Needs the ratio, which no flow carries."""
    ratio = account.given("lifetime_ratio")
    items = (("lifetime ratio", "寿命比", ratio, "1"),)
    return figure(account, items, ratio, np.zeros(len(account.enters), dtype=bool))


@indicator(
    "iso59020.reused_outflow",
    en="Outflow actually reused",
    zh="输出物料实际再使用比例",
    unit="%",
    formula="products and components that leave and are reused / material that leaves",
    formula_zh="实际再使用的输出量 / 物料输出总量",
    clause=clause("A.3.3", True),
    certainty=MEMORY,
    better="more",
)
def reused_outflow(account: Account) -> Terms:
    """Known where a good stands for things used again as they are."""
    goods = waste.named(account, REUSED, "reused products", "再使用产品") & outflow(account)
    return _of_outflow(account, np.where(goods, account.mass * account.reaching(waste.using(account)), 0.0))


@indicator(
    "iso59020.recycled_outflow",
    en="Outflow actually recycled",
    zh="输出物料实际再生比例",
    unit="%",
    formula="wastes and recyclables that leave to users and the market / material that leaves",
    formula_zh="实际再生利用的输出量 / 物料输出总量",
    clause=clause("A.3.4", True),
    certainty=MEMORY,
    better="more",
)
def recycled_outflow(account: Account) -> Terms:
    """Products count as linear: what becomes of them is beyond the drawing. Biological wastes count apart."""
    return _of_outflow(account, recycled_out(account))


@indicator(
    "iso59020.biological_outflow",
    en="Outflow recirculated in the biological cycle",
    zh="输出物料在生物循环中的再循环比例",
    unit="%",
    formula="agricultural and forestry residues that leave to users and the market / material that leaves",
    formula_zh="进入生物循环的农林剩余物输出量 / 物料输出总量",
    clause=clause("A.3.5", True),
    certainty=MEMORY,
    better="more",
)
def biological_outflow(account: Account) -> Terms:
    """Residues of fields and forests that are sold or used."""
    return _of_outflow(account, recovered_out(account, *BIOLOGICAL))


def renewable_energy_terms(account: Account) -> Terms:
    """Renewable share of the energy that enters less what leaves, by its heat."""
    share = account.given("renewable_share_of_power") / 100
    sold = account.leaves & ~account.to_place("air", "water", "landfill")
    net = np.where(account.enters, 1.0, np.where(sold, -1.0, 0.0)) * account.of_class(*CARRIERS)
    energy = np.where(net != 0, account.energy * net, 0.0)
    weights = np.where(account.of_class("power"), share, np.where(account.of_good(*NONFOSSIL), 1.0, 0.0))
    return Terms(energy * weights, energy, "GJ/a", "GJ/a", 100.0)


@indicator(
    "iso59020.renewable_energy",
    en="Energy consumed that is renewable",
    zh="可再生能源消费比例",
    unit="%",
    formula="(renewable energy in − out) / (energy in − out)",
    formula_zh="（可再生能源输入 − 输出）/（能源输入 − 输出）",
    clause=clause("A.4.2"),
    certainty=MEMORY,
    better="more",
)
@indicator(
    "cti.renewable_energy",
    en="Renewable energy",
    zh="可再生能源使用比例",
    unit="%",
    formula="renewable energy used / energy used",
    formula_zh="可再生能源使用量 / 能源使用量",
    clause="WBCSD, CTI v4.0",
    certainty=MEMORY,
    better="more",
)
def renewable_energy(account: Account) -> Terms:
    """Needs the renewable share of the power bought; fuels by their heating value, feedstock among them."""
    return renewable_energy_terms(account)


def _water_in(account: Account) -> np.ndarray:
    drawn = account.enters & account.of_kind("water") & ~account.of_class("vapour", "circulating_water")
    return np.where(drawn, account.water, 0.0)


@indicator(
    "iso59020.circular_water_in",
    en="Water withdrawn from circular sources",
    zh="循环水源取水比例",
    unit="%",
    formula="reclaimed and waste water that enters / water that enters",
    formula_zh="再生水与废水输入量 / 水输入总量",
    clause=clause("A.5.2"),
    certainty=MEMORY,
    better="more",
)
@indicator(
    "cti.water_in",
    en="Circular water inflow",
    zh="循环水输入比例",
    unit="%",
    formula="circular water that enters / water that enters",
    formula_zh="循环水输入量 / 水输入总量",
    clause="WBCSD, CTI v4.0",
    certainty=MEMORY,
    better="more",
)
def circular_water_in(account: Account) -> Terms:
    """Sea water and the water of crops are in the denominator."""
    drawn = _water_in(account)
    circular = account.of_class("reclaimed_water", "wastewater")
    return Terms(np.where(circular, drawn, 0.0), drawn, "m3/a", "m3/a", 100.0)


@indicator(
    "iso59020.treated_water_out",
    en="Water discharged in accordance with quality requirements",
    zh="达标排放水量比例",
    unit="%",
    formula="treated water that leaves / water that enters",
    formula_zh="处理后排出水量 / 水输入总量",
    clause=clause("A.5.3"),
    certainty=MEMORY,
    better="more",
)
def treated_water_out(account: Account) -> Terms:
    """Water that leaves from a treatment plant inside counts as meeting requirements, which no flow
    proves.
    """
    out = account.leaves & account.of_class("wastewater", "reclaimed_water") & account.from_kind("treat")
    return Terms(np.where(out, account.water, 0.0), _water_in(account), "m3/a", "m3/a", 100.0)


@indicator(
    "iso59020.onsite_water",
    en="Ratio of on-site water reuse",
    zh="厂内水重复利用比",
    unit="1",
    formula="total water used / water withdrawn",
    formula_zh="总用水量 / 取水量",
    clause=clause("A.5.4"),
    certainty=MEMORY,
    better="more",
)
def onsite_water(account: Account) -> Terms:
    """Equals 1 / (1 − R) with R the Chinese reuse rate, which has the same intake and reuse."""
    water.check_cooling(account)
    fresh = water.intake(account)
    return Terms(fresh + water.reused(account), fresh, "m3/a", "m3/a", left_out=water.no_intake(account))


def revenue(account: Account) -> np.ndarray:
    """CNY/a by flow: value of what leaves, without fees that are paid for it."""
    value = account.margin(np.zeros_like(account.leaves), account.leaves)
    return np.where(account.leaves, np.maximum(value, 0.0), 0.0)


@indicator(
    "iso59020.material_productivity",
    en="Material productivity",
    zh="材料生产率",
    unit="CNY/t",
    formula="revenue / mass of linear inflows",
    formula_zh="营业收入 / 线性资源输入量",
    clause=clause("A.6.2"),
    certainty=MEMORY,
    better="more",
)
@indicator(
    "cti.circular_material_productivity",
    en="Circular material productivity",
    zh="循环材料生产率",
    unit="CNY/t",
    formula="revenue / mass of linear inflow",
    formula_zh="营业收入 / 线性输入量",
    clause="WBCSD, CTI v4.0",
    certainty=MEMORY,
    better="more",
)
def material_productivity(account: Account) -> Terms:
    """Linear: virgin and not renewable. Revenue at constant prices, without VAT."""
    linear = np.where(linear_in(account), account.mass, 0.0)
    return Terms(revenue(account), linear, "CNY/a", "t/a")


@indicator(
    "iso59020.resource_intensity",
    en="Resource intensity index",
    zh="资源强度指数",
    unit="CNY/t",
    formula="value added / material that enters",
    formula_zh="增加值 / 物料输入总量",
    clause=clause("A.6.3"),
    certainty=MEMORY,
    better="more",
)
def resource_intensity(account: Account) -> Terms:
    """The standard leaves both measures open; here they are the gross margin and all material that enters."""
    put_in = np.where(account.material_input, account.mass, 0.0)
    return Terms(account.value_added(), put_in, "CNY/a", "t/a")
