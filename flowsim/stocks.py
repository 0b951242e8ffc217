"""What a scenario says of its stocks, and the book that is kept of them from step to step.

In each step the cohorts of the past say what leaves a stock, so that one row is enough for it:

    Σ outflow − gone · Σ inflow = past        gone: the share of the step's inflow that leaves within it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.checks import MASS
from flowsim.cohorts import FALLS, NOISE, Initial, Steps, survivors
from flowsim.errors import InputError, Problem
from flowsim.lifetimes import Lifetime, hazard_table
from flowsim.series import BY_AGE, Series, all_series, shares

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.scenario import Scenario

GOOD = "good"
"""Stands for the amount of the good itself beside the layers that its cohorts carry."""


@dataclass(frozen=True)
class Leaving:
    """What the past says about one stock in one step; amounts per year.

    ``past`` is what leaves of what stood there before, by layer (`GOOD`: the good); where a life is
    ``unlimited`` it is all that could be taken. ``asked`` is the inflow that the level asks for, NaN where
    the stock has none. ``room`` is what may still stay in its ``space``, NaN where it has none; what is
    taken from an unlimited stock makes room.
    """

    at: str
    good: str
    becomes: str
    unlimited: bool
    gone: float
    past: Mapping[str, float]
    asked: float
    room: float
    space: Space | None


@dataclass(frozen=True)
class Space:
    """What one stock, or all stocks of a store, may take up.

    Attributes
    ----------
    of : id of the stock or of the store
    most : in ``unit``
    unit : of a stock that of its good; of a store m3 or t
    bulk : pairs of a stock and how much of it a unit of its good takes
    shared : it is that of a store
    """

    of: str
    most: float
    unit: str
    bulk: tuple[tuple[str, float], ...]
    shared: bool


class Ledger:
    """One stock: what is left of each cohort at the end of each step, filled step by step.

    ``cohorts`` holds for each layer an array (steps, 1 + steps): column 0 is the initial stock, column
    1 + s what entered in step s. Steps before ``start`` are history.
    """

    def __init__(
        self, row: Mapping[str, Any], life: Lifetime, steps: Steps, start: int, shares: Mapping[str, float]
    ):
        self.row, self.life, self.steps, self.start = row, life, steps, start
        self.space: Space | None = None
        self.beside: Sequence[Ledger] = (self,)
        count = len(steps)
        initial = 0.0 if np.isnan(row["initial"]) else float(row["initial"])
        self.first = {layer: initial * share for layer, share in shares.items()}
        self.cohorts = {layer: np.zeros((count, count + 1)) for layer in self.first}
        self.inflow = {layer: np.zeros(count) for layer in self.first}
        self.outflow = {layer: np.zeros(count) for layer in self.first}
        for layer, amount in self.first.items():
            if amount:
                ages = None if np.isnan(row["age"]) else row["age"]
                self.cohorts[layer][:, 0] = Initial(amount, ages).left(life, steps)

    def survivors(self, at: int) -> np.ndarray:
        """Share of the inflow of one step that is left at the end of it and of each later step."""
        return survivors(self.life, self.steps, str(self.row["entry"]), at)

    def standing(self, at: int) -> dict[str, float]:
        """What stands at the end of a step, by layer; before the first step: the initial stock."""
        if at < 0:
            return dict(self.first)
        return {layer: float(table[at].sum()) for layer, table in self.cohorts.items()}

    def leaving(self, at: int, level: float) -> Leaving:
        """What leaves in a step, and what a level at its end asks for; NaN: no level is wanted.

        Raises
        ------
        InputError : the stock would have to fall faster than its cohorts leave, and may not
        """
        length, share = self.steps.lengths[at], float(self.survivors(at)[0])
        asked = np.nan if np.isnan(level) else self._asked(at, level, share) / length
        unlimited = self.life.distribution == "unlimited"
        before, after = self.standing(at - 1), self.standing(at)
        room = np.nan if self.space is None else max(self.space.most - self.filled(at), 0.0) / length
        if unlimited:
            after = dict.fromkeys(after, 0.0)
        past = {layer: max(0.0, (before[layer] - after[layer]) / length) for layer in before}
        for layer, amount in past.items():
            self.outflow[layer][at] = 0.0 if unlimited else amount
        head = (self.row["at"], self.row["good"], self.becomes, unlimited)
        return Leaving(*head, 1.0 - share, past, asked, room, self.space)

    def filled(self, at: int) -> float:
        """How much of its space is taken at the end of a step; by all stocks that share it."""
        if self.space is None:
            return 0.0
        step = at - self.start
        pairs = zip(self.space.bulk, self.beside, strict=True)
        return sum(bulk * book.standing(book.start + step)[GOOD] for (_, bulk), book in pairs)

    @property
    def becomes(self) -> str:
        """What the good is called when it leaves."""
        return str(self.row["becomes"] or self.row["good"])

    def take(self, at: int, amount: float) -> None:
        """Mine an amount, per year, from what stood there before a step: the same share of every cohort."""
        before = self.standing(at - 1)
        share = amount / before[GOOD] if before[GOOD] > 0 else 0.0
        for layer, table in self.cohorts.items():
            table[at:, : 1 + at] *= max(0.0, 1.0 - share * self.steps.lengths[at])
            self.outflow[layer][at] += share * before[layer]

    def _asked(self, at: int, level: float, share: float) -> float:
        """Inflow of the whole step that holds the level; what cannot stay leaves early, if it may."""
        left = self.standing(at)[GOOD]
        if level >= left - NOISE * max(left, 1.0):
            if share <= 0:
                hint = "Use shorter steps, a longer life, or let things enter later in the step."
                raise InputError(self._problem("nothing that enters lasts to the end of its step.", hint))
            return max(0.0, level - left) / share
        if not self.row["early"]:
            message = (
                f"the level of {level:.6g} at the end of {self.steps.ends[at]:g} is below the {left:.6g}"
            )
            hint = f"{FALLS} Raise it, or say `early: true` to let the excess leave early."
            raise InputError(self._problem(f"{message} that are left.", hint))
        for table in self.cohorts.values():
            table[at:] *= level / left
        return 0.0

    def _problem(self, message: str, hint: str) -> Problem:
        return Problem(
            f"stock `{self.row['id']}`: {message}", str(self.row["file"]), int(self.row["line"]), hint
        )

    def enter(self, at: int, amounts: Mapping[str, float]) -> None:
        """What entered in a step, per year, by layer."""
        share = self.survivors(at)
        for layer, table in self.cohorts.items():
            self.inflow[layer][at] = amounts[layer]
            self.outflow[layer][at] += (1.0 - share[0]) * amounts[layer]
            table[at:, 1 + at] = amounts[layer] * self.steps.lengths[at] * share


def followed(scenario: Scenario, good: str, becomes: str) -> list[str]:
    """Layers whose content in what leaves a stock is that of its cohorts.

    All but those whose content is stated, the same every year and for what enters and what leaves.
    """
    tables = scenario.tables
    frame = tables["contents"]
    frame = frame[frame["good"].isin([good, becomes])]
    contents = {(row["good"], row["layer"]): row["value"] for row in frame.to_dict("records")}
    changing = set(tables["series"]["of"])
    return [
        layer
        for layer in tables["layers"]["id"]
        if f"contents.{good}.{layer}" in changing
        or (good, layer) not in contents
        or contents[good, layer] != contents.get((becomes, layer))
    ]


def lasting(scenario: Scenario) -> list[dict[str, Any]]:
    """The stocks of a scenario, with the lifetimes of the library filled in."""
    library = scenario.tables["lifetimes"].drop_duplicates("good").set_index("good")
    rows = scenario.tables["stocks"].to_dict("records")
    for row in rows:
        if row["distribution"] == "":
            row.update(library.loc[row["good"], ["distribution", "mean", "shape"]])
    return rows


_Changes = Mapping[tuple[str, str], Series]


def ledgers(scenario: Scenario, steps: Steps) -> list[Ledger]:
    """A book for each stock of a scenario, with what entered before the first step.

    Raises
    ------
    InputError : a lifetime that cannot be, an initial stock whose content nobody knows
    """
    series = {(one.name, one.column): one for one in all_series(scenario) if one.table == "stocks"}
    rows = {str(row["id"]): row for row in lasting(scenario)}
    books = [_ledger(scenario, rows, name, steps, series) for name in rows]
    for book in books:
        book.space = _space(scenario, book, books)
        if book.space is not None:
            inside = dict(book.space.bulk)
            book.beside = [each for each in books if each.row["id"] in inside]
    problems = [problem for book in books for problem in _overfull(book)]
    if problems:
        raise InputError(problems)
    return books


def _overfull(book: Ledger) -> Iterator[Problem]:
    """What stands in a shared space before the first step fits into it."""
    space, filled = book.space, book.filled(book.start - 1)
    if space is not None and book is book.beside[0] and filled > space.most * (1 + NOISE):
        message = (
            f"what stands there at first is more than its {space.most:.6g} {space.unit} hold: {filled:.6g}."
        )
        place = "" if space.shared else f"stock `{space.of}`: "
        hint = "Raise the space, or lower what stands there."
        yield Problem(place + message, str(book.row["file"]), int(book.row["line"]), hint)


def _space(scenario: Scenario, book: Ledger, books: Sequence[Ledger]) -> Space | None:
    """What a stock, or all stocks of its store together, may take up; None: as much as comes."""
    if not np.isnan(book.row["space"]):
        name = str(book.row["id"])
        return Space(name, float(book.row["space"]), "", ((name, 1.0),), False)
    store = scenario.tables["processes"].set_index("id").loc[book.row["at"]]
    goods = scenario.tables["goods"].drop_duplicates("id").set_index("id")
    for column, unit in (("space", "m3"), ("tonnage", "t")):
        if not np.isnan(store[column]):
            inside = [each.row for each in books if each.row["at"] == book.row["at"]]
            bulk = tuple((str(row["id"]), taken(goods.loc[row["good"]], unit)) for row in inside)
            return Space(str(book.row["at"]), float(store[column]), unit, bulk, True)
    return None


def taken(good: pd.Series, unit: str) -> float:
    """What a unit of a good takes of a space in m3 (by its density) or t; NaN: its density is not stated."""
    if unit == "t":
        return MASS[good["kind"]]
    if good["kind"] == "water":
        return 1.0
    return 1.0 / float(good["density"]) if good["density"] > 0 else np.nan


def _ledger(
    scenario: Scenario, rows: Mapping[str, dict[str, Any]], name: str, steps: Steps, series: _Changes
) -> Ledger:
    row = rows[name]
    entered = series.get((row["id"], "entered"))
    start = steps.ends[0] - steps.lengths[0]
    before = max(0, int(np.floor(start - entered.years[0])) + 1) if entered else 0
    ends = np.append(start - np.arange(before)[::-1], steps.ends)
    whole = Steps(ends, np.append(np.ones(before), steps.lengths))
    try:
        life = _lifetime(row, rows, series, ends)
        shares = {GOOD: 1.0, **_first_shares(scenario, row)}
        made = Ledger(row, life, whole, before, shares)
        for at in range(before):
            amount = entered.at(ends[at]) if entered else 0.0
            made.enter(at, {layer: amount * share for layer, share in shares.items()})
    except InputError as error:
        raise InputError([_placed(problem, row) for problem in error.problems]) from None
    return made


def _placed(problem: Problem, row: Mapping[str, Any]) -> Problem:
    if problem.file:
        return problem
    return Problem(f"stock `{row['id']}`: {problem.message}", row["file"], row["line"], problem.hint)


def _lifetime(
    row: Mapping[str, Any], rows: Mapping[str, dict[str, Any]], series: _Changes, ends: np.ndarray
) -> Lifetime:
    """The lifetime that a row states, by cohort where it changes over the years, and that of its product."""
    within = _lifetime(rows[row["within"]], rows, series, ends) if row["within"] else None
    said = {name: row[name] for name in ("mean", "shape")}
    said.update({name: shares(row[name], name, row["file"], row["line"]) for name in BY_AGE})
    by_cohort = False
    for name in said:
        one = series.get((row["id"], name))
        if one is not None:
            said[name], by_cohort = np.array([one.table_at(end) for end in ends]), True
    if within is not None and row["distribution"] == "unlimited":
        return within
    if len(said["hazard"]) and len(said["survival"]):
        message = "`survival` and `hazard` both say how long things last."
        raise InputError(Problem(message, hint="Keep one of them."))
    if len(said["hazard"]) and row["distribution"] == "table":
        return hazard_table(said["hazard"], within)
    return Lifetime(
        row["distribution"], said["mean"], said["shape"], said["survival"], by_cohort, within=within
    )


def _first_shares(scenario: Scenario, row: Mapping[str, Any]) -> dict[str, float]:
    """Content of what stood there at first in each layer that belongs to the cohort."""
    contents = scenario.tables["contents"]
    own = contents[contents["good"] == row["good"]].set_index("layer")["value"]
    shares = {}
    for layer in followed(scenario, str(row["good"]), str(row["becomes"] or row["good"])):
        if layer not in own and row["initial"] > 0:
            hint = f"State it: `contents: {{{row['good']}: {{{layer}: 3 %}}}}`."
            raise InputError(Problem(f"nothing says how much {layer} the initial stock holds.", hint=hint))
        shares[layer] = float(own.get(layer, 0.0))
    return shares


def first_step(scenario: Scenario) -> dict[str, Leaving]:
    """What leaves each stock in the year of a scenario, if that is its first step."""
    books = ledgers(scenario, Steps.ending([scenario.year]))
    return {str(book.row["id"]): book.leaving(book.start, float(book.row["level"])) for book in books}
