"""The sparse system of Karush, Kuhn and Tucker of a problem of least squares, factorised."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import block_array, csc_array, csr_array, dia_array

from flowsim.studies.inverse import Quasidefinite, one_thread
from flowsim.studies.problem import Model

DAMPING = 1e-9
"""Damping of directions that nothing fixes and of rows that repeat others, in equilibrated units. The steps
are proximal, so that it slows them a little but moves no answer."""
TINY = 1e-100
"""Entries below this are nothing."""
MOST_REFINED = 6
MOST_SOLVED = 500
"""Variances of a large system beyond this number are taken from the diagonal of the inverse."""
EXTRAPOLATED = 1e-8
BLOCK = 128
"""Columns of the covariance that are solved for at a time."""


class Factor:
    """Sparse LU of the system ``[[H, Jᵀ], [J, 0]]``, equilibrated and damped.

    A small system is pivoted, and damped only where ``loose`` columns and ``repeated`` rows need it. A
    large one, and a small one that is singular all the same, is damped everywhere: it is quasidefinite
    then, so that the ordering with least fill needs no pivoting (Vanderbei, 1995, SIAM Journal on
    Optimization 5). Refinement against the system without damping takes the damping out again.

    Raises
    ------
    ArithmeticError : the numbers leave nothing to factorise
    """

    def __init__(
        self,
        model: Model,
        jacobian: csr_array,
        loose: np.ndarray,
        repeated: np.ndarray,
        bend: csr_array | None = None,
    ):
        rows, columns = jacobian.shape
        weight = model.weight
        across = csr_array((columns - weight.shape[0],) * 2)
        hessian = block_array([[weight, bend], [None if bend is None else bend.T, across]])
        self.matrix = csc_array(block_array([[hessian, jacobian.T], [jacobian, None]], format="csc"))
        self.columns = columns
        self.scale = _equilibrate(jacobian, weight.shape[0])
        scale = dia_array((self.scale[None, :], [0]), shape=self.matrix.shape)
        self.scaled = csc_array(scale @ self.matrix @ scale)
        weightless = np.concatenate([weight.diagonal() == 0, np.ones(columns - weight.shape[0], dtype=bool)])
        self.everywhere = np.concatenate([weightless.astype(float), -np.ones(rows)])
        damping = DAMPING * np.concatenate([loose.astype(float), -repeated.astype(float)])
        self.small, self.held = model.small, np.arange(columns + len(model.rhs), columns + rows)
        lu = self._pivoted(damping, strict=True) if self.small else None
        self.whole = lu is not None
        if self.small and lu is None:
            lu = self._pivoted(DAMPING * self.everywhere, strict=False)
        self.order = np.empty(0) if self.small else np.concatenate([self.held, model.order])
        self.lu: Any = lu or self._unpivoted()

    def _damped(self, damping: np.ndarray) -> csc_array:
        return csc_array(self.scaled + dia_array((damping[None, :], [0]), shape=self.scaled.shape))

    def _pivoted(self, damping: np.ndarray, strict: bool) -> Any:
        """LU with pivoting; nothing if ``strict`` and the matrix is singular but for rounding."""
        from scipy.sparse.linalg import splu

        with one_thread():
            try:
                lu = splu(self._damped(damping))
            except RuntimeError as error:
                if strict:
                    return None
                raise ArithmeticError(str(error)) from None
        pivots = np.abs(lu.U.diagonal())
        singular = pivots.min(initial=1.0) < 1e-13 * pivots.max(initial=1.0)
        return None if strict and singular else lu

    def _unpivoted(self) -> Quasidefinite:
        """``L D Lᵀ``, damped more where rounding leaves a pivot zero."""
        for factor in (1.0, 10.0):
            try:
                return Quasidefinite(self._damped(factor * DAMPING * self.everywhere), self.order)
            except RuntimeError:
                continue
        try:
            return Quasidefinite(self._damped(100.0 * DAMPING * self.everywhere), self.order)
        except RuntimeError as error:
            raise ArithmeticError(str(error)) from None

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """Solution of the system without damping, by refinement; ``rhs`` may have several columns."""
        scale = self.scale if rhs.ndim == 1 else self.scale[:, None]
        wanted = scale * rhs
        found = self.lu.solve(wanted)
        error = np.inf
        for _ in range(MOST_REFINED):
            left = wanted - self.scaled @ found
            before, error = error, float(np.abs(left).max(initial=0.0))
            if error > before / 4:
                break
            found = found + self.lu.solve(left)
            if self.whole:
                break
        return scale * found

    def damped(self, rhs: np.ndarray) -> np.ndarray:
        """Solution without refinement: what nothing fixes is held by the damping alone."""
        return self.scale * self.lu.solve(self.scale * rhs)

    def covariance(self, chosen: np.ndarray) -> np.ndarray:
        """Columns of the covariance of (u, x), shape (columns, chosen)."""
        rhs = np.zeros((self.matrix.shape[0], len(chosen)))
        rhs[chosen, np.arange(len(chosen))] = 1.0
        return self.solve(rhs)[: self.columns]

    def variances(self, chosen: np.ndarray) -> np.ndarray:
        """Diagonal entries of the covariance of (u, x).

        By solves where they are few, else from the diagonal of the inverse at two dampings, extrapolated to
        none (relative error below 1e-5, mostly below 1e-9).
        """
        if len(chosen) > MOST_SOLVED and not self.small:
            once, twice = (self._diagonal(factor * EXTRAPOLATED)[chosen] for factor in (1.0, 2.0))
            return 2 * once - twice
        out = np.empty(len(chosen))
        for start in range(0, len(chosen), BLOCK):
            part = chosen[start : start + BLOCK]
            out[start : start + BLOCK] = self.covariance(part)[part, np.arange(len(part))]
        return out

    def _diagonal(self, damping: float) -> np.ndarray:
        factor = Quasidefinite(self._damped(damping * self.everywhere), self.order)
        return self.scale**2 * factor.inverse_diagonal()

    def free_columns(self, suspected: np.ndarray) -> np.ndarray:
        """Of the suspected columns those that the numbers leave free.

        Random columns are projected on what nothing but the damping holds, by proximal steps.
        """
        if not len(suspected):
            return suspected
        moved = np.zeros((self.matrix.shape[0], 2))
        moved[suspected] = np.random.default_rng(0).normal(size=(len(suspected), 2))
        for _ in range(3):
            rhs = np.zeros_like(moved)
            rhs[suspected] = DAMPING * moved[suspected]
            moved = self.lu.solve(rhs)
        return suspected[np.abs(moved[suspected]).max(axis=1) > 1e-6]


def _equilibrate(jacobian: csr_array, data: int) -> np.ndarray:
    """Scale of (u, x, rows): data keep their standard units, and unknowns and rows take theirs from them.

    Every row is divided by its largest entry, every unknown counted in the least unit of its rows, in turn.
    """
    entries = abs(jacobian).tocoo()
    of_data = entries.data[(entries.col < data) & (entries.data > 0)]
    columns = np.full(jacobian.shape[1], float(np.median(of_data)) if len(of_data) else 1.0)
    columns[:data] = 1.0
    rows = np.ones(jacobian.shape[0])
    for _ in range(4):
        largest = np.zeros(len(rows))
        np.maximum.at(largest, entries.row, entries.data * columns[entries.col])
        rows = 1.0 / np.where(largest > TINY, largest, 1.0)
        largest = np.zeros(len(columns))
        np.maximum.at(largest, entries.col, entries.data * rows[entries.row])
        columns[data:] = np.where(largest > TINY, 1.0 / np.maximum(largest, TINY), columns)[data:]
    return np.concatenate([columns, rows])
