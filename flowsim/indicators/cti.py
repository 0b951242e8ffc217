"""Circular Transition Indicators of the WBCSD (v4.0): circular inflow and outflow, water, critical material.

The definitions of inflow and outflow were confirmed; the other formulas are from memory.
"""

from __future__ import annotations

import numpy as np

from flowsim.indicators import iso, waste, water
from flowsim.indicators.account import Account
from flowsim.indicators.registry import Figure, Terms, figure, indicator

CRITICAL = ("Co", "Li", "Mn", "Ni")
"""Substances of the library on the list of critical raw materials of the EU (2023), nickel as battery
grade.
"""

CLAUSE = "WBCSD, CTI v4.0"
MEMORY = "from memory, to be confirmed"


def _inflow(account: Account) -> Terms:
    circular = account.material_input & ~iso.linear_in(account)
    put_in = np.where(account.material_input, account.mass, 0.0)
    return Terms(np.where(circular, account.mass, 0.0), put_in, "t/a", "t/a", 100.0)


def _outflow(account: Account) -> Terms:
    recovered = iso.recovered_out(account, *waste.WASTES, "by_product")
    return Terms(recovered, np.where(iso.outflow(account), account.mass, 0.0), "t/a", "t/a", 100.0)


@indicator(
    "cti.inflow",
    en="Circular inflow",
    zh="循环输入比例",
    unit="%",
    formula="(non-virgin + renewable material that enters) / material that enters",
    formula_zh="（非原生 + 可再生物料输入）/ 物料输入总量",
    clause=CLAUSE,
    certainty="confirmed",
    better="more",
)
def inflow(account: Account) -> Terms:
    """Biomass counts as renewed at a natural rate, which no flow proves."""
    return _inflow(account)


@indicator(
    "cti.outflow",
    en="Circular outflow",
    zh="循环输出比例",
    unit="%",
    formula="by-products and wastes that leave and are recovered / material that leaves",
    formula_zh="实际回收的副产品与废物输出 / 物料输出总量",
    clause=CLAUSE,
    certainty="confirmed",
    better="more",
)
def outflow(account: Account) -> Terms:
    """Products count as not recovered, since their end is beyond the drawing. Recovery is by where
    flows end.
    """
    return _outflow(account)


@indicator(
    "cti.material",
    en="Material circularity",
    zh="材料循环度",
    unit="%",
    formula="(circular inflow + circular outflow) / (inflow + outflow), by mass",
    formula_zh="（循环输入 + 循环输出）/（输入 + 输出）",
    clause=CLAUSE,
    certainty="confirmed",
    better="more",
)
def material(account: Account) -> Terms:
    """The mean of both rates, weighted by their mass."""
    into, out = _inflow(account), _outflow(account)
    assert into.denominator is not None and out.denominator is not None
    circular, total = into.numerator + out.numerator, into.denominator + out.denominator
    return Terms(circular, total, "t/a", "t/a", 100.0)


@indicator(
    "cti.water_out",
    en="Circular water outflow",
    zh="循环水输出比例",
    unit="%",
    formula="treated and reclaimed water that leaves / water that leaves",
    formula_zh="处理水与再生水输出量 / 水输出总量",
    clause=CLAUSE,
    certainty=MEMORY,
    better="more",
)
def water_out(account: Account) -> Terms:
    """Circular: from a treatment plant inside, or sold as reclaimed. Vapour is no outflow of water."""
    out = account.leaves & account.of_kind("water") & ~account.of_class("vapour", "circulating_water")
    circular = out & (account.from_kind("treat") | account.of_class("reclaimed_water"))
    good, every = (np.where(flows, account.water, 0.0) for flows in (circular, out))
    return Terms(good, every, "m3/a", "m3/a", 100.0)


@indicator(
    "cti.water_onsite",
    en="On-site water circulation",
    zh="厂内水循环率",
    unit="1",
    formula="(water used − withdrawn) / withdrawn",
    formula_zh="（用水量 − 取水量）/ 取水量",
    clause=CLAUSE,
    certainty=MEMORY,
    better="more",
)
def water_onsite(account: Account) -> Terms:
    """Reused water over the intake, as the ratio of ISO 59020 A.5.4 less 1."""
    water.check_cooling(account)
    fresh = water.intake(account)
    return Terms(water.reused(account), fresh, "m3/a", "m3/a", left_out=water.no_intake(account))


@indicator(
    "cti.critical",
    en="Critical material in the linear inflow",
    zh="线性输入中的关键原材料比例",
    unit="%",
    formula="cobalt, lithium, manganese and nickel in the linear inflow / linear inflow",
    formula_zh="线性输入中的钴、锂、锰、镍 / 线性输入",
    clause=f"{CLAUSE}; list of critical raw materials of the EU (2023)",
    certainty=MEMORY,
    better="less",
)
def critical(account: Account) -> Terms:
    """By contents; some texts divide by all inflow. The coverage says for how much of it contents are
    known.
    """
    linear = iso.linear_in(account)
    mass = np.where(linear, account.mass, 0.0)
    return Terms(
        mass * account.content(*CRITICAL), mass, "t/a", "t/a", 100.0, coverage=account.coverage(mass)
    )


@indicator(
    "cti.revenue",
    en="CTI revenue",
    zh="CTI 循环收入",
    unit="CNY/a",
    formula="revenue × (circular inflow + circular outflow) / 2",
    formula_zh="营业收入 ×（循环输入比例 + 循环输出比例）/ 2",
    clause=CLAUSE,
    certainty=MEMORY,
    better="more",
    direct=True,
)
def circular_revenue(account: Account) -> Figure:
    """Over the whole boundary, since flows into a boundary belong to no single product."""
    sides = [_inflow(account), _outflow(account)]
    earned, shares = float(iso.revenue(account).sum()), []
    used = iso.revenue(account) != 0
    for side in sides:
        assert side.denominator is not None
        used |= side.denominator != 0
        total = float(side.denominator.sum())
        shares.append(float(side.numerator.sum()) / total if total else np.nan)
    items = (
        ("revenue", "营业收入", earned, "CNY/a"),
        ("circular inflow", "循环输入比例", 100 * shares[0], "%"),
        ("circular outflow", "循环输出比例", 100 * shares[1], "%"),
    )
    return figure(account, items, earned * sum(shares) / 2, used)


def _recovery(name: str, en: str, zh: str) -> None:
    """Register the share of one way in which outflow is recovered."""

    @indicator(
        f"cti.recovery_{name}",
        en=f"Recovered outflow that is {en}",
        zh=f"回收输出中{zh}的比例",
        unit="%",
        formula=f"outflow that is {en} / outflow that is recovered",
        formula_zh=f"{zh}的输出量 / 回收的输出量",
        clause=f"{CLAUSE}, recovery type",
        certainty=MEMORY,
    )
    def share(account: Account) -> Terms:
        """The shares add up to 100 %. Flows do not tell repair, refurbishing and remanufacturing from other
        reuse. Energy recovery is no recovery.
        """
        used = iso.outflow(account) & account.of_good(*iso.REUSED)
        sent = np.where(used, account.mass * account.reaching(waste.using(account)), 0.0)
        known = sent, iso.recycled_out(account), iso.recovered_out(account, *iso.BIOLOGICAL)
        ways = dict(zip(("reuse", "recycling", "biological"), known, strict=True))
        return Terms(ways[name], np.sum(known, axis=0), "t/a", "t/a", 100.0)


for _name, _en, _zh in (
    ("reuse", "reused", "再使用"),
    ("recycling", "recycled", "再生利用"),
    ("biological", "returned to the biological cycle", "进入生物循环"),
):
    _recovery(_name, _en, _zh)
