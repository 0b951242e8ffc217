"""Weighted least squares on the rows of a system: the numbers behind `reconcile`.

    minimise  ½ uᵀ R⁻¹ u   so that   r(x, u) = 0,   lower ≤ (u, x) ≤ upper

``u`` are the deviations of the data from what was stated, in standard uncertainties, ``R`` their correlation,
``x`` the unknowns. A row of a given amount reads ``A x − b − σ u = 0``, a row of a coefficient
``(A + σ u S) x − b = 0``, any other row ``A x − b = 0``. Gauss-Newton on the sparse system of Karush, Kuhn
and Tucker; bounds by block principal pivoting with Murty's rule as the fallback that cannot cycle (Júdice and
Pires, 1994, Computers & Operations Research 21). docs/reconcile.md derives it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, dia_array, hstack, vstack

from flowsim.studies.factor import Factor
from flowsim.studies.problem import Model

MOST_STEPS, MOST_REPEATED = 80, 5
PATIENT, NEAR = 8, 0.05
"""Newton's steps begin after so many steps, once a step is below this share of the largest number."""
FARTHEST = 1e30
"""A step beyond this has lost its way, as may happen far from every answer."""
MOST_EXCHANGES, PATIENCE = 150, 3
GUESSES = 3


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


def adjust(
    model: Model,
    start: tuple[np.ndarray, np.ndarray] | None = None,
    bounds: bool = True,
    side: np.ndarray | None = None,
) -> State:
    """Find a minimum by Gauss-Newton, from the stated data unless a start (u, x) is given.

    ``side`` says which bounds are held at first, where that is known.

    Where a small problem bends so much that this is slow, the last steps are Newton's, with the second
    derivative of the rows.
    """
    u, x = start or first_guess(model)
    z = np.concatenate([u, x])
    dual = np.zeros(len(model.rhs))
    fixed = np.where(bounds & (model.lower == model.upper), -1, 0)
    side = fixed if side is None else np.where(fixed != 0, fixed, side)
    steps, pull = 0, np.zeros(len(z))
    history: list[float] = []
    linear = not model.slope.nnz
    may_bend, newton = not linear and model.small, False
    for steps in range(1, MOST_STEPS + 1):
        try:
            step, new_dual, side, pull = _quadratic(model, z, dual, side, bounds, newton)
        except ArithmeticError:
            break
        if not np.abs(step).max(initial=0.0) < FARTHEST:
            break
        length = 1.0 if linear else _line_search(model, z, step, new_dual, pull, history)
        z, dual = z + length * step, new_dual
        small = np.abs(step) <= 1e-13 * np.abs(z).max(initial=1.0) + 1e-10 * np.abs(z)
        if length == 1.0 and steps > 1 and (small.all() or (linear and steps == MOST_REPEATED)):
            break
        near = np.abs(step).max(initial=0.0) < NEAR * np.abs(z).max(initial=0.0)
        newton = may_bend and steps >= PATIENT and length == 1.0 and near
    return certified(model, z, dual, side, pull, steps, bounds)


def first_guess(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """The stated data, and the unknowns that fit them best.

    How much a row of an uncertain coefficient may give way hangs on the throughput, which is not known yet:
    it is taken to have the size of a typical datum first, and then what was found with that.
    """
    u, x = np.zeros(model.data), np.zeros(model.matrix.shape[1])
    sizes = np.abs(model.rhs[np.abs(model.rhs) > 0])
    typical = float(np.median(sizes)) if len(sizes) else 1.0
    through = np.full(len(model.rhs), typical)
    rhs = np.concatenate([np.zeros(model.data + len(x)), -model.residual(u, x)])
    for _ in range(GUESSES):
        factor = _factor(model, model.jacobian(u, x, through), np.zeros(0, dtype=np.int64))
        found = factor.solve(rhs)[model.data : model.data + len(x)]
        through = np.maximum(np.abs(model.slope @ found), 1e-6 * typical)
    return u, found


def factor_at(model: Model, state: State, whole: bool = False) -> Factor:
    """The factorisation at a point, with its bounds held, for covariances.

    Rows that speak of unknowns that nothing fixes say nothing of the others and are left out, unless the
    ``whole`` is asked for, or a bound holds one of those unknowns.
    """
    jacobian = model.jacobian(state.u, state.x)
    held = np.flatnonzero(binding(model, state))
    loose = model.unknowns[model.structure.under]
    if whole or np.isin(loose, held).any():
        return _factor(model, jacobian, held)
    apart = np.zeros(model.data + model.matrix.shape[1])
    apart[loose] = 1.0
    silent = abs(jacobian) @ apart > 0
    silent |= abs(csr_array(hstack([model.data_pattern, model.matrix]))) @ apart > 0
    keep = dia_array((1.0 - silent[None, :], [0]), shape=(len(silent),) * 2)
    return _factor(model, csr_array(keep @ jacobian), held, silent=silent)


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


def crosses(model: Model, state: State) -> bool:
    """Whether a point lies beyond a bound."""
    z = np.concatenate([state.u, state.x])
    nothing = np.zeros(len(z))
    return bool((_wanted(model, z, nothing, nothing) != 0).any())


def _least_pull(model: Model, z: np.ndarray) -> np.ndarray:
    """Multipliers below this are rounding: over the size of an unknown they would not move the objective."""
    size = np.ones(len(z))
    size[model.data :] = np.abs(z[model.data :]).max(initial=1e-12)
    return 1e-9 * (1.0 + model.objective(z[: model.data])) / size


def _factor(
    model: Model,
    jacobian: csr_array,
    held: np.ndarray,
    bend: csr_array | None = None,
    silent: np.ndarray | None = None,
) -> Factor:
    loose = np.zeros(jacobian.shape[1], dtype=bool)
    loose[model.unknowns[model.structure.under]] = True
    repeated = np.arange(jacobian.shape[0] + len(held)) >= jacobian.shape[0]
    if silent is not None:
        repeated[: len(silent)] = silent
    whole = csr_array(vstack([jacobian, _unit_rows(held, jacobian.shape[1])]))
    return Factor(model, whole, loose, repeated, bend)


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
    fewest, patience = len(z) + 1, PATIENCE
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
            fewest, patience = len(wrong), PATIENCE
        elif patience:
            wrong, patience = wrong[::2], patience - 1
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
    model: Model, z: np.ndarray, step: np.ndarray, dual: np.ndarray, pull: np.ndarray, history: list[float]
) -> float:
    """Largest of 1, 1/2, ... 1/1024 that does not raise the exact penalty above its last three values."""
    penalty, price = 1.5 * np.abs(dual), 1.5 * np.abs(pull)
    held = np.flatnonzero(price)

    def merit(at: np.ndarray) -> float:
        u, x = at[: model.data], at[model.data :]
        missed = np.maximum(np.maximum(model.lower - at, at - model.upper), 0.0)[held]
        return 0.5 * model.objective(u) + float(penalty @ np.abs(model.residual(u, x)) + price[held] @ missed)

    history.append(merit(z))
    limit = max(history[-3:])
    length = 1.0
    while length > 1 / 1024 and merit(z + length * step) > limit * (1 + 1e-9) + 1e-12:
        length /= 2
    return length


def recertified(model: Model, state: State) -> State:
    """The same point as an answer to another problem with the same rows, bounds apart."""
    z = np.concatenate([state.u, state.x])
    return certified(model, z, state.multipliers, state.side, state.pull, state.steps, bounds=False)


def certified(
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
