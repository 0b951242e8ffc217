"""`optimise`: which links to open, and how much flows over each, for the best of an objective.

A linear programme on the rows of the system with every candidate link open, with a switch (0 or 1) on links
that cost something to have, must carry a minimum, or are counted: a mixed-integer one. A ratio of sums is
optimised by Dinkelbach's method (1967, Management Science 13): the least of ``N − q D`` for a rising q. What
an optimum must leave as it is stands in `flowsim.studies.hold`. The chosen links are then written into the
scenario and balanced by the ordinary path; that answer is the one reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from flowsim.assemble import assemble
from flowsim.errors import FlowsimError, Infeasible, InputError, Problem
from flowsim.result import Result
from flowsim.studies import balance
from flowsim.studies.hold import hold
from flowsim.studies.lack import infeasible_problems
from flowsim.studies.programme import GAP, UNLIMITED, Answer, NoAnswer, Programme, programme_of
from flowsim.symbiosis.objective import Objective, objective_of
from flowsim.system import System
from flowsim.tables import nearest

if TYPE_CHECKING:
    from flowsim.scenario import Scenario

NOTHING = 1e-7
"""A link that carries less than this share of the largest flow over any link is closed."""
SAME = 1e-6
"""Amounts that differ by less than this share are the same."""
FIRST = 0.5
"""Merit of the chosen links in the written variant: before the own chain, so that dispatch fills them."""
ROUNDS = 30
"""Most steps of Dinkelbach's method; it takes three to six."""


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


@dataclass(frozen=True, eq=False)
class Optimum:
    """The answer of `optimise`.

    Attributes
    ----------
    base, result : the scenario as it stands, and with the chosen links, both balanced by the ordinary path
    chosen : the scenario of ``result``
    before, after : the objective of the two; ``planned`` that of the programme, ``bound`` what it proved
    unlinked : the best that could be had without opening any link
    answer : the programme's own answer; ``programme`` has its switches held
    """

    case: Case
    objective: Objective
    programme: Programme
    answer: Answer
    before: float
    planned: float
    bound: float
    unlinked: float
    after: float
    result: Result
    chosen: Scenario
    options: Mapping[str, object]
    notes: tuple[str, ...] = ()

    @property
    def base(self) -> Result:
        return self.case.base

    @property
    def amounts(self) -> np.ndarray:
        """What the programme sends over each candidate, in the unit of its good per year."""
        return self.answer.x[self.case.at]

    @property
    def balanced(self) -> np.ndarray:
        """What the balanced answer sends over each candidate."""
        return self.case.of_result(self.result)[self.case.at]

    @property
    def opened(self) -> np.ndarray:
        """Which candidates are open."""
        return used(self.amounts)

    @property
    def gap(self) -> float:
        """How far the programme's answer may be from the best, as a share."""
        return abs(self.planned - self.bound) / max(abs(self.planned), 1e-12)


def used(amounts: np.ndarray) -> np.ndarray:
    """Which amounts are more than rounding."""
    return amounts > NOTHING * max(float(np.abs(amounts).max(initial=0.0)), 1e-9)


def optimise(
    scenario: Scenario,
    *,
    objective: str = "cost",
    budget: float | None = None,
    max_links: int | None = None,
    links: Sequence[str] | None = None,
    free_activities: bool = False,
    sets: Mapping[str, str] | None = None,
) -> Optimum:
    """The links to open and what flows over them.

    Parameters
    ----------
    objective : cost, virgin, waste, water, co2, or the id of an indicator that is a (ratio of) sums of flows
    budget : the most that the opened links may cost in all, CNY/a: fixed cost, cost per unit and freight
    max_links : the most links that may be opened; those that are open already do not count
    links : the candidates; without it all closed links of the scenario
    free_activities : do not hold what the base has bought, sold and thrown away (`flowsim.studies.hold`)
    sets : sets of factors, as indicators take them

    Raises
    ------
    InputError : no candidate, an unknown link or objective, or an objective that is not linear in the flows
    Infeasible : the scenario itself has no answer, or nothing bounds the objective
    """
    case = prepare(scenario, links, switch_all=max_links is not None, free_activities=free_activities)
    goal = objective_of(
        blank_result(case),
        objective, case.system.flows["unit_cost"].to_numpy(), sets,
    )  # fmt: skip
    programme = limited(case, case.programme, budget, max_links)
    answer = best(case, goal, programme)
    bound = answer.bound
    alone = best(case, goal, closed(case, programme))
    programme = programme.switched(answer.x)
    answer = tidied(case, goal, programme, answer)
    chosen, result = rebalanced(case, answer)
    options = {
        "objective": objective, "budget": budget, "max_links": max_links, "links": list(case.links),
        "free_activities": free_activities,
    }  # fmt: skip
    return Optimum(
        case, goal, programme, answer,
        before=goal.value(case.x), planned=figure(case, goal, answer.x),
        bound=figure(case, goal, answer.x) if goal.bottom is not None else goal.scale * goal.sense * bound,
        unlinked=figure(case, goal, alone.x),
        after=goal.value(case.of_result(result), spent(case, goal, answer.x)),
        result=result, chosen=chosen, options=options,
    )  # fmt: skip


# ---- the case ----


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
    system = assemble(with_links(scenario, names, {"open": True}))
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


def with_links(scenario: Scenario, names: Sequence[str], values: Mapping[str, object]) -> Scenario:
    """The scenario with columns of some links set; a value is one for all, or an array in their order."""
    table = scenario.tables["links"].copy()
    rows = table.set_index("id").index.get_indexer(list(names))
    for column, value in values.items():
        cells = table[column].to_numpy().copy()
        cells[rows] = value
        table[column] = cells
    return replace(scenario, tables={**scenario.tables, "links": table})


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


# ---- the optimum ----


def best(case: Case, goal: Objective, programme: Programme, gap: float = GAP) -> Answer:
    """The optimum of an objective; a ratio by Dinkelbach's steps from the base.

    Raises
    ------
    Infeasible : limits leave no answer, or nothing bounds the objective
    InputError : a ratio whose denominator could fall to 0
    """
    top, bottom = columns_of(case, goal)
    try:
        if bottom is None:
            return programme.minimise(goal.sense * top, gap)
        least = programme.minimise(bottom)
        if least.value <= 1e-9 * float(np.abs(bottom) @ np.abs(least.x)):
            hint = "Optimise its numerator, or hold more of the scenario by facts."
            message = f"the denominator of `{goal.indicator.id}` could fall to 0."
            raise InputError(Problem(message, case.scenario.file, hint=hint))
        answer, rate = least, float(top @ least.x) / least.value
        for _ in range(ROUNDS):
            answer = programme.minimise(goal.sense * (top - rate * bottom), gap)
            size = float(bottom @ answer.x)
            rate, before = float(top @ answer.x) / size, rate
            if abs(rate - before) <= 1e-10 * max(abs(rate), 1e-12):
                break
        return answer
    except NoAnswer as none:
        raise Infeasible(_no_answer(case, goal, programme, none)) from None


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


def figure(case: Case, goal: Objective, x: np.ndarray) -> float:
    """The objective as its reader knows it."""
    return goal.value(x[: case.programme.unknowns], spent(case, goal, x))


def _no_answer(case: Case, goal: Objective, programme: Programme, none: NoAnswer) -> list[Problem]:
    if none.status == 2:
        return infeasible_problems(case.system)
    if none.status != 3:
        return [Problem(f"HiGHS stopped: {none}", case.scenario.file)]
    most = UNLIMITED * float(programme.size.max())
    bounded = programme.with_bounds(upper=np.minimum(programme.upper, most))
    found = bounded.minimise(goal.sense * columns_of(case, goal)[0]).x[: programme.unknowns]
    system = case.system
    runs = np.flatnonzero((system.unknown_kind == "activity") & (found > 0.01 * most))
    names = ", ".join(system.processes["id"].iloc[system.unknown_at[runs[:5]]]) or "a flow from outside"
    hint = "Give it a capacity, a stated activity, or limits; or leave out `--free-activities`."
    return [Problem(f"nothing bounds {names}, so `{goal.name}` has no best.", case.scenario.file, hint=hint)]


def tidied(case: Case, goal: Objective, programme: Programme, answer: Answer) -> Answer:
    """Of all answers as good as this one, that which uses links least and follows the merit order else."""
    flows = case.system.flows
    links, merit = np.zeros(len(programme.size)), np.zeros(len(programme.size))
    links[case.at] = 1.0
    merit[: len(flows)] = np.where(flows["contested"], flows["level"].to_numpy(), 0.0)
    return replace(answer, x=in_turn(programme, answer, links / programme.size, merit / programme.size))


def in_turn(programme: Programme, answer: Answer, *costs: np.ndarray) -> np.ndarray:
    """Of all answers as good as this one the least of each cost in turn."""
    for cost in costs:
        programme = programme.at_best(answer)
        try:
            answer = programme.minimise(cost)
        except NoAnswer:
            break
    return answer.x


# ---- the ordinary path ----


def rebalanced(case: Case, answer: Answer) -> tuple[Scenario, Result]:
    """The scenario with the chosen links, limited to the chosen amounts and used first, balanced.

    Links that the merit order would still fill otherwise are held by a minimum as well.
    """
    amounts = answer.x[case.at]
    mine = np.flatnonzero(used(amounts))
    names = [case.links[at] for at in mine]
    wanted = amounts[mine]
    said: dict[str, object] = {
        "open": True, "limit": wanted, "limit_of": "", "prefer": FIRST, "minimum": np.nan,
    }  # fmt: skip
    chosen = with_links(case.scenario, names, said)
    result = balance(assemble(chosen))
    found = carried(result, case.system)[case.at[mine]]
    differs = np.abs(found - wanted) > SAME * np.maximum(wanted, 1e-9)
    if differs.any():
        floor = np.where(differs, wanted * (1 - 1e-9), np.nan)
        firmer = with_links(chosen, names, {"minimum": floor})
        try:
            return firmer, balance(assemble(firmer))
        except FlowsimError:
            pass
    return chosen, result
