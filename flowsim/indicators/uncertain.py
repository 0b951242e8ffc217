"""Indicators of a reconciled system with their uncertainty, propagated with the covariances of the flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.indicators.registry import Terms, Value, evaluate, known, sample
from flowsim.tables import nearest
from flowsim.uncertainty import NORMAL_95

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.studies.reconciliation import Reconciliation

LINEAR = 1e-2
"""An indicator is linear where small steps move it as its weights say, to this share of its uncertainty."""
DRAWS = 400
METHODS = ("first order", "sampled")


def uncertain_indicators(
    answer: Reconciliation, names: str | Sequence[str] | None = "first", boundary: str = "park", seed: int = 0
) -> pd.DataFrame:
    """Indicators with standard uncertainty and 95 % interval: id, en, zh, value, unit, sd, low, high, method.

    An indicator is a sum of flows times weights, or a ratio of two. Its variance is ``wᵀ C w`` with the
    covariance C of the reconciled flows and, for a ratio N / D, ``w = (n − (N / D) d) / D`` (first order;
    JCGM 100:2008, 5.2.2). Where weights hang on the flows themselves, so that first order is off,
    ``method`` is ``sampled``: the indicator is worked out anew for 400 draws of the flows, all of which
    balance.

    Raises
    ------
    InputError : an unknown indicator, set or boundary
    """
    import pandas as pd

    values = evaluate(answer.result, names, boundary)
    weights = np.column_stack([_weights(answer, value) for value in values])
    sd = np.sqrt(np.maximum(np.diag(answer.covariance(weights)), 0.0))
    bent = _bent(answer, values, weights, sd, boundary, seed)
    draws = answer.draws(DRAWS if bent.any() else 1, seed)
    rows = []
    for at, value in enumerate(values):
        item, low, high = value.indicator, value.value - NORMAL_95 * sd[at], value.value + NORMAL_95 * sd[at]
        if bent[at]:
            found = sample(answer.result, draws, item.id, boundary)[:, 0]
            sd[at], (low, high) = found.std(ddof=1), np.quantile(found, (0.025, 0.975))
        spread = (np.nan, np.nan, np.nan, "") if value.reason else (sd[at], low, high, METHODS[int(bent[at])])
        rows.append(
            (item.id, item.en, item.zh, value.value, item.unit, *spread, value.reason, value.reason_zh)
        )
    columns = ["id", "en", "zh", "value", "unit", "sd", "low", "high", "method", "reason", "reason_zh"]
    return pd.DataFrame(rows, columns=columns)


def indicator_weights(answer: Reconciliation, name: str, boundary: str = "park") -> np.ndarray:
    """Weights of the unknowns in an indicator, as a target for `next_measurements`."""
    return _weights(answer, evaluate(answer.result, name, boundary)[0])


def target_of(answer: Reconciliation, name: str, boundary: str = "park") -> str | np.ndarray:
    """What `next_measurements` is to narrow: an unknown by its id, or the weights of an indicator.

    Raises
    ------
    InputError : neither an unknown nor an indicator, or an indicator that has no value here
    """
    if (answer.values["id"] == name).any():
        return name
    ids = [item.id for item in known()]
    if name not in ids:
        hint = nearest(name, [*answer.values["id"], *ids]) or "Name a flow or an indicator."
        raise InputError(Problem(f"there is no flow and no indicator `{name}`.", hint=hint))
    value = evaluate(answer.result, name, boundary)[0]
    if value.reason or value.terms is None:
        reason = value.reason or "it is no sum over flows"
        hint = "Name an indicator that has a value, or a flow."
        raise InputError(Problem(f"indicator `{name}` cannot be narrowed here: {reason}.", hint=hint))
    return _weights(answer, value)


def _weights(answer: Reconciliation, value: Value) -> np.ndarray:
    """Derivative of an indicator by each unknown, weights of flows taken as they are; 0 if it is missing."""
    weights = np.zeros(len(answer.result.x))
    if value.terms is None or value.reason:
        return weights
    terms: Terms = value.terms
    amounts = answer.result.amounts
    share = np.where(amounts != 0, 1.0 / np.where(amounts != 0, amounts, 1.0), 0.0)
    slope = terms.numerator * share
    if terms.denominator is not None:
        ratio = value.numerator / value.denominator
        slope = (slope - ratio * terms.denominator * share) / value.denominator
    weights[: len(amounts)] = np.where(np.isnan(slope), 0.0, slope) * terms.scale
    return weights


def _bent(
    answer: Reconciliation, values: list[Value], weights: np.ndarray, sd: np.ndarray, boundary: str, seed: int
) -> np.ndarray:
    """Which indicators do not move as their weights say, a tenth of the way to two balanced draws."""
    x = answer.result.x
    steps = np.nan_to_num(answer.draws(2, seed) - x) / 10
    moved = sample(answer.result, x + steps, [value.indicator.id for value in values], boundary)
    here = np.array([value.value for value in values])
    error = np.abs(moved - here - steps @ weights).max(axis=0)
    there = np.array([not value.reason for value in values])
    return there & ~(error <= LINEAR * np.maximum(sd, 1e-9 * np.abs(here)))
