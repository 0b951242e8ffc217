"""`reconcile`: data that disagree become one balance, with what is left of their uncertainty.

Weighted least squares on all rows of a system, linear and bilinear, with bounds and correlations; which
numbers are redundant, deduced or unobservable; tests for gross errors. docs/reconcile.md has the derivation
and sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.result import Result
from flowsim.studies import diagnose
from flowsim.studies.adjust import State, adjust, binding, crosses, factor_at, recertified
from flowsim.studies.factor import Factor
from flowsim.studies.problem import Model
from flowsim.studies.reconciliation import Optimum, Reconciliation
from flowsim.studies.sample import with_sample
from flowsim.studies.uncertain import build, uncertain_data, without_closing
from flowsim.system import System

if TYPE_CHECKING:
    import pandas as pd

ROUNDING = 1e-13
"""Values below this share of the largest are the rounding of zeros."""
EXACT = 1e-8
"""Uncertainties below this share of their value are the rounding of none."""
UNSURE = 1e-3
MOST_CHECKED = 500
"""Data whose variance others hardly lower are checked one by one where the diagonal is not exact."""
REDUNDANT = 1e-7
"""A datum is redundant where the others leave it less than 1 − this share of its variance."""
NEAR_OPTIMUM = 9.21
"""Optima whose objectives differ by less are not told apart by the data: their likelihoods differ by less
than a factor of 100 (exp(9.21 / 2))."""
STARTS, WIDEST = 12, 8.0
MOST_STARTED = 1500
"""Bilinear problems with more unknowns are started from the stated data only, unless starts are asked for."""
MOST_REFITTED = 8


def reconcile(
    system: System,
    *,
    alpha: float = 0.05,
    bounds: bool = True,
    pedigree: bool = False,
    correlations: Sequence[tuple[str, str, float]] = (),
    without: Sequence[str] = (),
    eliminate: bool = False,
    starts: int | None = None,
    sample: int = 0,
    seed: int = 0,
) -> Reconciliation:
    """Move the uncertain numbers least, in units of their uncertainty, so that every row holds.

    Parameters
    ----------
    alpha : level of significance of the tests
    bounds : flows and coefficients keep their bounds (flows not negative, shares in 0 to 1, limits,
    capacities) pedigree : numbers without uncertainty get that of the quality class of their source
    correlations : pairs of data (ids as in the table ``data``) and their correlation coefficient
    without : ids of data to leave out, as if they had not been measured
    eliminate : while the global test fails, leave out the datum with the largest test value (Ripps, 1965)
    starts : starting points of a bilinear problem; left out: 12, or 1 where there are more than 1,500
    unknowns sample : number of draws of the answer that honours skewed distributions and bounds; 0: none
    seed : of the starts and the sample

    Raises
    ------
    Contradiction : exact facts that cannot all hold, with the gap and what would mend it
    Infeasible : bounds that leave no answer
    NotClosed : no minimum was found within the steps allowed
    InputError : a datum or a correlation that cannot be
    """
    if not 0 < alpha < 1:
        raise InputError(Problem(f"alpha is {alpha:g}.", hint="Write a level between 0 and 1, such as 0.05."))
    data = uncertain_data(system, pedigree)
    model = build(system, data, correlations, without)
    fit = _fit(system, data, model, bounds, starts, seed)
    out: list[int] = []
    while eliminate:
        worst = _worst(fit, alpha)
        if worst is None:
            break
        out.append(worst)
        fit = _fit(system, data, fit.model.leaving(worst), bounds, starts, seed)
    eliminated = tuple(data["id"].iloc[out])
    options = {"alpha": alpha, "bounds": bounds, "pedigree": pedigree, "without": [*without, *eliminated]}
    answer = _answer(system, data, fit, alpha, eliminated, options)
    if not sample:
        return answer
    return with_sample(answer, sample, seed)


@dataclass(frozen=True)
class _Fit:
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


def _fit(
    system: System, data: pd.DataFrame, model: Model, bounds: bool, starts: int | None, seed: int
) -> _Fit:
    """The best minimum from all starts, with its diagonals."""
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
    return _Fit(model, state, factor, optima, variance, free, _normalised(model, state, factor, variance))


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
        return adjust(model, (state.u, state.x))
    slack = np.concatenate([filled, system.upper_rhs - system.upper_matrix @ filled])
    return replace(state, x=np.where(np.isnan(x), slack, state.x))


def _random_start(model: Model, seed: int, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """A point that obeys all rows: the answer to data drawn from up to WIDEST times their uncertainty."""
    random = np.random.default_rng([seed, draw])
    u = random.uniform(1.0, WIDEST) * random.normal(size=model.data)
    u = np.clip(u, model.lower[: model.data], model.upper[: model.data])
    u[~(model.in_excess | model.left_out)] = 0.0
    found = adjust(model.restated(u), bounds=False)
    return u + found.u, found.x


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


def _worst(fit: _Fit, alpha: float) -> int | None:
    """The datum to leave out next, while the global test fails."""
    from scipy.special import chdtrc

    if not fit.freedom or chdtrc(fit.freedom, fit.objective) >= alpha:
        return None
    size = np.abs(np.nan_to_num(fit.normalised))
    return int(size.argmax()) if size.max(initial=0.0) > 0 else None


def _answer(
    system: System,
    data: pd.DataFrame,
    fit: _Fit,
    alpha: float,
    eliminated: tuple[str, ...],
    options: dict[str, Any],
) -> Reconciliation:
    """The tables of a minimum."""
    model, state = fit.model, fit.state
    count = system.matrix.shape[1]
    x = np.where(fit.free[model.data : model.data + count], np.nan, state.x[:count])
    sd = np.sqrt(fit.variance[model.data : model.data + count])
    x[np.abs(x) < ROUNDING * np.abs(np.nan_to_num(x)).max(initial=0.0)] = 0.0
    sd[sd < EXACT * np.abs(x)] = 0.0
    moved = diagnose.moved_system(system, data, state.u)
    low, high = diagnose.intervals(moved, x)
    table = _data_table(system, data, fit, alpha)
    test = _global_test(fit, alpha)
    notes = _notes(system, fit, table, test)
    result = Result(moved, x, low, high, "reconcile", np.zeros(count, dtype=bool), options, tuple(notes), sd)
    given = np.flatnonzero(table["kind"] == "given")
    columns = system.matrix.indices[system.matrix.indptr[data["row"].to_numpy(dtype=np.int64)[given]]]
    measured = dict(zip(columns.tolist(), table["class"].iloc[given], strict=True))
    values = diagnose.value_table(system, x, sd, low, high, measured)
    certificate = {
        "steps": state.steps,
        "feasibility": state.feasibility,
        "stationarity": state.stationarity,
        "breach": state.breach,
        "bounds_that_hold": len(fit.bounds_that_hold),
    }
    return Reconciliation(
        result=result,
        data=table,
        values=values,
        test=test,
        suspects=_suspects(fit, table, test, options["bounds"]),
        optima=fit.optima,
        eliminated=eliminated,
        certificate=certificate,
        notes=tuple(notes),
        model=model,
        state=state,
    )


def _notes(system: System, fit: _Fit, table: pd.DataFrame, test: dict[str, Any]) -> list[str]:
    """What a reader must know beside the numbers."""
    model, notes = fit.model, []
    names = [_column_name(system, table, model, column) for column in fit.bounds_that_hold.tolist()]
    if names:
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        notes.append(
            f"bounds hold {', '.join(names[:12])}{more}: uncertainties are those of numbers fixed there, and "
            "the global test counts each such bound as a datum. A sample honours bounds."
        )
    for one in fit.optima[1:]:
        if one.gap < NEAR_OPTIMUM:
            notes.append(
                f"another minimum lies {one.gap:.4g} above the best (objective {one.objective:.6g}): "
                "the data do not tell the two apart; see optima."
            )
    defaults = int(table["by_default"].sum())
    if defaults:
        notes.append(f"{defaults} numbers have the default uncertainty of the quality class of their source.")
    names = system.correlations[["one", "other"]]
    silent = int((~names.isin(set(table["said"])).all(axis=1)).sum())
    if silent:
        notes.append(f"{silent} correlations are left out: a number that they name states no uncertainty.")
    still = int((without_closing(system) & (system.rows.sd > 0)).sum())
    if still:
        notes.append(f"{still} recipe lines stay exact: their recipe has no closing line to take the rest.")
    pattern = set(model.unknowns[model.structure.under].tolist())
    numbers = set(np.flatnonzero(fit.free).tolist())
    if pattern != numbers and not len(fit.bounds_that_hold):
        names = [_column_name(system, table, model, column) for column in sorted(pattern ^ numbers)]
        notes.append(
            f"pattern and numbers differ on what is observable; the numbers count: {', '.join(names[:12])}."
        )
    if not len(fit.bounds_that_hold) and fit.freedom != model.freedom:
        notes.append(
            f"the pattern of the rows has {model.freedom} degrees of freedom, their numbers {fit.freedom}: "
            "some rows repeat each other, or a coefficient has no throughput."
        )
    if not test["passed"]:
        notes.append("the data disagree by more than their uncertainties allow: look at the suspects.")
    return notes


def _column_name(system: System, table: pd.DataFrame, model: Model, column: int) -> str:
    if column < model.data:
        return str(table["id"].iloc[column])
    at = column - model.data
    if at < system.matrix.shape[1]:
        return system._short(at)
    return system.row_text(at - system.matrix.shape[1], upper=True)


def _global_test(fit: _Fit, alpha: float) -> dict[str, Any]:
    """The objective against chi-square with as many degrees of freedom as there is redundancy."""
    from scipy.special import chdtrc, chdtri

    dof = fit.freedom
    p = float(chdtrc(dof, fit.objective)) if dof else 1.0
    critical = float(chdtri(dof, alpha)) if dof else 0.0
    return {
        "objective": fit.objective,
        "dof": dof,
        "critical": critical,
        "p": p,
        "alpha": alpha,
        "passed": p >= alpha,
    }


def _data_table(system: System, data: pd.DataFrame, fit: _Fit, alpha: float) -> pd.DataFrame:
    """Each datum before and after, its class, and its own test."""
    from scipy.special import ndtri

    model, state = fit.model, fit.state
    spread = fit.variance[: model.data]
    table = data.drop(columns=["row", "datum", "value", "sd"])
    table.insert(2, "before", model.value)
    table.insert(3, "sd_before", model.sd)
    free = fit.free[: model.data]
    table.insert(4, "after", np.where(free, np.nan, model.value + model.sd * state.u))
    table.insert(5, "sd_after", np.where(free, np.nan, model.sd * np.sqrt(spread)))
    table.insert(6, "unit", [diagnose.unit_of(system, int(row)) for row in data["row"]])
    table.insert(7, "change", np.where(free, np.nan, state.u))
    redundant = (spread < 1 - REDUNDANT) & ~model.left_out
    table.insert(
        8, "class", np.where(redundant, "redundant", np.where(model.left_out, "left_out", "just_determined"))
    )
    checked = int((~np.isnan(fit.normalised)).sum())
    table.insert(9, "test", np.abs(fit.normalised))
    critical = float(-ndtri((1 - (1 - alpha) ** (1 / max(checked, 1))) / 2))
    table.insert(10, "critical", np.where(np.isnan(fit.normalised), np.nan, critical))
    table.insert(11, "suspect", np.nan_to_num(table["test"]) > critical)
    return table


def _suspects(fit: _Fit, table: pd.DataFrame, test: dict[str, Any], bounds: bool) -> pd.DataFrame:
    """Data that are checked, worst first, with the objective and p without each, and data that test alike."""
    import pandas as pd
    from scipy.special import chdtrc

    size = table["test"].to_numpy()
    order = np.argsort(-np.nan_to_num(size), kind="stable")
    order = order[~np.isnan(size[order])][:MOST_REFITTED]
    rows = []
    for datum in order.tolist():
        left = _objective_without(fit, datum, bounds)
        left = left if left > ROUNDING else 0.0
        alike = np.flatnonzero((np.abs(size - size[datum]) < 1e-6 * max(size[datum], 1e-9)) & (size > 1e-9))
        dof = max(test["dof"] - 1, 0)
        rows.append(
            {
                "id": table["id"].iloc[datum],
                "test": size[datum],
                "critical": table["critical"].iloc[datum],
                "suspect": bool(table["suspect"].iloc[datum]),
                "objective_without": left,
                "p_without": float(chdtrc(dof, left)) if dof else 1.0,
                "alike": ", ".join(table["id"].iloc[alike[alike != datum]]),
            }
        )
    columns = ["id", "test", "critical", "suspect", "objective_without", "p_without", "alike"]
    return pd.DataFrame(rows, columns=columns)


def _objective_without(fit: _Fit, datum: int, bounds: bool) -> float:
    """Objective if one datum is left out: solved again for a small problem bent or bounded, else closed."""
    model, state = fit.model, fit.state
    if (model.slope.nnz or state.side.any()) and model.matrix.shape[1] <= MOST_STARTED:
        left = model.leaving(datum)
        again = adjust(left.bounded, (state.u, state.x), bounds)
        if again.converged:
            return left.objective(again.u)
    return max(fit.objective - float(fit.normalised[datum]) ** 2, 0.0)
