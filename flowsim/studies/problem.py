"""The problem of weighted least squares on the rows of a system, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import block_array, csc_array, csr_array, dia_array, hstack

from flowsim.studies.inverse import least_fill
from flowsim.studies.structure import Structure, decompose

SMALL = 2000
"""Rows, unknowns and data of a problem whose system is factorised with pivoting."""


@dataclass(frozen=True)
class Model:
    """The numbers of a problem of least squares; rows and unknowns as in the system, then what is added.

    Attributes
    ----------
    matrix, slope, rhs : rows ``(A + σ u S) x = b + σ u``
    datum : shape (rows,), the datum that a row states, -1 for exact rows
    given : shape (rows,), True where the datum is the right-hand side, False where it is the coefficient
    value, sd : shape (data,), what was stated
    correlation : R, shape (data, data)
    left_out : shape (data,), True for data that are free, as if not measured
    lower, upper : bounds of (u, x)
    """

    matrix: csr_array
    slope: csr_array
    rhs: np.ndarray
    datum: np.ndarray
    given: np.ndarray
    value: np.ndarray
    sd: np.ndarray
    correlation: csr_array
    left_out: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @property
    def data(self) -> int:
        return len(self.value)

    @property
    def small(self) -> bool:
        return sum(self.matrix.shape) + self.data <= SMALL

    @cached_property
    def correlated(self) -> np.ndarray:
        """Data that are correlated with others, without those left out."""
        return np.flatnonzero((abs(self.correlation).sum(axis=0) > 1) & ~self.left_out)

    @cached_property
    def weight(self) -> csr_array:
        """R⁻¹ of the data that are not left out, shape (data, data); zero for the others."""
        some = self.correlated
        plain = np.setdiff1d(np.flatnonzero(~self.left_out), some)
        block = np.linalg.inv(self.correlation[some][:, some].toarray()) if len(some) else np.zeros((0, 0))
        row = np.concatenate([plain, np.repeat(some, len(some))])
        column = np.concatenate([plain, np.tile(some, len(some))])
        return csr_array(
            (np.concatenate([np.ones(len(plain)), block.ravel()]), (row, column)), shape=(self.data,) * 2
        )

    def restated(self, u: np.ndarray) -> Model:
        """The same problem as if other values had been stated: those ``u`` away from the ones that were."""
        matrix, rhs = self.adjusted(u)
        shift = np.concatenate([u, np.zeros(self.matrix.shape[1])])
        lower, upper = self.lower - shift, self.upper - shift
        value = self.value + self.sd * u
        return self.like(matrix=matrix, rhs=rhs, value=value, lower=lower, upper=upper)

    def leaving(self, datum: int) -> Model:
        """The same problem as if one datum more had not been measured."""
        left = replace(self, left_out=self.left_out | (np.arange(self.data) == datum))
        if "order" in vars(self):
            vars(left)["order"] = self.order
        return left

    @cached_property
    def pattern(self) -> csr_array:
        """Which unknowns each row speaks of; data that are left out count as unknowns, after those of x."""
        own = abs(self.matrix) + abs(self.slope)
        return csr_array(hstack([own, abs(self.data_pattern[:, np.flatnonzero(self.left_out)])]))

    @cached_property
    def data_pattern(self) -> csr_array:
        """Shape (rows, data): which datum each row states."""
        rows = np.flatnonzero(self.datum >= 0)
        shape = (len(self.datum), self.data)
        return csr_array((np.ones(len(rows)), (rows, self.datum[rows])), shape=shape)

    @cached_property
    def structure(self) -> Structure:
        return decompose(self.pattern)

    @cached_property
    def in_excess(self) -> np.ndarray:
        """Data that state a row of which the pattern has more than it needs: no others can be adjusted."""
        out = np.zeros(self.data + 1, dtype=bool)
        out[self.datum[self.structure.over]] = True
        return out[:-1]

    @property
    def unknowns(self) -> np.ndarray:
        """Columns of (u, x) that the pattern counts as unknowns, in its order."""
        return np.concatenate([self.data + np.arange(self.matrix.shape[1]), np.flatnonzero(self.left_out)])

    @cached_property
    def core(self) -> Model:
        """The same problem with data that nothing checks as exact: as long as no bound holds, the same
        answer."""
        moves = np.append(self.in_excess | self.left_out, False)
        datum = np.where(moves[self.datum], self.datum, -1)
        slope = csr_array(self.slope, copy=True)
        slope.data[np.repeat(datum < 0, np.diff(slope.indptr))] = 0.0
        slope.eliminate_zeros()
        return self.like(datum=datum, slope=slope)

    @cached_property
    def bounded(self) -> Model:
        """The same problem without bounds on what nothing fixes."""
        lower, upper = self.lower.copy(), self.upper.copy()
        loose = self.unknowns[self.structure.under]
        lower[loose], upper[loose] = -np.inf, np.inf
        return self.like(lower=lower, upper=upper)

    def like(self, **changes: Any) -> Model:
        """A problem of the same pattern, which need not be ordered anew."""
        made = replace(self, **changes)
        for name in ("structure", "order"):
            if name in vars(self):
                vars(made)[name] = vars(self)[name]
        return made

    @cached_property
    def freedom(self) -> int:
        """Degrees of freedom: ways in which rows and data can disagree, less unknowns to take them."""
        both = csr_array(hstack([self.data_pattern, self.pattern]))
        return int((decompose(both).row_of >= 0).sum() - (self.structure.row_of >= 0).sum())

    @cached_property
    def order(self) -> np.ndarray:
        """Order of (u, x, rows) in which the system fills in least; the same wherever it is factorised."""
        whole = abs(self.matrix) + abs(self.slope)
        pattern = csc_array(hstack([self.data_pattern, whole]))
        pattern.data[:] = 1.0
        size = sum(pattern.shape)
        beside = block_array([[abs(self.weight), None], [None, csr_array((whole.shape[1],) * 2)]])
        both = csc_array(block_array([[beside, pattern.T], [pattern, None]]))
        return least_fill(
            csc_array(both + dia_array((np.full((1, size), 2.0 * size), [0]), shape=(size, size)))
        )

    def shift(self, u: np.ndarray) -> np.ndarray:
        """σ u of the datum of each row, 0 where there is none."""
        moved = np.append(self.sd * u, 0.0)
        return moved[self.datum]

    def residual(self, u: np.ndarray, x: np.ndarray) -> np.ndarray:
        moved = self.shift(u)
        bent = np.where(self.given, 0.0, moved) * (self.slope @ x)
        return self.matrix @ x + bent - self.rhs - np.where(self.given, moved, 0.0)

    def jacobian(self, u: np.ndarray, x: np.ndarray, through: np.ndarray | None = None) -> csr_array:
        """Derivative of the residual by (u, x); ``through`` stands in for S x at the start."""
        moved = np.where(self.given, 0.0, self.shift(u))
        by_x = self.matrix + csr_array(dia_array((moved[None, :], [0]), shape=(len(moved),) * 2) @ self.slope)
        through = self.slope @ x if through is None else through
        rows = np.flatnonzero(self.datum >= 0)
        sd = self.sd[self.datum[rows]]
        entry = np.where(self.given[rows], -sd, sd * through[rows])
        by_u = csr_array((entry, (rows, self.datum[rows])), shape=(len(moved), self.data))
        return csr_array(hstack([by_u, by_x]))

    def bend(self, dual: np.ndarray) -> csr_array:
        """Second derivative of the rows by (u, x), times their multipliers, shape (data, unknowns)."""
        rows = np.flatnonzero((self.datum >= 0) & ~self.given)
        weight = dual[rows] * self.sd[self.datum[rows]]
        of_data = csr_array((weight, (self.datum[rows], rows)), shape=(self.data, len(self.datum)))
        return csr_array(of_data @ self.slope)

    def objective(self, u: np.ndarray) -> float:
        """Sum of squared deviations in standard uncertainties, correlations regarded."""
        return float(u @ (self.weight @ u))

    def adjusted(self, u: np.ndarray) -> tuple[csr_array, np.ndarray]:
        """Matrix and right-hand side with the data moved: the rows that the answer obeys exactly."""
        moved = self.shift(u)
        bent = np.where(self.given, 0.0, moved)
        matrix = self.matrix + csr_array(dia_array((bent[None, :], [0]), shape=(len(bent),) * 2) @ self.slope)
        return csr_array(matrix), self.rhs + np.where(self.given, moved, 0.0)
