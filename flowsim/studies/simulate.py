"""`simulate`: a system through the years, its stocks and cohorts linking one year to the next.

In every step the cohorts of the past say what leaves each stock; that is the right-hand side of one row a
stock, and the whole system, recycling loops included, is solved or dispatched as in a single year. Then the
books take in what has entered. The factorisation of a step serves the next one as long as only right-hand
sides differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from flowsim.assemble import assemble
from flowsim.cohorts import Steps
from flowsim.errors import FlowsimError, InputError, NotClosed, Problem
from flowsim.progress import track
from flowsim.result import Result
from flowsim.scenario import Scenario
from flowsim.series import all_series, in_year
from flowsim.stocks import GOOD, Leaving, Ledger, ledgers
from flowsim.studies import Study, balance
from flowsim.studies.restate import only_right_hand, restated, same_stocks
from flowsim.studies.solve import AGREES, Determined, determine, solve
from flowsim.studies.years import Simulation
from flowsim.system import System

if TYPE_CHECKING:
    import pandas as pd


def simulate(
    system: System | Scenario, *, years: Iterable[float], study: Study = "auto", first: float | None = None
) -> Simulation:
    """A system through the years.

    Parameters
    ----------
    system : what `assemble` returns, which keeps its scenario; or the scenario itself, which is the same
    years : the year that each step ends with, ascending; steps may differ in length
    study : what is asked in each year, as in `balance`: ``auto``, ``solve`` or ``dispatch``
    first : length of the first step, years; without it as long as the second

    Raises
    ------
    InputError : a system that was loaded, years that do not ascend, or a stock that falls faster than its
        cohorts leave
    Undetermined, Contradiction, Infeasible : as the study does; the message names the year. A stock that
        gives more than it holds, or is full and nothing else takes the rest, is Infeasible
    NotClosed : flows, cohorts and stocks that do not agree
    """
    scenario = system.scenario if isinstance(system, System) else system
    if scenario is None:
        hint = "Give what fs.assemble or fs.read returns."
        message = "a system that was loaded does not say what changes over the years."
        raise InputError(Problem(message, hint=hint))
    steps = Steps.ending(list(years), first)
    books = ledgers(scenario, steps)
    walk = _Walk(scenario, study)
    results = []
    for at, year in enumerate(track(steps.ends.tolist(), "years")):
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
        dated = scenario.tables["links"]["earliest"].notna().any()
        self.simple = only_right_hand(self.series) and not dated
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
        system = assemble(in_year(self.scenario, year, self.series), leaving)
        return replace(system, scenario=self.scenario)


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
