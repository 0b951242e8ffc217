"""Material Circularity Indicator of a product or of products together (Ellen MacArthur Foundation and
Granta).

Formula of the 2019 and 2020 editions, with (W_F − W_C) / 2 in the denominator of the linear flow index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowsim.errors import InputError, Problem
from flowsim.indicators import iso
from flowsim.indicators.registry import Figure, figure, indicator

if TYPE_CHECKING:
    from flowsim.indicators.account import Account

LINEAR = 0.9
"""F(X) of an average product: one that is linear throughout then scores 0.1."""


@dataclass(frozen=True)
class Product:
    """A product or component: its mass, shares of its feed, and where it goes at the end of its life.

    Attributes
    ----------
    mass : t, or any unit that all components share
    recycled, reused, biological : shares of the feed, F_R, F_U, F_S; the rest is virgin
    to_recycling, to_reuse, to_compost, to_energy : shares collected, C_R, C_U, C_C, C_E; the rest is waste
    feed_efficiency, end_efficiency : of the recycling behind the feed, E_F, and at the end of life, E_C
    """

    mass: float
    recycled: float = 0.0
    reused: float = 0.0
    biological: float = 0.0
    to_recycling: float = 0.0
    to_reuse: float = 0.0
    to_compost: float = 0.0
    to_energy: float = 0.0
    feed_efficiency: float = 1.0
    end_efficiency: float = 1.0


@dataclass(frozen=True)
class Circularity:
    """The indicator and what it was worked out from: V, W_0, W_F, W_C, W, LFI, X, MCI*, MCI."""

    virgin: float
    not_recovered: float
    feed_waste: float
    end_waste: float
    waste: float
    linear_flow_index: float
    utility: float
    uncut: float
    value: float


def circularity(
    products: Product | Sequence[Product], lifetime: float = 1.0, use: float = 1.0
) -> Circularity:
    """MCI of a product, or of components of one product: sums first, then one linear flow index.

    Parameters
    ----------
    lifetime, use : L / L_av and U / U_av; their product is the utility X

    Raises
    ------
    InputError : no mass, a share outside 0 to 1 or shares over 1 in sum, no utility, a recycling
        efficiency of 0
    """
    parts = [products] if isinstance(products, Product) else list(products)
    utility = lifetime * use
    _check(parts, utility)
    mass = sum(part.mass for part in parts)
    virgin = sum(part.mass * (1 - part.recycled - part.reused - part.biological) for part in parts)
    left = sum(part.mass * (1 - _collected(part)) for part in parts)
    feed = sum(
        part.mass * (1 - part.feed_efficiency) * part.recycled / part.feed_efficiency for part in parts
    )
    end = sum(part.mass * (1 - part.end_efficiency) * part.to_recycling for part in parts)
    waste = left + (feed + end) / 2
    index = (virgin + waste) / (2 * mass + (feed - end) / 2)
    uncut = 1 - index * LINEAR / utility
    return Circularity(virgin, left, feed, end, waste, index, utility, uncut, max(0.0, uncut))


def _collected(part: Product) -> float:
    return part.to_recycling + part.to_reuse + part.to_compost + part.to_energy


def _check(parts: list[Product], utility: float) -> None:
    problems = []
    if not sum(part.mass for part in parts) > 0:
        problems.append(Problem("MCI: the mass must be greater than 0."))
    if not utility > 0:
        problems.append(Problem("MCI: lifetime and use must be greater than 0."))
    for part in parts:
        names = [name for name in part.__dataclass_fields__ if name != "mass"]
        wrong = [name for name in names if not 0 <= getattr(part, name) <= 1]
        problems += [
            Problem(f"MCI: `{name}` is {getattr(part, name):g}.", hint="It is a share, 0 to 1.")
            for name in wrong
        ]
        if part.recycled + part.reused + part.biological > 1 + 1e-12:
            problems.append(Problem("MCI: the shares of the feed add up to more than 1."))
        if _collected(part) > 1 + 1e-12:
            problems.append(Problem("MCI: the shares collected add up to more than 1."))
        if part.feed_efficiency == 0 and part.recycled > 0:
            problems.append(Problem("MCI: recycled feed needs a recycling efficiency above 0."))
    if problems:
        raise InputError(problems)


@indicator(
    "mci.portfolio",
    en="Material Circularity Indicator of what the boundary gives",
    zh="材料循环性指标（MCI）",
    unit="1",
    formula="1 − linear flow index × 0.9 / utility",
    formula_zh="1 − 线性流指数 × 0.9 / 效用",
    clause="Ellen MacArthur Foundation and Granta, methodology of 2019",
    certainty="confirmed",
    better="more",
    direct=True,
)
def portfolio(account: Account) -> Figure:
    """For products and firms; not meant as the score of a park. All products that leave count as one,
    with the recycled and renewable shares of the inflow; their end of life and lifetime must be given
    as inputs.
    """
    product = account.leaves & account.of_class("product") & account.of_kind("material")
    account.determined(product | account.material_input)
    mass, put_in = float(account.mass[product].sum()), float(account.mass[account.material_input].sum())
    shares = [
        float(account.mass[flows].sum()) / put_in if put_in else 0.0
        for flows in (iso.recycled_in(account), iso.renewable_in(account))
    ]
    names = (
        "collected_for_recycling",
        "collected_for_reuse",
        "feed_recycling_efficiency",
        "recycling_efficiency",
    )
    given = [account.given(name) / 100 for name in names]
    one = Product(
        mass,
        recycled=shares[0],
        biological=shares[1],
        to_recycling=given[0],
        to_reuse=given[1],
        feed_efficiency=given[2],
        end_efficiency=given[3],
    )
    found = circularity(one, account.given("lifetime_ratio"))
    items = (
        ("products", "产品", mass, "t/a"),
        ("recycled feed", "再生原料比例", 100 * shares[0], "%"),
        ("renewable feed", "可再生原料比例", 100 * shares[1], "%"),
        ("virgin feed V", "原生原料 V", found.virgin, "t/a"),
        ("unrecoverable waste W", "不可回收废物 W", found.waste, "t/a"),
        ("linear flow index", "线性流指数", found.linear_flow_index, "1"),
        ("utility X", "效用 X", found.utility, "1"),
        ("MCI before the cut at 0", "截断前的 MCI", found.uncut, "1"),
    )
    return figure(account, items, found.value, product | account.material_input)
