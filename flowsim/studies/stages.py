"""Stages: one linear programme after another over the same rows, each keeping what the one before reached.

After each stage the variables whose reduced cost is not zero stay at their bound (Isermann, 1982, OR Spektrum
4): every answer that keeps to them is as good. What bounds and rows then determine is settled and leaves the
programme, so that later stages are small.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array, eye_array, hstack, vstack

from flowsim.errors import Infeasible, Problem
from flowsim.studies.lack import infeasible_problems
from flowsim.studies.solve import Singular, determine, determines
from flowsim.studies.structure import decompose
from flowsim.system import System

REDUCED_COST = 1e-7
"""A reduced cost above this keeps a variable at its bound in later stages."""
SAME = 1e-6
"""Two end points are the same when no value differs by more than this share of the largest."""


class Stages:
    """The linear programme ``A x = b, G x + s = h`` with bounds that tighten from stage to stage.

    After each stage the columns that bounds and rows have come to fix are settled: later stages see only
    the ``open`` ones, and the rows ``left x[open] = due`` that speak of them.
    """

    def __init__(self, system: System):
        self.system = system
        self.size = system.matrix.shape[1]
        slack = system.upper_matrix.shape[0]
        top = hstack([system.matrix, csr_array((system.matrix.shape[0], slack))])
        bottom = hstack([system.upper_matrix, eye_array(slack)])
        self.matrix = csr_array(vstack([top, bottom]))
        self.rhs = np.concatenate([system.rhs, system.upper_rhs])
        self.lower = np.concatenate([system.lower, np.zeros(slack)])
        self.upper = np.concatenate([system.upper, np.full(slack, np.inf)])
        finite = np.concatenate([self.rhs, self.upper[np.isfinite(self.upper)]])
        self.scale = float(np.abs(finite).max(initial=1.0)) or 1.0
        self.values = np.zeros(len(self.lower))
        self.open = np.arange(len(self.lower))
        self.left, self.due = self.matrix, self.rhs

    def start(self) -> None:
        """Any answer, so that what has only one is settled before the first stage."""
        self._run(np.zeros(len(self.open)), self.left, self.due)
        self.settle()

    def minimise(self, chosen: np.ndarray) -> None:
        """One stage: make the sum of the chosen flows least, and keep what that needs."""
        if not self._loose(chosen).any():
            return
        cost = np.zeros(len(self.lower))
        cost[chosen] = 1.0
        self._run(cost[self.open], self.left, self.due)
        self.settle()

    def _loose(self, columns: np.ndarray) -> np.ndarray:
        """Which of some columns can still move."""
        is_open = np.zeros(len(self.lower), dtype=bool)
        is_open[self.open] = True
        return is_open[columns] & (self.upper[columns] - self.lower[columns] > SAME * self.scale)

    def _run(self, cost: np.ndarray, matrix: csr_array, rhs: np.ndarray) -> np.ndarray:
        """Solve for the open columns, and more that are not negative; tighten the bounds of the open ones by
        their reduced costs."""
        found = self._linprog(cost, matrix, rhs)
        if found.status == 2:
            raise Infeasible(infeasible_problems(self.system))
        if found.status != 0:
            raise Infeasible(Problem(f"HiGHS stopped: {found.message}"))
        count = len(self.open)
        at_lower = self.open[found.lower.marginals[:count] > REDUCED_COST]
        at_upper = self.open[found.upper.marginals[:count] < -REDUCED_COST]
        self.upper[at_lower] = self.lower[at_lower]
        self.lower[at_upper] = self.upper[at_upper]
        self.values[self.open] = found.x[:count] * self.scale
        return found.x * self.scale

    def _linprog(self, cost: np.ndarray, matrix: csr_array, rhs: np.ndarray, most: float = np.inf) -> Any:
        from scipy.optimize import linprog

        more = len(cost) - len(self.open)
        lower = np.append(self.lower[self.open], np.zeros(more))
        upper = np.append(np.minimum(self.upper[self.open], most), np.full(more, np.inf))
        bounds = np.column_stack([lower, upper]) / self.scale
        options = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
        return linprog(
            cost, A_eq=matrix, b_eq=rhs / self.scale, bounds=bounds, method="highs", options=options
        )

    def settle(self) -> None:
        """Close the columns at equal bounds, and those that rows without any other open column determine.

        A block that is determined by its pattern, but not by its numbers, stays open.
        """
        held = self.lower[self.open] == self.upper[self.open]
        self._close(np.flatnonzero(held))
        structure = decompose(self.left)
        fixed = np.setdiff1d(np.arange(len(self.open)), structure.under)
        if len(fixed) and determines(csc_array(self.left[structure.row_of[fixed]][:, fixed])):
            self._close(fixed)

    def _close(self, positions: np.ndarray) -> None:
        if not len(positions):
            return
        closed = self.open[positions]
        equal = self.lower[closed] == self.upper[closed]
        self.values[closed] = np.where(equal, self.lower[closed], self.values[closed])
        due = self.due - self.left[:, positions] @ self.values[closed]
        stays = np.ones(len(self.open), dtype=bool)
        stays[positions] = False
        left = csr_array(self.left[:, np.flatnonzero(stays)])
        rows = np.flatnonzero(np.diff(left.indptr))
        self.open, self.left, self.due = self.open[stays], csr_array(left[rows]), due[rows]

    def share_ties(self, ties: list[tuple[np.ndarray, np.ndarray]]) -> None:
        """Flows of equal merit at one place carry the same share of what each can bring, within limits.

        For each tie the largest ratio of flow to weight is made least; the flows that this pins stay, and
        the rest is shared again.
        """
        for _ in range(8):
            loose = [
                (flows[free], weights[free])
                for flows, weights in ties
                if (free := self.upper[flows] - self.lower[flows] > SAME * self.scale).sum() > 1
                and self._loose(flows).any()
            ]
            if not loose:
                return
            if not self._share_once(loose):
                return
            self.settle()

    def _share_once(self, ties: list[tuple[np.ndarray, np.ndarray]]) -> bool:
        columns, count = len(self.open), len(ties)
        row = np.arange(sum(len(flows) for flows, _ in ties))
        flow = np.concatenate([flows for flows, _ in ties])
        weight = np.concatenate([weights for _, weights in ties])
        tie = np.repeat(np.arange(count), [len(flows) for flows, _ in ties])
        ratio, slack = columns + tie, columns + count + row
        is_open = np.isin(flow, self.open)
        place = np.searchsorted(self.open, flow[is_open])
        entries = np.concatenate([np.ones(len(place)), -weight, np.ones(len(row))])
        more = coo_array(
            (
                entries,
                (np.concatenate([row[is_open], row, row]), np.concatenate([place, ratio, slack])),
            ),
            shape=(len(row), columns + count + len(row)),
        )
        wide = hstack([self.left, csr_array((self.left.shape[0], count + len(row)))])
        cost = np.zeros(columns + count + len(row))
        cost[columns : columns + count] = 1.0
        due = np.concatenate([self.due, np.where(is_open, 0.0, -self.values[flow])])
        x = self._run(cost, csr_array(vstack([wide, more])), due)
        amount = self.values[flow]
        pinned = flow[amount >= weight * x[ratio] - SAME * self.scale]
        before = self.upper[pinned] - self.lower[pinned]
        self.lower[pinned] = self.upper[pinned] = np.maximum(self.values[pinned], 0.0)
        return bool((before > SAME * self.scale).any())

    def exact(self) -> np.ndarray:
        """The end point by LU, not to simplex tolerances: variables at a bound stay, the rest is solved."""
        values = self.values
        near = 1e-9 * self.scale
        at_lower, at_upper = values <= self.lower + near, values >= self.upper - near
        held = at_lower | at_upper
        settled = np.where(at_lower, self.lower, self.upper)
        free = np.flatnonzero(~held)
        known = np.where(held, settled, 0.0)
        rhs = self.rhs - self.matrix @ known
        try:
            part = determine(csr_array(self.matrix[:, free]), rhs)
        except Singular:
            return values[: self.size]
        out = values.copy()
        out[held] = settled[held]
        out[free[part.columns]] = part.x
        return out[: self.size] if self._holds(out) else values[: self.size]

    def _holds(self, x: np.ndarray) -> bool:
        size = abs(self.matrix) @ np.abs(x) + np.abs(self.rhs)
        residual = np.abs(self.matrix @ x - self.rhs)
        return bool((residual <= 1e-9 * np.maximum(size, 1.0)).all())

    def spread(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far each value can still move: nothing if the answer is the only one.

        Two programmes with fixed pseudo-random weights find the far ends; they meet unless the answer is
        not unique (with probability one).
        """
        low, high = x.copy(), x.copy()
        if not self._loose(np.arange(len(self.lower))).any():
            return low, high
        weights = np.random.default_rng(0).uniform(1.0, 2.0, len(self.lower))[self.open]
        own = self.open < self.size
        mine = self.open[own]
        for sign in (1.0, -1.0):
            found = self._linprog(sign * weights, self.left, self.due, most=1e4 * self.scale)
            if found.status == 0:
                end = found.x[own] * self.scale
                low[mine], high[mine] = np.minimum(low[mine], end), np.maximum(high[mine], end)
        return low, high
