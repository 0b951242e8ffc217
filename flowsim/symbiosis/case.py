"""A scenario made ready for `optimise`: its base, its rows with every candidate open, and what may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from flowsim.assemble import assemble
from flowsim.errors import InputError, Problem
from flowsim.result import Result
from flowsim.studies import balance
from flowsim.studies.hold import hold
from flowsim.studies.programme import Programme, programme_of
from flowsim.symbiosis.objective import Objective
from flowsim.system import System
from flowsim.tables import nearest

if TYPE_CHECKING:
    from flowsim.scenario import Scenario

NOTHING = 1e-7
"""A link that carries less than this share of the largest flow over any link is closed."""


@dataclass(frozen=True, eq=False)
class Case:
    """A scenario made ready: its base, the system with all candidates open, and what may change.

    ``x`` is the base in the unknowns of ``system``; ``links`` are the candidates by id, ``at`` their flows.
    """

    scenario: Scenario
    base: Result
    system: System
    x: np.ndarray
    links: tuple[str, ...]
    at: np.ndarray
    programme: Programme

    @property
    def switched(self) -> np.ndarray:
        """For each candidate its switch among the columns of the programme, −1 for none."""
        column = {int(flow): self.programme.unknowns + n for n, flow in enumerate(self.programme.links)}
        return np.array([column.get(int(flow), -1) for flow in self.at], dtype=int)

    @property
    def fixed(self) -> np.ndarray:
        """CNY/a of each column of the programme: the fixed cost of a switch."""
        cost = np.zeros(len(self.programme.size))
        cost[self.programme.unknowns :] = self.system.flows["fixed_cost"].to_numpy()[self.programme.links]
        return cost

    def of_result(self, result: Result) -> np.ndarray:
        """An answer of the same scenario with other links open, in the unknowns of this system."""
        return carried(result, self.system)


def used(amounts: np.ndarray) -> np.ndarray:
    """Which amounts are more than rounding."""
    return amounts > NOTHING * max(float(np.abs(amounts).max(initial=0.0)), 1e-9)


def prepare(
    scenario: Scenario,
    links: Sequence[str] | None,
    *,
    switch_all: bool = False,
    free_activities: bool = False,
) -> Case:
    """Balance the scenario as it stands, and assemble it with the candidates open."""
    table = scenario.tables["links"]
    closed = table["id"][~table["open"].to_numpy(dtype=bool)].tolist()
    for name in links or ():
        if name not in closed:
            state = "is open already" if name in set(table["id"]) else "does not exist"
            hint = nearest(name, closed) or f"Closed links: {', '.join(closed) or 'none'}."
            raise InputError(Problem(f"link `{name}` {state}.", scenario.file, hint=hint))
    names = list(dict.fromkeys(links)) if links else closed
    if not names:
        hint = "List candidates under `links:`; `flowsim match` finds some."
        raise InputError(Problem("the scenario has no closed link to open.", scenario.file, hint=hint))
    base = balance(assemble(scenario))
    system = assemble(with_cells(scenario, "links", names, {"open": True}))
    at = system.flows.set_index("id").index.get_indexer(names)
    names, at = [name for name, flow in zip(names, at, strict=True) if flow >= 0], at[at >= 0]
    x = carried(base, system)
    _check_same(system, x, scenario)
    flows = system.flows
    new = ~flows["id"].isin(base.system.flows["id"]).to_numpy()
    held = None if free_activities else hold(system, x, new)
    minimum = system.lower[at]
    cost = flows["fixed_cost"].to_numpy()[at]
    switches = (minimum > 0) | (cost > 0) | switch_all
    programme = programme_of(system, x, at[switches], minimum[switches], held)
    return Case(scenario, base, system, x, tuple(names), at, programme)


def with_cells(scenario: Scenario, name: str, ids: Sequence[str], values: Mapping[str, object]) -> Scenario:
    """The scenario with columns of some rows of a table set, each to one value or an array in their order."""
    table = scenario.tables[name].copy()
    rows = table.set_index("id").index.get_indexer(list(ids))
    for column, value in values.items():
        cells = table[column].to_numpy().copy()
        cells[rows] = value
        table[column] = cells
    return replace(scenario, tables={**scenario.tables, name: table})


def carried(result: Result, system: System) -> np.ndarray:
    """The unknowns of a result in the order of another system of the same scenario; what it lacks is 0."""
    import pandas as pd

    def keys(other: System) -> pd.Index:
        flow = other.unknown_kind == "flow"
        flows = other.flows["id"].to_numpy(dtype=object)
        places = other.processes["id"].to_numpy(dtype=object)
        name = np.empty(len(flow), dtype=object)
        name[flow] = flows[other.unknown_at[flow]]
        name[~flow] = places[other.unknown_at[~flow]]
        return pd.Index(other.unknown_kind + "|" + name + "|" + other.unknown_layer)

    at = keys(result.system).get_indexer(keys(system))
    return np.where(at >= 0, np.nan_to_num(np.append(result.x, 0.0)[at]), 0.0)


def _check_same(system: System, x: np.ndarray, scenario: Scenario) -> None:
    """The base must be an answer of the system with the links open and empty."""
    size = np.maximum(abs(system.matrix) @ np.abs(x) + np.abs(system.rhs), 1.0)
    wrong = np.flatnonzero(np.abs(system.matrix @ x - system.rhs) > 1e-7 * size)
    if len(wrong):
        row = int(wrong[0])
        message = f"a candidate link changes what closes by rule: {system.row_text(row)}."
        hint = "Draw the flow that it stands beside (from the market, or to its way out)."
        raise InputError(Problem(message, scenario.file, hint=hint))


def blank_result(case: Case) -> Result:
    """The base as a result of the system with the links open."""
    return Result(case.system, case.x, case.x, case.x, "dispatch", np.zeros(len(case.x), dtype=bool))


def limited(case: Case, programme: Programme, budget: float | None, max_links: int | None) -> Programme:
    """The programme with a budget, and with a largest number of links."""
    if budget is not None:
        if not budget >= 0:
            raise InputError(
                Problem(f"a budget of {budget:g} CNY/a is less than nothing.", hint="Leave it out.")
            )
        entries = case.fixed.copy()
        entries[case.at] += case.system.flows["unit_cost"].to_numpy()[case.at]
        programme = programme.with_row(entries, budget)
    if max_links is not None:
        entries = np.zeros(len(programme.size))
        entries[programme.unknowns :] = 1.0
        programme = programme.with_row(entries, float(max_links))
    return programme


def closed(case: Case, programme: Programme, links: np.ndarray | None = None) -> Programme:
    """The programme with some candidates closed; without ``links`` all of them."""
    upper, lower = programme.upper.copy(), programme.lower.copy()
    shut = np.ones(len(case.at), dtype=bool) if links is None else links
    upper[case.at[shut]] = 0.0
    switches = case.switched[shut]
    upper[switches[switches >= 0]] = 0.0
    return programme.with_bounds(lower, upper)


def columns_of(case: Case, goal: Objective) -> tuple[np.ndarray, np.ndarray | None]:
    """Numerator and denominator over the columns of the programme; money counts the fixed costs."""
    none = np.zeros(len(case.programme.links))
    top = np.concatenate([goal.top, none])
    if goal.name == "cost":
        top = top + case.fixed
    return top, None if goal.bottom is None else np.concatenate([goal.bottom, none])


def spent(case: Case, goal: Objective, x: np.ndarray) -> float:
    """CNY/a of fixed cost that the objective counts."""
    return float(case.fixed @ np.round(x)) if goal.name == "cost" else 0.0


def link_cost(case: Case, goal: Objective, opened: np.ndarray) -> float:
    """The same for these candidates; ``opened`` has shape (candidates,)."""
    return (
        float(case.system.flows["fixed_cost"].to_numpy()[case.at[opened]].sum())
        if goal.name == "cost"
        else 0.0
    )


def figure(case: Case, goal: Objective, x: np.ndarray) -> float:
    """The objective as its reader knows it."""
    return goal.value(x[: case.programme.unknowns], spent(case, goal, x))
