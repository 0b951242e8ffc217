"""Who gains by the chosen links: net benefit of each firm, transfer prices, even and Shapley shares.

An exchange that one side loses on does not happen, so both sides of each link are shown.

- *Margin*: what a firm sells less what it buys at table prices (`general.value_added` of the firm), the good
  on an opened link left out; the taker bears the cost of the link.
- *Gain of a link*: what the taker does not buy because of it (or what a plant that lives on the good earns
  with it), less the cost of the link, less what the good was worth to the giver before at its table price; a
  fee for disposal is a negative price and so a gain.
- *Transfer price*: the price at which the giver gets a stated share of that gain, by default half; a
  negative price is a fee that the giver pays. Where the gain is negative both sides lose.
- *Shapley value* (Shapley, 1953): the mean of what a firm adds to the coalitions that it may join. A
  coalition is worth the least net cost that it can reach with the links among its own members, up to the
  chosen amounts, against none of them; all else is held as in the optimisation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.indicators.account import UNPRICED, Account, Missing
from flowsim.progress import track
from flowsim.result import Result
from flowsim.symbiosis.case import blank_result, closed, figure
from flowsim.symbiosis.objective import objective_of
from flowsim.symbiosis.optimise import Optimum, best

EXACT = 12
"""Up to so many firms every coalition is worked out; above, orders of joining are drawn."""
ORDERS = 200
"""Orders of joining that are drawn."""
ROUNDING = 1e-6
"""A loss below this share of the total gain is only rounding."""


@dataclass(frozen=True)
class Exchange:
    """One opened link between two firms, money in CNY/a.

    ``avoided`` is what the taker does not buy or earns with the good, ``cost`` that of the link, ``before``
    what the good was worth to the giver. The taker pays ``payment``, per unit ``price``; ``giver_gain`` and
    ``taker_gain`` are both sides after that.
    """

    link: str
    giver: str
    taker: str
    amount: float
    unit: str
    avoided: float
    cost: float
    before: float
    price: float
    payment: float
    giver_gain: float
    taker_gain: float

    @property
    def losers(self) -> tuple[str, ...]:
        """The firms that lose on it."""
        least = -ROUNDING * max(abs(self.giver_gain), abs(self.taker_gain), 1.0)
        sides = ((self.giver, self.giver_gain), (self.taker, self.taker_gain))
        return tuple(firm for firm, gain in sides if gain < least)


@dataclass(frozen=True)
class Benefit:
    """What the links bring to one firm, CNY/a; ``error`` is the standard error of a sampled ``shapley``."""

    firm: str
    margin: float
    link_cost: float
    received: float
    paid: float
    even: float
    shapley: float
    error: float

    @property
    def net(self) -> float:
        """Change of the margin, less link costs, with the payments."""
        return self.margin - self.link_cost + self.received - self.paid


@dataclass(frozen=True)
class Shares:
    """The answer of `shares`: firms at the ends of links, the links, and what all of it is worth.

    ``others`` is the change of margin outside these firms; ``worth`` is that of the coalition of all.
    """

    benefits: tuple[Benefit, ...]
    exchanges: tuple[Exchange, ...]
    others: float
    worth: float
    transfer: float
    exact: bool
    seed: int


def shares(optimum: Optimum, *, transfer: float = 0.5, seed: int = 0, orders: int = ORDERS) -> Shares:
    """The net benefit of each firm at the ends of the opened links, and how the gain could be shared.

    Parameters
    ----------
    transfer : the share of the gain of a link that goes to the giver, 0 to 1
    seed, orders : of the sampled Shapley value, for more than `EXACT` firms

    Raises
    ------
    InputError : no opened link joins two firms, a good without a price, or a transfer outside 0 to 1
    """
    if not 0 <= transfer <= 1:
        raise InputError(Problem("the share that is paid lies between 0 and 1.", hint="Write 0.5 for half."))
    exchanges = _exchanges(optimum, transfer)
    firms = sorted({firm for each in exchanges for firm in (each.giver, each.taker)})
    if not firms:
        hint = "Name the `firm` of the processes at the ends of the links."
        raise InputError(Problem("no opened link joins two firms.", optimum.case.scenario.file, hint=hint))
    gains = {firm: _gain(optimum, f"firm:{firm}") for firm in firms}
    others = _gain(optimum, "city") - sum(gains.values())
    worth = _worth(optimum, exchanges, firms)
    exact = len(firms) <= EXACT
    values, errors = _shapley(len(firms), worth) if exact else _sampled(len(firms), worth, seed, orders)
    everyone = worth(tuple(range(len(firms))))
    benefits = []
    for at, firm in enumerate(firms):
        taken = [each for each in exchanges if each.taker == firm]
        benefits.append(
            Benefit(
                firm,
                gains[firm],
                sum(each.cost for each in taken),
                sum(each.payment for each in exchanges if each.giver == firm),
                sum(each.payment for each in taken),
                everyone / len(firms),
                float(values[at]),
                float(errors[at]),
            )
        )
    return Shares(tuple(benefits), exchanges, others, everyone, transfer, exact, seed)


# ---- the exchanges ----


def _exchanges(optimum: Optimum, transfer: float) -> tuple[Exchange, ...]:
    system, flows = optimum.case.system, optimum.case.system.flows
    firms = system.processes["firm"].to_numpy(dtype=object)
    recipes = system.processes["recipe"].to_numpy(dtype=object)
    balanced, made = optimum.balanced, []
    for at in np.flatnonzero(optimum.opened):
        row = flows.iloc[int(optimum.case.at[at])]
        giver, taker = (str(firms[int(row[end])]) for end in ("from_at", "to_at"))
        if not giver or not taker or giver == taker:
            continue
        amount = float(balanced[at])
        avoided = _avoided(optimum, int(optimum.case.at[at]), amount)
        cost = amount * float(row["unit_cost"]) + float(row["fixed_cost"])
        before = amount * _price(optimum, str(row["good"]), str(recipes[int(row["from_at"])]))
        gain = avoided - cost - before
        payment = before + transfer * gain
        unit = f"{system.goods['unit'].iloc[int(row['good_at'])]}/a"
        price = payment / amount if amount else 0.0
        money = (avoided, cost, before, price, payment, transfer * gain, (1 - transfer) * gain)
        made.append(Exchange(optimum.case.links[at], giver, taker, amount, unit, *money))
    return tuple(made)


def _avoided(optimum: Optimum, flow: int, amount: float) -> float:
    """CNY/a that the taker of a link does not spend, or earns if it lives on the good."""
    system = optimum.case.system
    row, place = system.flows.iloc[flow], system.processes.iloc[int(system.flows["to_at"].iloc[flow])]
    if not place["fed"] or str(row["replaces"] or row["good"]) != place["good"]:
        return (
            float(row["ratio"])
            * amount
            * _price(optimum, str(row["replaces"] or row["good"]), place["recipe"])
        )
    activity = optimum.result.processes.set_index("id")["activity"].get(place["id"], 0.0)
    earned = _margin(optimum, optimum.result, f"process:{place['id']}", str(row["good"]))
    return earned * float(row["ratio"]) * amount / activity if activity > 0 else 0.0


def _price(optimum: Optimum, good: str, recipe: str) -> float:
    """CNY per unit of a good in a recipe: its own price there, else the general one."""
    system = optimum.case.system
    rows = system.prices[(system.prices["good"] == good) & system.prices["recipe"].isin([recipe, ""])]
    if len(rows):
        own = rows[rows["recipe"] == recipe]
        return float((own if len(own) else rows)["price"].iloc[0])
    goods = system.goods.set_index("id")["class"]
    if good in goods and goods[good] in UNPRICED:
        return 0.0
    raise _no_price(optimum, good)


def _no_price(optimum: Optimum, what: str) -> InputError:
    hint = "State it under `prices:`; without it nobody knows who gains."
    return InputError(Problem(f"there is no price for {what}.", optimum.case.scenario.file, hint=hint))


def _gain(optimum: Optimum, boundary: str) -> float:
    """Change of the margin at a boundary, what flows over the opened links between firms left out."""
    after, before = (_margin(optimum, result, boundary) for result in (optimum.result, optimum.base))
    return 0.0 if abs(after - before) <= 1e-12 * abs(before) else after - before


def _margin(optimum: Optimum, result: Result, boundary: str, feed: str = "") -> float:
    """CNY/a at a boundary, without what flows over candidate links inside and without a feed."""
    account = Account(result, boundary)
    flows = result.system.flows
    link = flows["id"].isin(optimum.case.links).to_numpy()
    between = link & ~account.from_place("market", "nature") & ~account.to_kind("outside")
    between |= account.enters & account.of_good(*([feed] if feed else []))
    try:
        return float(account.margin(account.enters & ~between, account.leaves & ~between).sum())
    except Missing as reason:
        raise _no_price(optimum, reason.en.removeprefix("no price for ")) from None


# ---- the coalitions ----


def _worth(
    optimum: Optimum, exchanges: Sequence[Exchange], firms: Sequence[str]
) -> Callable[[tuple[int, ...]], float]:
    """What a coalition of firms (by position) is worth, CNY/a, worked out once for each set of links."""
    case = optimum.case
    goal = objective_of(blank_result(case), "cost", case.system.flows["unit_cost"].to_numpy())
    upper = case.programme.upper.copy()
    upper[case.at] = np.minimum(upper[case.at], optimum.amounts)
    programme = case.programme.with_bounds(upper=upper)
    ends = {each.link: {each.giver, each.taker} for each in exchanges}
    own = np.array([name not in ends for name in case.links]) & optimum.opened
    known: dict[bytes, float] = {}

    def cost(allowed: np.ndarray) -> float:
        key = allowed.tobytes()
        if key not in known:
            known[key] = figure(case, goal, best(case, goal, closed(case, programme, ~allowed)).x)
        return known[key]

    def worth(members: tuple[int, ...]) -> float:
        names = {firms[at] for at in members}
        allowed = own | np.array([name in ends and ends[name] <= names for name in case.links])
        return cost(own) - cost(allowed)

    return worth


def _shapley(count: int, worth: Callable[[tuple[int, ...]], float]) -> tuple[np.ndarray, np.ndarray]:
    """Σ over coalitions without a firm of what it adds, weighted by |S|! (n − |S| − 1)! / n!."""
    values = np.zeros(count)
    coalitions = [part for size in range(count + 1) for part in combinations(range(count), size)]
    found = {part: worth(part) for part in track(coalitions, "coalitions")}
    for part, value in found.items():
        inside = np.isin(np.arange(count), part)
        size = len(part)
        values[inside] += value / (count * comb(count - 1, size - 1)) if size else 0.0
        values[~inside] -= value / (count * comb(count - 1, size)) if size < count else 0.0
    return values, np.zeros(count)


def _sampled(
    count: int, worth: Callable[[tuple[int, ...]], float], seed: int, orders: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same from random orders of joining (Castro et al., 2009), with the standard error of the mean."""
    added = np.zeros((orders, count))
    for draw in track(range(orders), "coalitions", orders):
        order = np.random.default_rng([seed, draw]).permutation(count)
        before = 0.0
        for size in range(1, count + 1):
            after = worth(tuple(sorted(int(at) for at in order[:size])))
            added[draw, order[size - 1]] = after - before
            before = after
    return added.mean(axis=0), added.std(axis=0, ddof=1) / np.sqrt(orders)
