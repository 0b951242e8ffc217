"""`reconcile`: data that disagree become one balance, with what is left of their uncertainty.

Weighted least squares on all rows of a system, linear and bilinear, with bounds and correlations; which
numbers are redundant, deduced or unobservable; tests for gross errors. docs/reconcile.md has the derivation
and sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.result import Result
from flowsim.studies import diagnose
from flowsim.studies.adjust import adjust
from flowsim.studies.minima import MOST_STARTED, REDUNDANT, Fit, best_fit
from flowsim.studies.reconciliation import Reconciliation
from flowsim.studies.remarks import remarks
from flowsim.studies.sample import with_sample
from flowsim.studies.uncertain import build, uncertain_data
from flowsim.system import System

if TYPE_CHECKING:
    import pandas as pd

ROUNDING = 1e-13
"""Values below this share of the largest are the rounding of zeros."""
EXACT = 1e-8
"""Uncertainties below this share of their value are the rounding of none."""
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
    fit = best_fit(system, data, model, bounds, starts, seed)
    out: list[int] = []
    while eliminate:
        worst = _worst(fit, alpha)
        if worst is None:
            break
        out.append(worst)
        fit = best_fit(system, data, fit.model.leaving(worst), bounds, starts, seed)
    eliminated = tuple(data["id"].iloc[out])
    options = {"alpha": alpha, "bounds": bounds, "pedigree": pedigree, "without": [*without, *eliminated]}
    answer = _answer(system, data, fit, alpha, eliminated, options)
    if not sample:
        return answer
    return with_sample(answer, sample, seed)


def _worst(fit: Fit, alpha: float) -> int | None:
    """The datum to leave out next, while the global test fails."""
    from scipy.special import chdtrc

    if not fit.freedom or chdtrc(fit.freedom, fit.objective) >= alpha:
        return None
    size = np.abs(np.nan_to_num(fit.normalised))
    return int(size.argmax()) if size.max(initial=0.0) > 0 else None


def _answer(
    system: System,
    data: pd.DataFrame,
    fit: Fit,
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
    held = fit.bounds_that_hold - model.data
    sd[held[(held >= 0) & (held < count)]] = 0.0
    moved = diagnose.moved_system(system, data, state.u)
    low, high = diagnose.intervals(moved, x)
    table = _data_table(system, data, fit, alpha)
    test = _global_test(fit, alpha)
    notes, notes_zh = remarks(system, fit, table, test)
    nothing = np.zeros(count, dtype=bool)
    result = Result(moved, x, low, high, "reconcile", nothing, options, notes, sd, notes_zh)
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
        notes=notes,
        notes_zh=notes_zh,
        model=model,
        state=state,
    )


def _global_test(fit: Fit, alpha: float) -> dict[str, Any]:
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


def _data_table(system: System, data: pd.DataFrame, fit: Fit, alpha: float) -> pd.DataFrame:
    """Each datum before and after, its class, and its own test."""
    from scipy.special import ndtri

    model, state = fit.model, fit.state
    spread = fit.variance[: model.data]
    table = data.drop(columns=["row", "datum", "value", "sd"])
    table.insert(2, "before", model.value)
    table.insert(3, "sd_before", model.sd)
    free = fit.free[: model.data]
    after, left = model.value + model.sd * state.u, np.sqrt(spread)
    table.insert(4, "after", np.where(free, np.nan, np.where(np.abs(after) < EXACT * model.sd, 0.0, after)))
    table.insert(5, "sd_after", np.where(free, np.nan, model.sd * np.where(left < EXACT, 0.0, left)))
    table.insert(6, "unit", diagnose.units_of(system, data["row"].to_numpy(dtype=np.int64)))
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


def _suspects(fit: Fit, table: pd.DataFrame, test: dict[str, Any], bounds: bool) -> pd.DataFrame:
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


def _objective_without(fit: Fit, datum: int, bounds: bool) -> float:
    """Objective if one datum is left out: solved again for a small problem bent or bounded, else closed."""
    model, state = fit.model, fit.state
    if (model.slope.nnz or state.side.any()) and model.matrix.shape[1] <= MOST_STARTED:
        left = model.leaving(datum)
        again = adjust(left.bounded, (state.u, state.x), bounds)
        if again.converged:
            return left.objective(again.u)
    return max(fit.objective - float(fit.normalised[datum]) ** 2, 0.0)
