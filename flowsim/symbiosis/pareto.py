"""The Pareto front of two objectives, by the ε-constraint method.

Haimes, Lasdon and Wismer (1971, IEEE Transactions on Systems, Man and Cybernetics 1): the first objective is
made best under a falling ceiling on the second, and among answers as good the second is made best, so that
no point is beaten in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.progress import track
from flowsim.studies.programme import Programme
from flowsim.symbiosis.case import Case, blank_result, columns_of, figure, limited, prepare, used
from flowsim.symbiosis.objective import Objective, objective_of
from flowsim.symbiosis.optimise import best, in_turn

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.scenario import Scenario

SAME = 1e-7
"""Points closer than this share of the span are one."""


@dataclass(frozen=True)
class Point:
    """One answer on the front: both objectives, and what flows over each open link."""

    first: float
    second: float
    amounts: np.ndarray

    @property
    def opened(self) -> np.ndarray:
        return used(self.amounts)


@dataclass(frozen=True, eq=False)
class Front:
    """Both objectives, the base, and the points from the best of the first to the best of the second."""

    case: Case
    first: Objective
    second: Objective
    base: tuple[float, float]
    points: tuple[Point, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row a point: both objectives, the number of open links and their names."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for point in self.points:
            names = [name for name, on in zip(self.case.links, point.opened, strict=True) if on]
            rows.append(
                {
                    self.first.name: point.first,
                    self.second.name: point.second,
                    "links": len(names),
                    "open": ", ".join(names),
                }
            )
        return pd.DataFrame(rows, columns=[self.first.name, self.second.name, "links", "open"])


def pareto(
    scenario: Scenario,
    objectives: Sequence[str],
    *,
    points: int = 12,
    budget: float | None = None,
    max_links: int | None = None,
    links: Sequence[str] | None = None,
    free_activities: bool = False,
    sets: Mapping[str, str] | None = None,
) -> Front:
    """The front of two objectives; the other arguments are those of `optimise`.

    Raises
    ------
    InputError : not two objectives, fewer than two points, or a first objective that is a ratio of flows
    Infeasible : as `optimise`
    """
    if len(objectives) != 2 or objectives[0] == objectives[1]:
        raise InputError(
            Problem("a front needs two different objectives.", hint="Write `--pareto cost,waste`.")
        )
    if points < 2:
        raise InputError(Problem("a front needs at least two points.", hint="Write `--points 12`."))
    case = prepare(scenario, links, switch_all=max_links is not None, free_activities=free_activities)
    blank = blank_result(case)
    cost = case.system.flows["unit_cost"].to_numpy()
    first, second = (objective_of(blank, name, cost, sets) for name in objectives)
    if second.bottom is not None:
        hint = "Put the ratio first, or use its numerator."
        raise InputError(
            Problem(f"`{second.name}` is a ratio and cannot be the second objective.", hint=hint)
        )
    programme = limited(case, case.programme, budget, max_links)
    entries = second.sense * columns_of(case, second)[0]
    ends = [_at_least(case, goal, programme, entries) for goal in (first, second)]
    slack = 1e-9 * max(float(np.abs(entries) @ np.abs(end)) for end in ends)
    highest, lowest = (float(entries @ end) for end in ends)
    found = []
    for ceiling in track(np.linspace(highest, lowest, points), "front", points):
        x = _at_least(case, first, programme.with_row(entries, float(ceiling) + slack), entries)
        found.append(Point(figure(case, first, x), figure(case, second, x), x[case.at]))
    base = (first.value(case.x), second.value(case.x))
    return Front(case, first, second, base, _kept(found, first, second))


def _at_least(case: Case, goal: Objective, programme: Programme, entries: np.ndarray) -> np.ndarray:
    """The best of an objective, and among answers as good the least of the entries."""
    polished = programme.switched(best(case, goal, programme).x)
    links = np.zeros(len(polished.size))
    links[case.at] = 1.0 / polished.size[case.at]
    return in_turn(polished, best(case, goal, polished), entries, links)


def _kept(points: list[Point], first: Objective, second: Objective) -> tuple[Point, ...]:
    """The points that no other beats, each once, from the best of the first on."""
    if not points:
        return ()
    values = np.array([(first.sense * p.first, second.sense * p.second) for p in points])
    span = np.maximum(np.ptp(values, axis=0), 1e-12 * np.abs(values).max(axis=0) + 1e-300)
    kept: list[int] = []
    for at in np.lexsort((values[:, 1], values[:, 0])):
        worse = all(values[at, 1] < values[other, 1] - SAME * span[1] for other in kept)
        if worse or not kept:
            kept.append(int(at))
    return tuple(points[at] for at in kept)
