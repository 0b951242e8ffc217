"""What to measure next: which new datum, or which better one, narrows a number most."""

from __future__ import annotations

import numpy as np
import pandas as pd

from flowsim.errors import InputError, Problem
from flowsim.studies.reconciliation import Reconciliation
from flowsim.studies.solve import MOST_INTERVALS
from flowsim.tables import nearest

BETTER = 0.5
"""A better datum is one with this share of its uncertainty."""
WORTH = 1e-3
"""Data that take less than this share of the uncertainty are not listed."""
OBSERVED = 1e-3
"""A new datum makes an unobservable number observable if it takes all but this share of its free play."""


def next_measurements(
    answer: Reconciliation, target: str | np.ndarray, cv: float = 0.05, most: int = 10
) -> pd.DataFrame:
    """Which new datum, or which better one, narrows a flow or a sum of unknowns most, the best first.

    Parameters
    ----------
    target : id of the table of values, or the weights of the unknowns, such as those of an indicator
    cv : coefficient of variation that a new datum is taken to have; a better one has half its uncertainty

    Returns
    -------
    what (new or better), id, unit, sd (of the datum), sd_before, sd_after (of the target; infinite where it
    is unobservable), gain (share of the uncertainty that goes)

    A new datum of variance s² on unknown j leaves ``c_tt − c_tj² / (c_jj + s²)`` of the variance of target t
    (the Kalman update); a better datum is a second one whose precision is what the first gains.
    """
    model, values, result = answer.model, answer.values, answer.result
    weights = target_weights(answer, target)
    known = ~np.isnan(result.x)
    unseen = bool((np.abs(weights) > 0)[~known].any())
    covary, before = _with_target(answer, weights, unseen)
    u, x = covary[: model.data], covary[model.data : model.data + len(weights)]
    middle = np.where(np.isfinite(result.low + result.high), (result.low + result.high) / 2, 0.0)
    noise = (cv * np.abs(np.where(known, result.x, middle))) ** 2
    own = np.where(known, values["sd"].to_numpy() ** 2, _free_variance(answer) if unseen else 0.0)
    new = before - np.divide(x**2, own + noise, out=np.zeros(len(x)), where=own + noise > 0)
    spread = (answer.data["sd_after"].to_numpy() / answer.data["sd_before"].to_numpy()) ** 2
    extra = BETTER**2 / (1 - BETTER**2)
    better = before - u**2 / (np.nan_to_num(spread) + extra)
    rows = [
        ("new", values["id"].iloc[at], values["unit"].iloc[at], float(np.sqrt(noise[at])), after)
        for at, after in enumerate(new)
        if values["class"].iloc[at] in ("deduced", "unobservable") and x[at] != 0
    ]
    rows += [
        ("better", one.id, one.unit, BETTER * one.sd_before, after)
        for one, after in zip(answer.data.itertuples(), better, strict=True)
        if after < before
    ]
    rows.sort(key=lambda row: row[-1])
    table = pd.DataFrame(rows[:most], columns=["what", "id", "unit", "sd", "variance"])
    after = np.sqrt(np.maximum(table.pop("variance").to_numpy(dtype=float), 0.0))
    if unseen:
        after = np.where(after < OBSERVED * np.sqrt(before), after, np.inf)
    table["sd_before"] = np.inf if unseen else np.sqrt(before)
    table["sd_after"] = after
    table["gain"] = np.isfinite(after) * 1.0 if unseen else 1.0 - after / np.sqrt(before)
    return table[table["gain"] > WORTH].reset_index(drop=True)


def target_weights(answer: Reconciliation, target: str | np.ndarray) -> np.ndarray:
    """Weights of the unknowns in a target: an id of the table of values, or weights as they are."""
    if not isinstance(target, str):
        return np.asarray(target, dtype=float)
    found = np.flatnonzero(answer.values["id"] == target)
    if not len(found):
        hint = nearest(target, answer.values["id"]) or "Name a flow, or activity(process)."
        raise InputError(Problem(f"there is no unknown `{target}`.", hint=hint))
    weights = np.zeros(len(answer.result.x))
    weights[found[0]] = 1.0
    return weights


def _with_target(answer: Reconciliation, weights: np.ndarray, unseen: bool) -> tuple[np.ndarray, float]:
    """Covariance of every (u, x) with the target, and the target's variance; by damping if it is unseen."""
    factor, first = answer.whole_factor if unseen else answer.factor, answer.model.data
    rhs = np.zeros(factor.matrix.shape[0])
    rhs[first : first + len(weights)] = weights
    found = (factor.damped(rhs) if unseen else factor.solve(rhs))[: factor.columns]
    return found, float(weights @ found[first : first + len(weights)])


def _free_variance(answer: Reconciliation) -> np.ndarray:
    """Variance of unobservable unknowns under the damping alone: a wide prior to rank what would see them."""
    first, out = answer.model.data, np.zeros(len(answer.result.x))
    for column in np.flatnonzero(np.isnan(answer.result.x))[:MOST_INTERVALS]:
        rhs = np.zeros(answer.whole_factor.matrix.shape[0])
        rhs[first + column] = 1.0
        out[column] = answer.whole_factor.damped(rhs)[first + column]
    return out
