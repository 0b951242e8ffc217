"""A programme's answer in the scenario's own language, and what the ordinary path makes of it.

The chosen links are opened with their amounts as limits and used first. Where the merit order then divides
other flows than the programme did, drawn flows and links that were open already get limits and minimums from
the programme, round by round, as few as bring the objective of the programme. If the answer is still worse
than the base, links are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flowsim.assemble import assemble
from flowsim.errors import FlowsimError
from flowsim.progress import track
from flowsim.result import Result
from flowsim.studies import balance
from flowsim.symbiosis.case import Case, link_cost, used, with_cells
from flowsim.symbiosis.objective import Objective

if TYPE_CHECKING:
    from flowsim.scenario import Scenario

SAME = 1e-6
"""Amounts that differ by less than this share are the same."""
FIRST = 0.5
"""Merit of the chosen links in the written variant: before the own chain, so that dispatch fills them."""
ROUNDS = 5
"""Most rounds in which flows get limits and minimums."""
TRIALS = 40
"""Most balances that look for links to leave out; more links are left out in groups."""
SPARED = 12
"""Most balances that look for limits and minimums that can be spared."""

Stated = dict[str, dict[str, float]]
"""Flow or link → ``limit`` and ``minimum``."""


@dataclass(frozen=True, eq=False)
class Balanced:
    """The answer as a scenario and its result.

    Attributes
    ----------
    value : the objective
    kept : shape (candidates,), which are open
    stated : limits and minimums of flows and links beside the chosen limits
    dropped : links that the programme chose and that are left out, for with them the answer is worse
    """

    scenario: Scenario
    result: Result
    value: float
    kept: np.ndarray
    stated: Mapping[str, Mapping[str, float]]
    dropped: tuple[str, ...] = ()


def rebalanced(case: Case, goal: Objective, x: np.ndarray, planned: float) -> Balanced:
    """Balance the scenario with the answer ``x`` of its programme, as near to it as the language can state.

    Parameters
    ----------
    x : shape (unknowns,) or longer, the programme's answer
    planned : the objective of the programme
    """
    before = goal.value(case.x)
    small = SAME * max(abs(planned), abs(before))
    best = _balanced(case, goal, x, used(x[case.at]), {})
    for _ in range(ROUNDS):
        lacking = _differences(case, best, x)
        wanted = set(case.links) | set(case.system.flows["id"][case.system.flows["contested"]])
        close = goal.sense * (best.value - planned) <= small
        if not lacking or (close and not set(lacking) & _chosen(case, best)):
            break
        better = _stated(case, goal, x, best, {name: lacking[name] for name in lacking if name in wanted})
        if better is None:
            break
        best = better
    best = _fewest(case, goal, x, best)
    if goal.sense * (best.value - before) > small:
        best = _without_some(case, goal, x, best, before)
    return best


def _balanced(case: Case, goal: Objective, x: np.ndarray, kept: np.ndarray, stated: Stated) -> Balanced:
    """The scenario with the kept links and what is stated, balanced.

    Raises
    ------
    FlowsimError : the limits leave no answer
    """
    mine = np.flatnonzero(kept)
    names = [case.links[at] for at in mine]
    values: dict[str, object] = {
        "open": True, "limit": x[case.at[mine]], "limit_of": "", "prefer": FIRST, "minimum": np.nan,
    }  # fmt: skip
    scenario = with_cells(case.scenario, "links", names, values)
    for table in ("links", "flows"):
        own = set(scenario.tables[table]["id"])
        for column in ("limit", "minimum"):
            rows = {name: said[column] for name, said in stated.items() if name in own and column in said}
            also: dict[str, object] = {"limit_of": ""} if column == "limit" else {}
            scenario = with_cells(
                scenario, table, list(rows), {column: np.array(list(rows.values())), **also}
            )
    result = balance(assemble(scenario))
    value = goal.value(case.of_result(result), link_cost(case, goal, kept))
    return Balanced(scenario, result, value, kept, stated)


def _chosen(case: Case, answer: Balanced) -> set[str]:
    return {case.links[at] for at in np.flatnonzero(answer.kept)}


def _differences(case: Case, answer: Balanced, x: np.ndarray) -> dict[str, tuple[str, float]]:
    """Flows that a scenario can state and that differ from the programme: the limit or minimum they need."""
    flows, found = case.system.flows, case.of_result(answer.result)
    count = len(flows)
    wanted, found = np.maximum(x[:count], 0.0), found[:count]
    size = np.maximum(wanted, 1e-6 * float(np.abs(wanted).max(initial=0.0)))
    differ = flows["contested"].to_numpy() & (np.abs(found - wanted) > SAME * size)
    tables = case.scenario.tables
    statable = flows["id"].isin([*tables["links"]["id"], *tables["flows"]["id"]]).to_numpy()
    closed = np.zeros(count, dtype=bool)
    closed[case.at[~answer.kept]] = True
    return {
        str(flows["id"].iat[at]): (
            ("limit", float(wanted[at]))
            if found[at] > wanted[at]
            else ("minimum", float(wanted[at]) * (1 - 1e-9))
        )
        for at in np.flatnonzero(differ & statable & ~closed)
    }


def _stated(
    case: Case, goal: Objective, x: np.ndarray, best: Balanced, lacking: Mapping[str, tuple[str, float]]
) -> Balanced | None:
    """The answer with these limits and minimums too; where they leave none, with the minimums, the limits, or
    those of the chosen links alone. None where all that is worse than before.
    """
    size, chosen = SAME * abs(best.value), _chosen(case, best)
    for columns, names in (
        (("limit", "minimum"), set(lacking)),
        (("minimum",), set(lacking)),
        (("limit",), set(lacking)),
        (("minimum",), chosen),
    ):
        stated = {name: dict(said) for name, said in best.stated.items()}
        for name, (column, amount) in lacking.items():
            if column in columns and name in names:
                stated.setdefault(name, {})[column] = amount
        try:
            found = _balanced(case, goal, x, best.kept, stated)
        except FlowsimError:
            continue
        if goal.sense * (found.value - best.value) <= size:
            return found
    return None


def _fewest(case: Case, goal: Objective, x: np.ndarray, full: Balanced) -> Balanced:
    """The same without limits and minimums that neither the objective nor the chosen links need: halves of
    them are left out, and halves of a half where that fails, in at most `SPARED` balances."""
    best = full
    waiting = [list(full.stated)] if full.stated else []
    for _ in range(SPARED):
        if not waiting:
            break
        spared = waiting.pop()
        left = {name: dict(said) for name, said in best.stated.items() if name not in spared}
        try:
            found = _balanced(case, goal, x, full.kept, left)
        except FlowsimError:
            found = None
        if found is not None and _as_good(case, goal, found, full):
            best = found
        elif len(spared) > 1:
            middle = len(spared) // 2
            waiting += [spared[:middle], spared[middle:]]
    return best


def _as_good(case: Case, goal: Objective, found: Balanced, full: Balanced) -> bool:
    """No worse, and the same over the chosen links."""
    mine = case.at[full.kept]
    amounts, wanted = (case.of_result(each.result)[mine] for each in (found, full))
    no_worse = goal.sense * (found.value - full.value) <= SAME * abs(full.value)
    return no_worse and bool(np.isclose(amounts, wanted, rtol=SAME).all())


def _without_some(case: Case, goal: Objective, x: np.ndarray, worse: Balanced, before: float) -> Balanced:
    """Leave out links one after another where that helps; all of them if nothing else beats the base."""
    opened = np.flatnonzero(worse.kept)
    best = worse
    for group in track(np.array_split(opened, min(len(opened), TRIALS)), "links left out"):
        kept = best.kept.copy()
        kept[group] = False
        try:
            found = _balanced(case, goal, x, kept, {})
        except FlowsimError:
            continue
        if goal.sense * (found.value - best.value) < 0:
            best = found
    if goal.sense * (best.value - before) >= 0:
        nothing = np.zeros(len(case.at), dtype=bool)
        best = Balanced(case.scenario, case.base, before, nothing, {})
    dropped = tuple(case.links[at] for at in opened if not best.kept[at])
    return Balanced(best.scenario, best.result, best.value, best.kept, best.stated, dropped)
