"""Weighted least squares on the rows of a system: the numbers behind `reconcile`.

    minimise  ½ uᵀ R⁻¹ u   so that   r(x, u) = 0,   lower ≤ (u, x) ≤ upper

``u`` are the deviations of the data from what was stated, in standard uncertainties, ``R`` their correlation,
``x`` the unknowns. A row of a given amount reads ``A x − b − σ u = 0``, a row of a coefficient
``(A + σ u S) x − b = 0``, any other row ``A x − b = 0``. Gauss-Newton on the sparse system of Karush, Kuhn
and Tucker; bounds by block principal pivoting with Murty's rule as the fallback that cannot cycle (Júdice and
Pires, 1994, Computers & Operations Research 21). docs/reconcile.md derives it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import block_array, csc_array, csr_array, dia_array, hstack, vstack

from flowsim.studies.inverse import Quasidefinite, least_fill
from flowsim.studies.structure import Structure, decompose

DAMPING = 1e-9
"""Damping of directions that nothing fixes and of rows that repeat others, in equilibrated units. The steps
are proximal, so that it slows them a little but moves no answer."""
MOST_STEPS = 80
PATIENT, NEAR = 8, 0.05
"""Newton's steps begin after so many steps, once a step is below this share of the largest number."""
MOST_EXCHANGES = 150
SMALL = 2000
"""Rows and columns of a system that is factorised with pivoting."""
MOST_REFINED = 6
MOST_SOLVED = 500
"""Variances of a large system beyond this number are taken from the diagonal of the inverse."""
EXTRAPOLATED = 1e-8
BLOCK = 128
"""Columns of the covariance that are solved for at a time."""


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
        left = replace(self, matrix=matrix, rhs=rhs, value=value, lower=lower, upper=upper)
        if "order" in vars(self):
            vars(left)["order"] = self.order
        return left

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
    def freedom(self) -> int:
        """Degrees of freedom: ways in which rows and data can disagree, less unknowns to take them up."""
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


class Factor:
    """Sparse LU of the system ``[[H, Jᵀ], [J, 0]]``, symmetrically equilibrated (Ruiz, 2001) and damped.

    A small system is pivoted, and damped only where ``loose`` columns and ``repeated`` rows need it. A
    large one, and a small one that is singular all the same, is damped everywhere: it is quasidefinite
    then, so that the ordering with least fill needs no pivoting (Vanderbei, 1995, SIAM Journal on
    Optimization 5). Refinement against the system without damping takes the damping out again.
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
        self.scale = _equilibrate(self.matrix)
        scale = dia_array((self.scale[None, :], [0]), shape=self.matrix.shape)
        self.scaled = csc_array(scale @ self.matrix @ scale)
        weightless = np.concatenate([weight.diagonal() == 0, np.ones(columns - weight.shape[0], dtype=bool)])
        self.everywhere = np.concatenate([weightless.astype(float), -np.ones(rows)])
        damping = DAMPING * np.concatenate([loose.astype(float), -repeated.astype(float)])
        lu = self._pivoted(damping) if rows + columns <= SMALL else None
        self.pivoted = lu is not None
        if lu is None:
            held = np.arange(columns + len(model.rhs), columns + rows)
            self.order = np.concatenate([held, model.order])
            lu = Quasidefinite(self._damped(DAMPING * self.everywhere), self.order)
        self.lu: Any = lu

    def _damped(self, damping: np.ndarray) -> csc_array:
        return csc_array(self.scaled + dia_array((damping[None, :], [0]), shape=self.scaled.shape))

    def _pivoted(self, damping: np.ndarray) -> Any:
        from scipy.sparse.linalg import splu
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"):
            try:
                lu = splu(self._damped(damping))
            except RuntimeError:
                return None
        pivots = np.abs(lu.U.diagonal())
        return None if pivots.min(initial=1.0) < 1e-13 * pivots.max(initial=1.0) else lu

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
            if self.pivoted:
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
        if len(chosen) > MOST_SOLVED and not self.pivoted:
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


def _equilibrate(matrix: csc_array) -> np.ndarray:
    """Symmetric scale that brings the largest entry of every row near one (Ruiz, 2001, RAL-TR-2001-034)."""
    size = abs(matrix).tocoo()
    scale = np.ones(matrix.shape[0])
    for _ in range(4):
        largest = np.zeros(matrix.shape[0])
        np.maximum.at(largest, size.row, size.data * scale[size.row] * scale[size.col])
        scale /= np.sqrt(np.where(largest > 0, largest, 1.0))
    return scale


@dataclass(frozen=True)
class State:
    """A point, and how well it fulfils the conditions of a minimum.

    ``side`` is -1 for columns of (u, x) held at their lower bound, 1 at their upper, else 0; ``pull`` is the
    multiplier of the bound; ``feasibility`` and ``stationarity`` are relative residuals, ``breach`` is by how
    much a bound is missed, of the largest unknown.
    """

    u: np.ndarray
    x: np.ndarray
    multipliers: np.ndarray
    side: np.ndarray
    pull: np.ndarray
    steps: int
    feasibility: float
    stationarity: float
    breach: float

    @property
    def converged(self) -> bool:
        return max(self.feasibility, self.stationarity, self.breach) < 1e-8


def adjust(model: Model, start: tuple[np.ndarray, np.ndarray] | None = None, bounds: bool = True) -> State:
    """Find a minimum by Gauss-Newton, from the stated data unless a start (u, x) is given.

    Where a small problem bends so much that this is slow, the last steps are Newton's, with the second
    derivative of the rows.
    """
    u, x = start or first_guess(model)
    z = np.concatenate([u, x])
    dual = np.zeros(len(model.rhs))
    side = np.where(bounds & (model.lower == model.upper), -1, 0)
    steps = 0
    history: list[float] = []
    linear = not model.slope.nnz
    may_bend, newton = not linear and sum(model.matrix.shape) + model.data <= SMALL, False
    for steps in range(1, MOST_STEPS + 1):
        step, new_dual, side, pull = _quadratic(model, z, dual, side, bounds, newton)
        length = 1.0 if linear else _line_search(model, z, step, new_dual, history)
        z, dual = z + length * step, new_dual
        small = np.abs(step) <= 1e-13 * np.abs(z).max(initial=1.0) + 1e-10 * np.abs(z)
        if length == 1.0 and steps > 1 and (small.all() or (linear and steps == 3)):
            break
        near = np.abs(step).max(initial=0.0) < NEAR * np.abs(z).max(initial=0.0)
        newton = may_bend and steps >= PATIENT and length == 1.0 and near
    return _certified(model, z, dual, side, pull, steps, bounds)


def first_guess(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """The stated data, and the unknowns that fit them best.

    The throughput that an uncertain coefficient acts on is taken to have the size of a typical datum.
    """
    u, x = np.zeros(model.data), np.zeros(model.matrix.shape[1])
    sizes = np.abs(model.rhs[model.given & (model.datum >= 0)])
    sizes = sizes if sizes.any() else np.abs(model.rhs)
    typical = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
    jacobian = model.jacobian(u, x, np.full(len(model.rhs), typical))
    factor = _factor(model, jacobian, np.zeros(0, dtype=np.int64))
    rhs = np.concatenate([np.zeros(jacobian.shape[1]), -model.residual(u, x)])
    return u, factor.solve(rhs)[model.data : jacobian.shape[1]]


def factor_at(model: Model, state: State) -> Factor:
    """The factorisation at a point, with its bounds held, for covariances."""
    return _factor(model, model.jacobian(state.u, state.x), np.flatnonzero(binding(model, state)))


def normal_draws(model: Model, factor: Factor, random: np.random.Generator, count: int) -> np.ndarray:
    """Draws of (u, x) less the answer of normal theory: the answer to noise in the data, C R⁻¹ e."""
    noise = random.normal(size=(model.data, count))
    some = model.correlated
    if len(some):
        root = np.linalg.cholesky(model.correlation[some][:, some].toarray())
        noise[some] = root @ noise[some]
    rhs = np.zeros((factor.matrix.shape[0], count))
    rhs[: model.data] = model.weight @ noise
    return factor.solve(rhs)[: factor.columns].T


def binding(model: Model, state: State) -> np.ndarray:
    """Columns of (u, x) that would cross their bound if it were lifted."""
    z = np.concatenate([state.u, state.x])
    return (state.side != 0) & (np.abs(state.pull) > _least_pull(model, z))


def _least_pull(model: Model, z: np.ndarray) -> np.ndarray:
    """Multipliers below this are rounding: over the size of an unknown they would not move the objective."""
    size = np.ones(len(z))
    size[model.data :] = np.abs(z[model.data :]).max(initial=1e-12)
    return 1e-9 * (1.0 + model.objective(z[: model.data])) / size


def _factor(model: Model, jacobian: csr_array, held: np.ndarray, bend: csr_array | None = None) -> Factor:
    loose = np.zeros(jacobian.shape[1], dtype=bool)
    loose[unknown_columns(model)[model.structure.under]] = True
    repeated = np.arange(jacobian.shape[0] + len(held)) >= jacobian.shape[0]
    whole = csr_array(vstack([jacobian, _unit_rows(held, jacobian.shape[1])]))
    return Factor(model, whole, loose, repeated, bend)


def unknown_columns(model: Model) -> np.ndarray:
    """Columns of (u, x) that the pattern of the model counts as unknowns, in its order."""
    return np.concatenate([model.data + np.arange(model.matrix.shape[1]), np.flatnonzero(model.left_out)])


def _unit_rows(held: np.ndarray, columns: int) -> csr_array:
    return csr_array((np.ones(len(held)), (np.arange(len(held)), held)), shape=(len(held), columns))


def _quadratic(
    model: Model, z: np.ndarray, dual: np.ndarray, side: np.ndarray, bounds: bool, newton: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Step to the minimum of the linearised problem: step, multipliers, sides that are held, their pull."""
    bend = model.bend(dual) if newton else None
    u, x = z[: model.data], z[model.data :]
    jacobian, residual = model.jacobian(u, x), model.residual(u, x)
    gradient = np.concatenate([model.weight @ u, np.zeros(len(x))]) + jacobian.T @ dual
    side, pull = side.copy(), np.zeros(len(z))
    fewest, patience = len(z) + 1, 10
    for _ in range(MOST_EXCHANGES):
        held = np.flatnonzero(side)
        bound = np.where(side < 0, model.lower, model.upper)[held]
        factor = _factor(model, jacobian, held, bend)
        found = factor.solve(np.concatenate([-gradient, -residual, bound - z[held]]))
        step = found[: len(z)]
        pull[:] = 0.0
        pull[held] = found[len(z) + len(residual) :]
        wanted = _wanted(model, z + step, side, pull) if bounds else side
        wrong = np.flatnonzero(wanted != side)
        if not len(wrong):
            break
        if len(wrong) < fewest:
            fewest, patience = len(wrong), 10
        elif patience:
            patience -= 1
        else:
            wrong = wrong[-1:]
        side[wrong] = wanted[wrong]
    return step, dual + found[len(z) : len(z) + len(residual)], side, pull


def _wanted(model: Model, z: np.ndarray, side: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """The side where each column belongs: at a bound that it crosses, off a bound that it would leave."""
    size = np.abs(z)
    noise = 1e-9 * size
    noise[model.data :] += 1e-12 * size[model.data :].max(initial=0.0)
    noise[: model.data] += 1e-9
    free = np.where(z < model.lower - noise, -1, np.where(z > model.upper + noise, 1, 0))
    stays = (side * pull >= -_least_pull(model, z)) | (model.lower == model.upper)
    return np.where(side == 0, free, np.where(stays, side, 0))


def _line_search(
    model: Model, z: np.ndarray, step: np.ndarray, dual: np.ndarray, history: list[float]
) -> float:
    """Largest of 1, 1/2, ... 1/64 that does not raise the exact penalty above its last three values."""
    penalty = 1.5 * np.abs(dual)

    def merit(at: np.ndarray) -> float:
        u, x = at[: model.data], at[model.data :]
        return 0.5 * model.objective(u) + float(penalty @ np.abs(model.residual(u, x)))

    history.append(merit(z))
    limit = max(history[-3:])
    length = 1.0
    while length > 1 / 64 and merit(z + length * step) > limit * (1 + 1e-9) + 1e-12:
        length /= 2
    return length


def _certified(
    model: Model,
    z: np.ndarray,
    dual: np.ndarray,
    side: np.ndarray,
    pull: np.ndarray,
    steps: int,
    bounds: bool,
) -> State:
    """The point with the relative residuals of its conditions (Karush, Kuhn and Tucker)."""
    u, x = z[: model.data], z[model.data :]
    jacobian = model.jacobian(u, x)
    largest = max(float(np.abs(x).max(initial=0.0)), 1e-300)
    size = abs(model.matrix) @ np.abs(x) + np.abs(model.rhs) + np.abs(model.shift(u))
    floor = 1e-9 * max(float(size.max(initial=0.0)), 1e-300)
    gradient = jacobian.T @ dual + pull
    gradient[: model.data] += model.weight @ u
    scale = abs(jacobian).T @ np.abs(dual) + np.abs(pull)
    scale[: model.data] += 1.0
    scale[model.data :] += 1e-3 * (1.0 + model.objective(u)) / largest
    missed = np.maximum(np.maximum(model.lower - z, z - model.upper), 0.0)
    missed[model.data :] /= largest
    return State(
        u=u,
        x=x,
        multipliers=dual,
        side=side,
        pull=pull,
        steps=steps,
        feasibility=float((np.abs(model.residual(u, x)) / np.maximum(size, floor)).max(initial=0.0)),
        stationarity=float((np.abs(gradient) / scale).max(initial=0.0)),
        breach=float(missed.max(initial=0.0)) if bounds else 0.0,
    )
