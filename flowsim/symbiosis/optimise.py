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

from flowsim.errors import Infeasible, InputError, Problem
from flowsim.result import Result
from flowsim.studies.lack import infeasible_problems
from flowsim.studies.programme import GAP, UNLIMITED, Answer, NoAnswer, Programme
from flowsim.symbiosis.case import Case, blank_result, closed, columns_of, figure, limited, prepare
from flowsim.symbiosis.objective import Objective, objective_of
from flowsim.symbiosis.rebalance import Balanced, rebalanced

if TYPE_CHECKING:
    from flowsim.scenario import Scenario

ROUNDS = 30
"""Most steps of Dinkelbach's method; it takes three to six."""


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
    balance : the scenario that states the answer, its result, and which links it leaves out
    """

    case: Case
    objective: Objective
    programme: Programme
    answer: Answer
    before: float
    planned: float
    bound: float
    unlinked: float
    balance: Balanced
    options: Mapping[str, object]

    @property
    def base(self) -> Result:
        return self.case.base

    @property
    def after(self) -> float:
        return self.balance.value

    @property
    def result(self) -> Result:
        return self.balance.result

    @property
    def chosen(self) -> Scenario:
        return self.balance.scenario

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
        return self.balance.kept

    @property
    def gap(self) -> float:
        """How far the programme's answer may be from the best, as a share."""
        return abs(self.planned - self.bound) / max(abs(self.planned), 1e-12)


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
    bound = goal.scale * goal.sense * answer.bound
    alone = best(case, goal, closed(case, programme))
    programme = programme.switched(answer.x)
    answer = tidied(case, goal, programme, answer)
    planned = figure(case, goal, answer.x)
    options = {
        "objective": objective, "budget": budget, "max_links": max_links, "links": list(case.links),
        "free_activities": free_activities,
    }  # fmt: skip
    return Optimum(
        case, goal, programme, answer,
        before=goal.value(case.x), planned=planned, bound=bound, unlinked=figure(case, goal, alone.x),
        balance=rebalanced(case, goal, answer.x, planned), options=options,
    )  # fmt: skip


# ---- the optimum ----


def best(case: Case, goal: Objective, programme: Programme, gap: float = GAP) -> Answer:
    """The optimum of an objective; a ratio by Dinkelbach's steps from the least of its denominator.

    ``bound`` of the answer is that of the objective before its scale, turned so that less is better. For a
    ratio, ``s (N − q D) >= b`` gives ``s N / D >= s q + b / D``, and since b is at most 0 (the answer before
    has 0) the least D gives the bound.

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
        return replace(answer, bound=goal.sense * before + min(answer.bound, 0.0) / least.bound)
    except NoAnswer as none:
        raise Infeasible(_no_answer(case, goal, programme, none)) from None


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
