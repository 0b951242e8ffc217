"""The minima of a problem of least squares, from several starts and within bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from flowsim.studies import diagnose
from flowsim.studies.adjust import State, adjust, binding, crosses, factor_at, recertified
from flowsim.studies.factor import Factor
from flowsim.studies.problem import Model
from flowsim.studies.reconciliation import Optimum
from flowsim.system import System

if TYPE_CHECKING:
    import pandas as pd

UNSURE = 1e-3
MOST_CHECKED = 200
"""Data whose variance others hardly lower are checked one by one where the diagonal is not exact."""
REDUNDANT = 1e-7
"""A datum is redundant where the others leave it less than 1 − this share of its variance."""
STARTS, WIDEST = 12, 8.0
GIVE = 1.5
"""Spread of the logarithm of how much more or less a datum gives way in a random start."""
MOST_STARTED = 1500
"""Bilinear problems with more unknowns are started from the stated data only, unless starts are asked for."""


@dataclass(frozen=True)
class Fit:
    """A minimum with what follows from it: C as diagonals, degrees of freedom, what is observable."""

    model: Model
    state: State
    factor: Factor
    optima: tuple[Optimum, ...]
    variance: np.ndarray
    free: np.ndarray
    normalised: np.ndarray

    @property
    def objective(self) -> float:
        return self.model.objective(self.state.u)

    @cached_property
    def bounds_that_hold(self) -> np.ndarray:
        return np.flatnonzero(binding(self.model, self.state))

    @cached_property
    def freedom_by_rank(self) -> float:
        """Trace of I − C R⁻¹: degrees of freedom by the numbers; each bound that holds data back adds one."""
        model = self.model
        some = np.setdiff1d(np.flatnonzero(~model.left_out), model.correlated)
        trace = float((1.0 - self.variance[some]).sum())
        if len(model.correlated):
            inside = model.weight[model.correlated][:, model.correlated].toarray()
            block = self.factor.covariance(model.correlated)[model.correlated]
            trace += len(model.correlated) - float(np.trace(block @ inside))
        return trace

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the global test; given the bounds that hold (Susko, 2013, Biometrika 100)."""
        return round(self.freedom_by_rank)


def best_fit(
    system: System, data: pd.DataFrame, model: Model, bounds: bool, starts: int | None, seed: int
) -> Fit:
    """The best minimum from all starts, with its diagonals.

    Raises
    ------
    Contradiction, Infeasible, NotClosed : there is none
    """
    states = _minima(system, data, model, bounds, starts, seed)
    if not states:
        diagnose.raise_failure(system, diagnose.exact_rows(system, data), adjust(model, bounds=bounds))
    state = states[0]
    diagnose.check_rows(
        system, diagnose.moved_system(system, data, state.u), state.x[: system.matrix.shape[1]]
    )
    factor = factor_at(model, state)
    suspected = model.unknowns[model.structure.under]
    if not factor.whole:
        suspected = np.sort(model.unknowns)
    free = np.zeros(model.data + model.matrix.shape[1], dtype=bool)
    free[factor.free_columns(suspected)] = True
    variance = np.full(len(free), np.nan)
    unknowns = np.arange(model.data + system.matrix.shape[1])
    wanted = unknowns[~free[unknowns]]
    variance[wanted] = np.maximum(factor.variances(wanted), 0.0)
    variance[np.flatnonzero(~model.in_excess & ~model.left_out & (variance[: model.data] > 1 - UNSURE))] = 1.0
    unsure = np.flatnonzero(np.abs(1 - variance[: model.data]) < UNSURE)
    if not model.small and len(unsure) < len(wanted):
        checked = unsure[model.in_excess[unsure]][:MOST_CHECKED]
        variance[unsure] = 1.0
        for datum in checked.tolist():
            variance[datum] = float(factor.covariance(np.array([datum]))[datum, 0])
    optima = _distinct(model, states)
    return Fit(model, state, factor, optima, variance, free, _normalised(model, state, factor, variance))


def _minima(
    system: System, data: pd.DataFrame, model: Model, bounds: bool, starts: int | None, seed: int
) -> list[State]:
    """Minima from one start or, where the problem is bilinear, from several; the best first."""
    few = model.matrix.shape[1] <= MOST_STARTED
    count = (STARTS if few else 1) if starts is None else starts
    bent = bool(model.core.slope.nnz) and model.freedom > 0
    states = []
    for draw in range(count if bent else 1):
        start = _random_start(model.core, seed, draw) if draw else None
        state = recertified(model, adjust(model.core, start, bounds=False))
        if not state.converged:
            state = adjust(model, start, bounds=False)
        if bounds and state.converged:
            state = _within_bounds(system, data, model, state)
        states.append(state)
    return sorted((state for state in states if state.converged), key=lambda state: model.objective(state.u))


def _within_bounds(system: System, data: pd.DataFrame, model: Model, state: State) -> State:
    """The minimum within bounds near one without: itself, if nothing is crossed.

    Bounds of what nothing fixes come in only where a linear programme finds that they leave the rest no room.
    """
    count = system.matrix.shape[1]
    loose = model.unknowns[model.structure.under]
    loose = loose[loose >= model.data] - model.data
    if crosses(model.bounded, state):
        state = adjust(model.bounded, (state.u, state.x))
    x = state.x.copy()
    x[loose] = np.nan
    filled = diagnose.room(diagnose.moved_system(system, data, state.u), x[:count])
    if filled is None or not state.converged:
        return adjust(model, (state.u, state.x), side=state.side)
    slack = np.concatenate([filled, system.upper_rhs - system.upper_matrix @ filled])
    return replace(state, x=np.where(np.isnan(x), slack, state.x))


def _random_start(model: Model, seed: int, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """A point that obeys all rows: the answer to data drawn from up to WIDEST times their uncertainty.

    Which of them give way to the rows is drawn too, for one fixed rule ends in one and the same valley.
    """
    random = np.random.default_rng([seed, draw])
    u = random.uniform(1.0, WIDEST) * random.normal(size=model.data)
    u = np.clip(u, model.lower[: model.data], model.upper[: model.data])
    u[~(model.in_excess | model.left_out)] = 0.0
    give = np.exp(GIVE * random.normal(size=model.data))
    found = adjust(model.restated(u).like(sd=give * model.sd), bounds=False)
    return u + give * found.u, found.x


def _distinct(model: Model, states: list[State]) -> tuple[Optimum, ...]:
    """Minima that differ in objective or data, best first, and from how many starts each was reached."""
    found: list[list[State]] = []
    for state in sorted(states, key=lambda state: model.objective(state.u)):
        alike = [group for group in found if np.abs(group[0].u - state.u).max(initial=0.0) < 1e-4]
        if alike:
            alike[0].append(state)
        else:
            found.append([state])
    least = model.objective(found[0][0].u)
    return tuple(
        Optimum(
            objective=model.objective(group[0].u),
            gap=model.objective(group[0].u) - least,
            x=group[0].x,
            data=model.value + model.sd * group[0].u,
            starts=len(group),
        )
        for group in found
    )


def _normalised(model: Model, state: State, factor: Factor, variance: np.ndarray) -> np.ndarray:
    """Test value of each datum: its pull R⁻¹u over its standard deviation; NaN where nothing checks it.

    The measurement test of maximum power (Mah and Tamhane, 1982; Madron, 1992): its square is what the
    objective loses if that datum alone is left out.
    """
    pull, spread = model.weight @ state.u, 1.0 - variance[: model.data]
    some = model.correlated
    if len(some):
        inside = model.weight[some][:, some].toarray()
        spread[some] = np.diag(inside - inside @ factor.covariance(some)[some] @ inside) / np.diag(inside)
        pull[some] /= np.sqrt(np.diag(inside))
    checked = (spread > REDUNDANT) & ~model.left_out
    return np.where(checked, pull / np.sqrt(np.where(checked, spread, 1.0)), np.nan)
