"""A programme: the rows of a system with switches on links, as arrays straight into HiGHS.

``min c x + d y`` over the flows x and one switch y (0 or 1) for each link that has a fixed cost, a minimum
when open, or counts against a largest number of links: ``m y <= x <= U y``. U is the limit of the link or
what its ends can bring at most, so that the relaxation is tight. Branch and bound chooses the switches; then
they are fixed and the programme is solved again as a linear one, which gives digits and shadow prices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, diags_array, hstack, vstack

from flowsim.progress import track
from flowsim.studies.dispatch import reach
from flowsim.system import System

FEASIBLE = 1e-9
"""Tolerance of HiGHS on rows and bounds, as a share of the usual size of each."""
GAP = 1e-6
"""Relative gap at which branch and bound stops."""
MATTERS = 1e-7
"""A dual value above this binds; rows, columns and objective are then scaled to about 1."""
SWITCHED = 0.5
UNLIMITED = 1e4
"""An amount that nothing bounds is taken to be at most this many times the largest of the base."""


class NoAnswer(Exception):
    """HiGHS found none: ``status`` 2 infeasible, 3 unbounded, else stopped. Never leaves the studies."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """An optimum. ``x`` are the unknowns and then the switches; ``bound`` is what branch and bound proved.

    ``rows`` and ``upper`` are the derivatives of the objective by the right-hand sides of the rows and by the
    upper bounds, switches being held. ``tight_rows``, ``at_lower`` and ``at_upper`` mark what every answer as
    good as this one keeps (complementary slackness).
    """

    x: np.ndarray
    value: float
    bound: float
    rows: np.ndarray
    upper: np.ndarray
    tight_rows: np.ndarray
    at_lower: np.ndarray
    at_upper: np.ndarray


@dataclass(frozen=True, eq=False)
class Programme:
    """``low <= A z <= high``, ``lower <= z <= upper``; z are the unknowns of a system, then the switches.

    ``links`` are the flows that the switches open, ``size`` is the usual size of each column, ``gates`` the
    rows ``x − U y <= 0`` of the switches.
    """

    system: System
    matrix: csr_array
    low: np.ndarray
    high: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    size: np.ndarray
    links: np.ndarray
    gates: np.ndarray

    @property
    def unknowns(self) -> int:
        """Columns that are unknowns of the system; the switches follow."""
        return len(self.size) - len(self.links)

    def with_row(self, entries: np.ndarray, high: float) -> Programme:
        """The same with one more row ``entries z <= high``."""
        row = csr_array(entries[None, :])
        matrix = csr_array(vstack([self.matrix, row]))
        return replace(self, matrix=matrix, low=np.append(self.low, -np.inf), high=np.append(self.high, high))

    def with_bounds(self, lower: np.ndarray | None = None, upper: np.ndarray | None = None) -> Programme:
        """The same with other bounds."""
        return replace(
            self,
            lower=self.lower if lower is None else lower,
            upper=self.upper if upper is None else upper,
        )

    def switched(self, x: np.ndarray) -> Programme:
        """The same with every switch held as in x; an open link is then bounded by its limit alone."""
        on = np.round(x[self.unknowns :])
        lower, upper, high = self.lower.copy(), self.upper.copy(), self.high.copy()
        lower[self.unknowns :] = upper[self.unknowns :] = on
        upper[self.links] = np.where(on > SWITCHED, upper[self.links], 0.0)
        high[self.gates] = np.inf
        return replace(self, lower=lower, upper=upper, high=high)

    def at_best(self, answer: Answer) -> Programme:
        """The same, held to all answers that are as good as one of its own."""
        rows = answer.rows[answer.tight_rows]
        low, high = self.low.copy(), self.high.copy()
        tight = np.flatnonzero(answer.tight_rows)
        low[tight] = high[tight] = np.where(rows <= 0, self.high[tight], self.low[tight])
        lower = np.where(answer.at_upper, self.upper, self.lower)
        upper = np.where(answer.at_lower, self.lower, self.upper)
        return replace(self, low=low, high=high, lower=lower, upper=upper)

    @cached_property
    def _scaled(self) -> tuple[csr_array, np.ndarray, np.ndarray, np.ndarray]:
        """Rows in columns of usual size 1 with largest entry 1, their bounds, and the size of each row."""
        wide = csr_array(self.matrix @ diags_array(self.size))
        height = np.asarray(abs(wide).max(axis=1).todense()).ravel()
        height = np.where(height > 0, height, 1.0)
        return csr_array(diags_array(1 / height) @ wide), self.low / height, self.high / height, height

    def minimise(self, cost: np.ndarray, gap: float = GAP) -> Answer:
        """The least of ``cost z``.

        Raises
        ------
        NoAnswer : infeasible, unbounded, or stopped by HiGHS
        """
        free = self.upper[self.unknowns :] > self.lower[self.unknowns :]
        if not free.any():
            return self._linear(cost)
        found, scale = self._branch(cost, gap)
        answer = self.switched(found.x * self.size)._linear(cost)
        bound = found.mip_dual_bound
        return replace(answer, bound=answer.value if bound is None else min(bound * scale, answer.value))

    def _branch(self, cost: np.ndarray, gap: float) -> tuple[Any, float]:
        from scipy.optimize import Bounds, LinearConstraint, milp

        matrix, low, high, _ = self._scaled
        goal, scale = self._cost(cost)
        whole = np.zeros(len(self.size))
        whole[self.unknowns :] = 1
        found = milp(
            goal,
            integrality=whole,
            bounds=Bounds(self.lower / self.size, self.upper / self.size),
            constraints=LinearConstraint(matrix, low, high),
            options={"mip_rel_gap": gap},
        )
        if found.x is None:
            raise NoAnswer(int(found.status), str(found.message))
        return found, scale

    def _cost(self, cost: np.ndarray) -> tuple[np.ndarray, float]:
        goal = cost * self.size
        scale = float(np.abs(goal).max(initial=0.0)) or 1.0
        return goal / scale, scale

    def _linear(self, cost: np.ndarray) -> Answer:
        from scipy.optimize import linprog

        matrix, low, high, height = self._scaled
        goal, scale = self._cost(cost)
        equal = low == high
        over, under = ~equal & np.isfinite(high), ~equal & np.isfinite(low)
        found = linprog(
            goal,
            A_ub=vstack([matrix[over], -matrix[under]]),
            b_ub=np.concatenate([high[over], -low[under]]),
            A_eq=matrix[equal],
            b_eq=low[equal],
            bounds=np.column_stack([self.lower / self.size, self.upper / self.size]),
            method="highs",
            options={
                "primal_feasibility_tolerance": FEASIBLE,
                "dual_feasibility_tolerance": FEASIBLE,
            },
        )
        if found.status != 0:
            raise NoAnswer(int(found.status), str(found.message))
        rows = np.zeros(len(low))
        rows[equal] = found.eqlin.marginals
        split = int(over.sum())
        rows[over] += found.ineqlin.marginals[:split]
        rows[under] -= found.ineqlin.marginals[split:]
        x = found.x * self.size
        value = float(cost @ x)
        at_upper = found.upper.marginals < -MATTERS
        return Answer(
            x=x,
            value=value,
            bound=value,
            rows=rows * scale / height,
            upper=found.upper.marginals * scale / self.size,
            tight_rows=(np.abs(rows) > MATTERS) & ~equal,
            at_lower=(found.lower.marginals > MATTERS) & ~at_upper,
            at_upper=at_upper,
        )


def programme_of(
    system: System,
    base: np.ndarray,
    switches: np.ndarray,
    minimum: np.ndarray,
    held: tuple[csr_array, np.ndarray, np.ndarray] | None,
) -> Programme:
    """The programme of a system with all links open.

    Parameters
    ----------
    base : shape (unknowns,), amounts that give each column its usual size
    switches : positions of the flows that can be switched off
    minimum : shape (switches,), the least amount of each when it is open
    held : rows ``G x <= h`` and upper bounds from `hold`, or None
    """
    count, unknowns = len(switches), system.matrix.shape[1]
    lower, upper = system.lower.copy(), system.upper.copy()
    lower[switches] = 0.0
    extra, limits = csr_array((0, unknowns)), np.empty(0)
    if held is not None:
        extra, limits, most = held
        upper = np.minimum(upper, most)
    size = _sizes(base, upper)
    most = _most(system, upper, switches)
    if not np.isfinite(most).all():
        plain = programme_of(system, base, switches[:0], minimum[:0], held)
        most = _bounded(plain, switches, most, UNLIMITED * float(np.abs(base).max(initial=1.0)))
    at = np.arange(count)
    pick = csr_array((np.ones(count), (at, switches)), shape=(count, unknowns))
    least = np.flatnonzero(minimum > 0)
    matrix = vstack(
        [
            hstack([system.matrix, csr_array((system.matrix.shape[0], count))]),
            hstack([system.upper_matrix, csr_array((system.upper_matrix.shape[0], count))]),
            hstack([extra, csr_array((extra.shape[0], count))]),
            hstack([pick, -diags_array(most, shape=(count, count))]),
            hstack([-pick[least], diags_array(minimum, shape=(count, count)).tocsr()[least]]),
        ]
    )
    ceiling = np.concatenate([system.upper_rhs, limits, np.zeros(count + len(least))])
    return Programme(
        system,
        csr_array(matrix),
        np.concatenate([system.rhs, np.full(len(ceiling), -np.inf)]),
        np.concatenate([system.rhs, ceiling]),
        np.concatenate([lower, np.zeros(count)]),
        np.concatenate([upper, np.ones(count)]),
        np.concatenate([size, np.ones(count)]),
        switches,
        system.matrix.shape[0] + system.upper_matrix.shape[0] + extra.shape[0] + at,
    )


def _sizes(base: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """The usual size of each column: its amount in the base, else its bound, else the median amount."""
    amounts = np.abs(base)
    some = amounts > 1e-9 * amounts.max(initial=0.0)
    middle = float(np.median(amounts[some])) if some.any() else 1.0
    bounded = np.isfinite(upper) & (upper > 0)
    return np.where(some, amounts, np.where(bounded, upper, middle))


def _most(system: System, upper: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The most that each chosen flow could carry by its limit and by what its ends can bring and take."""
    given = np.flatnonzero(system.rows.kind == "given")
    stated = system.upper.copy()
    lines = csr_array(system.matrix[given])
    alone = np.flatnonzero(np.diff(lines.indptr) == 1)
    at = lines.indptr[alone]
    amount = system.rhs[given[alone]] / lines.data[at]
    stated[lines.indices[at]] = np.minimum(stated[lines.indices[at]], amount)
    known = replace(system, upper=stated)
    ends = [reach(known, end, node) for end, node in (("from_at", "out_node"), ("to_at", "in_node"))]
    return np.minimum.reduce([upper[: len(system.flows)], *ends])[chosen]


def _bounded(plain: Programme, chosen: np.ndarray, most: np.ndarray, unlimited: float) -> np.ndarray:
    """The same, with the largest amount that all rows allow where no single limit says it."""
    most = most.copy()
    for at in track(np.flatnonzero(~np.isfinite(most)).tolist(), "limits"):
        cost = np.zeros(len(plain.size))
        cost[chosen[at]] = -1.0
        try:
            most[at] = max(float(plain.minimise(cost).x[chosen[at]]), 0.0) * (1 + GAP)
        except NoAnswer:
            most[at] = unlimited
    return most
