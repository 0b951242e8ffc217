"""`simulate`: a system through the years, its stocks and cohorts linking one year to the next.

In every step the cohorts of the past say what leaves each stock; that is the right-hand side of one row a
stock, and the whole system, recycling loops included, is solved or dispatched as in a single year. Then the
books take in what has entered. The factorisation of a step serves the next one as long as only right-hand
sides differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.assemble import assemble
from flowsim.cohorts import NOISE, Steps
from flowsim.errors import FlowsimError, InputError, NotClosed, Problem
from flowsim.result import Result
from flowsim.scenario import Scenario
from flowsim.series import all_series, in_year
from flowsim.stocks import GOOD, Leaving, Ledger, ledgers
from flowsim.studies import Study, balance
from flowsim.studies.restate import only_right_hand, restated, same_stocks
from flowsim.studies.solve import AGREES, Determined, determine, solve
from flowsim.system import System

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Simulation:
    """A system over the years.

    Attributes
    ----------
    scenario : what was asked
    steps : years that the steps end with, and their lengths; flows are per year, stocks stand at the end
    results : the `Result` of each step
    books : the ledger of each stock
    """

    scenario: Scenario
    steps: Steps
    results: tuple[Result, ...]
    books: tuple[Ledger, ...]

    @property
    def years(self) -> list[float]:
        """The year that each step ends with."""
        return [result.system.about["year"] for result in self.results]

    @property
    def flows(self) -> pd.DataFrame:
        """The flows of every year, with the columns of `Result.flows`."""
        return self._joined("flows")

    @property
    def processes(self) -> pd.DataFrame:
        """Year, and the columns of `Result.processes`."""
        import pandas as pd

        parts = [
            result.processes.assign(year=year) for year, result in zip(self.years, self.results, strict=True)
        ]
        made = pd.concat(parts, ignore_index=True)
        return made[["year", *made.columns.drop("year")]]

    def _joined(self, name: str) -> pd.DataFrame:
        import pandas as pd

        return pd.concat([getattr(result, name) for result in self.results], ignore_index=True)

    @property
    def stocks(self) -> pd.DataFrame:
        """Tidy stocks: year, length, stock, at, good, layer, inflow, outflow, level, change, space, unit,
        entry, lifetime. ``layer`` is empty for the good itself; flows are per year."""
        import pandas as pd

        return pd.DataFrame([row for book in self.books for row in self._stock_rows(book)], columns=STOCKS)

    def _stock_rows(self, book: Ledger) -> Iterator[list[Any]]:
        unit = self.results[0].system.goods.set_index("id")["unit"][book.row["good"]]
        for layer, table in book.cohorts.items():
            level = table.sum(axis=1)[book.start :]
            change = np.diff(np.append(book.standing(book.start - 1)[layer], level)) / self.steps.lengths
            inflow, outflow = (moved[layer][book.start :] for moved in (book.inflow, book.outflow))
            name, said = ("", unit) if layer == GOOD else (layer, "t")
            head = [book.row["id"], book.row["at"], book.row["good"], name]
            tail = [book.row["space"] if layer == GOOD else np.nan, said, book.row["entry"], str(book.life)]
            for at, year in enumerate(self.years):
                moved = [inflow[at], outflow[at], level[at], change[at]]
                yield [year, self.steps.lengths[at], *head, *moved, *tail]

    @property
    def cohorts(self) -> pd.DataFrame:
        """What is left of each cohort: year, stock, layer, entered (NaN: before all records), amount."""
        import pandas as pd

        parts = []
        for book in self.books:
            entered = np.append(np.nan, book.steps.ends)
            for layer, table in book.cohorts.items():
                row, column = np.nonzero(table[book.start :])
                made = {
                    "year": np.array(self.years)[row],
                    "stock": book.row["id"],
                    "layer": "" if layer == GOOD else layer,
                    "entered": entered[column],
                    "amount": table[book.start :][row, column],
                }
                parts.append(pd.DataFrame(made))
        names = ["year", "stock", "layer", "entered", "amount"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)

    @property
    def checks(self) -> pd.DataFrame:
        """Balance over the years: layer, in, out, change (each summed over all years), difference, share.

        What enters the system from outside, less what leaves it, is what its stores have gained.
        """
        import pandas as pd

        rows = []
        for layer in ("mass", *self.results[0].system.layers):
            into, out, change = np.sum(
                [_crossing(r, layer) for r in self.results] * self.steps.lengths[:, None], axis=0
            )
            gap = into - out - change
            rows.append([layer, into, out, change, gap, gap / max(into, out, 1e-9)])
        return pd.DataFrame(rows, columns=["layer", "in", "out", "change", "difference", "share"])

    def ratio(self, part: Iterable[str], whole: Iterable[str], layer: str = "mass") -> pd.DataFrame:
        """How much some flows are of others in each year: year, part, whole, share.

        Parameters
        ----------
        part, whole : ids of flows, or goods (all flows of that good)

        Raises
        ------
        InputError : a name that no flow has, or a layer that there is not
        """
        import pandas as pd

        sums = {name: self._sums(list(names), layer) for name, names in (("part", part), ("whole", whole))}
        share = np.divide(
            sums["part"], sums["whole"], out=np.full(len(self.years), np.nan), where=sums["whole"] != 0
        )
        return pd.DataFrame({"year": self.years, **sums, "share": share})

    def _sums(self, names: list[str], layer: str) -> np.ndarray:
        flows = self.results[0].system.flows
        missing = [name for name in names if not ((flows["id"] == name) | (flows["good"] == name)).any()]
        if missing or not names:
            what = f"there is no flow or good `{missing[0]}`." if missing else "no flow is named."
            raise InputError(Problem(what, str(self.scenario.file), hint="Name flows by id, or goods."))
        return np.array([_sum_of(result, names, layer) for result in self.results])

    def passes(
        self, share: pd.DataFrame, levels: Sequence[float] = (0.1, 0.3, 0.5)
    ) -> dict[float, float | None]:
        """The first year in which a share (from `ratio`) reaches each level and stays there; None: never."""
        above = {level: (share["share"] >= level).to_numpy() for level in levels}
        lasts = {level: np.logical_and.accumulate(mine[::-1])[::-1] for level, mine in above.items()}
        return {
            level: self.years[int(mine.argmax())] if mine.any() else None for level, mine in lasts.items()
        }

    def full(self) -> dict[str, float | None]:
        """For each stock with a ``space``: the first year at whose end it holds more; None: never."""
        found: dict[str, float | None] = {}
        for book in self.books:
            space = float(book.row["space"])
            if not np.isnan(space):
                over = book.cohorts[GOOD].sum(axis=1)[book.start :] > space * (1 + NOISE)
                found[str(book.row["id"])] = self.years[int(over.argmax())] if over.any() else None
        return found

    def notes(self) -> list[str]:
        """How the stocks were kept, which are full, and what the study of the first year remarked."""
        said = [
            f"stock {b.row['id']}: {b.life}, things enter at {_ENTRY[b.row['entry']]}" for b in self.books
        ]
        said += [
            f"stock {name} is full in {year:g}" for name, year in self.full().items() if year is not None
        ]
        if (self.steps.lengths != 1).any():
            said.append(
                f"steps of {_spans(self.steps.lengths)} years; each ends with the year it is called by"
            )
        return [*said, *self.results[0].notes]

    def __repr__(self) -> str:
        variant = f", {self.scenario.variant}" if self.scenario.variant else ""
        span = f"{self.years[0]:g} to {self.years[-1]:g}"
        return f"<Simulation of {self.scenario.name['en']}{variant}: {span}, {len(self.books)} stocks>"


STOCKS = [
    *("year", "length", "stock", "at", "good", "layer", "inflow", "outflow", "level", "change"),
    *("space", "unit", "entry", "lifetime"),
]
"""Columns of `Simulation.stocks`."""

_ENTRY = {
    "start": "the start of a step",
    "middle": "the middle of a step",
    "end": "the end of a step",
    "spread": "an even rate through a step",
}


def _spans(lengths: np.ndarray) -> str:
    return ", ".join(f"{length:g}" for length in dict.fromkeys(lengths.tolist()))


def _crossing(result: Result, layer: str) -> list[float]:
    """What enters the system, what leaves it, and what its stores gain, in one layer, per year."""
    closure = result.closure(layer)
    outside = result.system.processes["outside"].to_numpy()
    flows, amount = result.system.flows, result.layer(layer)
    into = amount[outside[flows["from_at"]] & ~outside[flows["to_at"]]].sum()
    out = amount[outside[flows["to_at"]] & ~outside[flows["from_at"]]].sum()
    return [float(into), float(out), float(closure["stock_change"].sum())]


def _sum_of(result: Result, names: list[str], layer: str) -> float:
    flows = result.system.flows
    mine = flows["id"].isin(names) | flows["good"].isin(names)
    return float(result.layer(layer)[mine.to_numpy()].sum())


# ---- through the years ----


def simulate(
    scenario: Scenario | System, *, years: Iterable[float], study: Study = "auto", first: float | None = None
) -> Simulation:
    """A scenario through the years.

    Parameters
    ----------
    years : the year that each step ends with, ascending; steps may differ in length
    study : what is asked in each year, as in `balance`: ``auto``, ``solve`` or ``dispatch``
    first : length of the first step, years; without it as long as the second

    Raises
    ------
    InputError : years that do not ascend, a stock that falls faster than its cohorts leave, or one that
        gives more than it holds
    Undetermined, Contradiction, Infeasible : as the study does; the message names the year
    NotClosed : flows, cohorts and stocks that do not agree
    """
    if not isinstance(scenario, Scenario):
        hint = "Give what fs.read returns: a system has lost the numbers of the other years."
        raise InputError(Problem("simulate takes a scenario.", hint=hint))
    steps = Steps.ending(list(years), first)
    books = ledgers(scenario, steps)
    walk = _Walk(scenario, study)
    results = []
    for at, year in enumerate(steps.ends.tolist()):
        leaving = {
            str(book.row["id"]): book.leaving(book.start + at, walk.level(book, year)) for book in books
        }
        with _in_year(year):
            results.append(walk.step(year, leaving))
        for book in books:
            _enter(book, at, results[-1], leaving[str(book.row["id"])])
    made = Simulation(scenario, steps, tuple(results), tuple(books))
    _check_closed(made)
    return made


class _Walk:
    """Solves one step after the other, and keeps of the step before what still holds.

    Where only right-hand sides differ the system is not assembled again; where the matrix turns out the
    same its factorisation is used again.
    """

    def __init__(self, scenario: Scenario, study: Study):
        self.scenario, self.study = scenario, study
        self.series = all_series(scenario)
        self.levels = {one.name: one for one in self.series if (one.table, one.column) == ("stocks", "level")}
        self.simple = only_right_hand(self.series)
        self.last: Result | None = None
        self.leaving: Mapping[str, Leaving] = {}
        self.part: Determined | None = None

    def level(self, book: Ledger, year: float) -> float:
        """The level that a stock is wanted at in a year; NaN where none is."""
        one = self.levels.get(str(book.row["id"]))
        return float(book.row["level"]) if one is None else one.at(year)

    def step(self, year: float, leaving: Mapping[str, Leaving]) -> Result:
        """The result of one step."""
        last, system = self.last, self._system(year, leaving)
        if last is not None and last.study == "solve" and _same_matrix(last.system, system):
            if self.part is None:
                self.part = determine(system.matrix, system.rhs, system.rows.kind)
            self.last = solve(system, part=self.part)
        else:
            self.part = None
            self.last = balance(system, study=self.study)
        self.leaving = leaving
        return self.last

    def _system(self, year: float, leaving: Mapping[str, Leaving]) -> System:
        if self.last is not None and self.simple and same_stocks(leaving, self.leaving):
            return restated(self.last.system, year, self.series, leaving)
        return assemble(in_year(self.scenario, year, self.series), leaving)


def _same_matrix(one: System, other: System) -> bool:
    """Nothing but right-hand sides, limits and labels differ."""
    a, b = one.matrix, other.matrix
    if a is b:
        return True
    if a.shape != b.shape or len(a.data) != len(b.data):
        return False
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("indptr", "indices", "data"))


@contextmanager
def _in_year(year: float) -> Iterator[None]:
    """An error of one year names it."""
    try:
        yield
    except FlowsimError as error:
        raise type(error)([_of_year(error.problems[0], year), *error.problems[1:]]) from None


def _of_year(problem: Problem, year: float) -> Problem:
    return replace(problem, message=f"in {year:g}: {problem.message}")


def _enter(book: Ledger, at: int, result: Result, leaving: Leaving) -> None:
    """Take what a step has brought to a stock into its book, and out what was mined from it."""
    flows = result.system.flows
    into = ((flows["to"] == book.row["at"]) & (flows["good"] == leaving.good)).to_numpy()
    out = ((flows["from"] == book.row["at"]) & (flows["good"] == leaving.becomes)).to_numpy()
    if leaving.unlimited:
        book.take(book.start + at, float(result.amounts[out].sum()))
    values = {layer: result.amounts if layer == GOOD else result.layer(layer) for layer in book.cohorts}
    book.enter(book.start + at, {layer: float(value[into].sum()) for layer, value in values.items()})


def _check_closed(made: Simulation) -> None:
    """Every row of every year holds, the balance over the years closes, and books and stores agree.

    Raises
    ------
    NotClosed : names the year, layer or store
    """
    problems = []
    for year, result in zip(made.years, made.results, strict=True):
        share, row = result.largest_residual
        if share > AGREES:
            problems.append(
                Problem(f"in {year:g} a row is off by {share:.3g}: {result.system.row_text(row)}.")
            )
    for check in made.checks.to_dict("records"):
        if abs(check["share"]) > AGREES:
            problems.append(
                Problem(f"over the years {check['layer']} is off by {check['difference']:.6g} t.")
            )
    for name, gap in _gaps_of_stores(made).items():
        if gap > AGREES:
            problems.append(
                Problem(f"the cohorts of `{name}` and its flows differ by {gap:.3g} of its stock.")
            )
    if problems:
        raise NotClosed(problems)


def _gaps_of_stores(made: Simulation) -> dict[str, float]:
    """How far flows and books differ in the mass that a store has gained, where all of it is in books."""
    system = made.results[0].system
    mass = system.goods.set_index("id")["mass"]
    gaps = {}
    for store in dict.fromkeys(str(book.row["at"]) for book in made.books):
        books = [book for book in made.books if book.row["at"] == store]
        kept = {good for book in books for good in (book.row["good"], book.becomes)}
        flows = system.flows
        touching = flows["good"][(flows["from"] == store) | (flows["to"] == store)]
        if not set(touching) <= kept:
            continue
        gained = np.array([_gained(result, store) for result in made.results]) * made.steps.lengths
        level = [_standing(books, mass, at) for at in range(-1, len(made.results))]
        gap = np.abs(np.cumsum(gained) - np.diff(level).cumsum()).max()
        gaps[store] = float(gap / max(*np.abs(level), *np.abs(gained), 1e-9))
    return gaps


def _gained(result: Result, store: str) -> float:
    """Mass that the flows of a step leave in a store, per year."""
    stocks = result.stocks
    return float(stocks["change"][(stocks["process"] == store) & (stocks["layer"] == "mass")].sum())


def _standing(books: Sequence[Ledger], mass: pd.Series, at: int) -> float:
    """Mass that the books of a store hold at the end of a step; -1: before the first."""
    return sum(book.standing(book.start + at)[GOOD] * float(mass[book.row["good"]]) for book in books)
