"""Standard uncertainties of stated numbers, from whatever form they were stated in.

Sources: JCGM 100:2008 (GUM), 4.3.7 to 4.3.9 for intervals; Malcolm et al. (1959), Operations Research 7, and
Clark (1962), Operations Research 10, for PERT; the moments of the lognormal and triangular distributions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

NORMAL_95 = 1.959963984540054
"""Half-width of the central 95 % of a normal distribution, in standard deviations."""

SPREAD = {
    "standard": 1.1,
    "official": 1.1,
    "stoichiometric": 1.1,
    "literature": 1.33,
    "balance": 1.33,
    "plan": 1.33,
    "estimate": 2.0,
    "assumption": 2.0,
}
"""Quality class of a source → the factor f for which the 95 % interval of a number is from 1/f to f times it.

The levels 1.1, 1.33 and 2 are those of Hedbrant and Sörme (2001), Water, Air and Soil Pollution: Focus 1;
which class has which level is flowsim's own choice, used only when asked for.
"""

FORMS = ("sd", "cv", "ci95", "low", "high", "distribution")
NOT_STATED = {"value": np.nan, "sd": np.nan, "low": np.nan, "high": np.nan, "distribution": "", "quality": ""}
"""Labels of a row that states no number."""


def default_cv(quality: np.ndarray) -> np.ndarray:
    """Standard uncertainty as a share of the value that goes with quality classes; NaN without a class.

    The standard deviation ln(f) / 1.96 of the logarithm is taken as the coefficient of variation.
    """
    return np.array([np.log(SPREAD.get(name, np.nan)) / NORMAL_95 for name in quality])


def uncertain(frame: pd.DataFrame) -> np.ndarray:
    """Rows of a table that state how uncertain their number is."""
    return frame[["sd", "cv", "ci95", "low", "high"]].notna().any(axis=1).to_numpy()


def stated(frame: pd.DataFrame, value: np.ndarray, unit: np.ndarray | float = 1.0) -> dict[str, Any]:
    """Labels of the rows that state the numbers of a table: value, sd, low, high, distribution, quality.

    Parameters
    ----------
    frame : with some of the columns `FORMS`, quality, file, line
    value : shape (rows,), the stated numbers
    unit : what ``low`` and ``high`` are multiplied with to be in the unit of the value

    Raises
    ------
    InputError : an uncertainty stated twice, by halves, upside down, or one that its distribution cannot have
    """
    columns = {name: frame[name].to_numpy() for name in FORMS if name in frame}
    nothing = np.full(len(value), np.nan)
    given = {name: columns.get(name, nothing) for name in FORMS[:-1]}
    low, high = given["low"] * unit, given["high"] * unit
    shape = columns.get("distribution", np.full(len(value), "", dtype=object))
    ranged = ~np.isnan(low) & ~np.isnan(high)
    _check(frame, value, {**given, "low": low, "high": high}, shape)
    sd = np.where(np.isnan(given["sd"]), given["cv"] * np.abs(value), given["sd"])
    sd = np.where(np.isnan(sd), given["ci95"] / NORMAL_95, sd)
    shape = np.where(ranged & (shape == ""), "uniform", shape)
    at = np.flatnonzero(ranged)
    sd[at] = _spread(value[at], low[at], high[at], shape[at])
    shape = np.where((shape == "") & (sd > 0), "normal", shape)
    quality = frame["quality"].to_numpy() if "quality" in frame else ""
    sd = np.where(sd > 0, sd, np.nan)
    return {"value": value, "sd": sd, "low": low, "high": high, "distribution": shape, "quality": quality}


def _spread(value: np.ndarray, low: np.ndarray, high: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Standard deviation of a distribution over low to high whose mode (or mean) is the value."""
    mean = (low + 4 * value + high) / 6
    ratio = np.log(np.maximum(high, 1e-300) / np.maximum(low, 1e-300)) / (2 * NORMAL_95)
    forms = {
        "uniform": (high - low) / np.sqrt(12),
        "triangular": np.sqrt(
            (low**2 + high**2 + value**2 - low * high - low * value - high * value).clip(0) / 18
        ),
        "pert": np.sqrt(((mean - low) * (high - mean)).clip(0) / 7),
        "normal": (high - low) / (2 * NORMAL_95),
        "lognormal": value * np.sqrt(np.expm1(np.where(shape == "lognormal", ratio, 0.0) ** 2)),
    }
    return np.select([shape == name for name in forms], list(forms.values()))


def _check(frame: pd.DataFrame, value: np.ndarray, given: dict[str, np.ndarray], shape: np.ndarray) -> None:
    has = {name: ~np.isnan(column) for name, column in given.items()}
    count = has["sd"].astype(int) + has["cv"] + has["ci95"] + (has["low"] | has["high"])
    ranged = has["low"] & has["high"]
    bounded = np.isin(shape, ["uniform", "triangular", "pert"])
    faults = (
        (count > 1, "its uncertainty is stated twice.", "Keep one of sd, cv, ci95, or low with high."),
        (has["low"] != has["high"], "its range has one end.", "State `low` and `high`."),
        (
            ranged & ~((given["low"] <= value) & (value <= given["high"])),
            "the value lies outside `low` to `high`.",
            "Mend the range, or the value.",
        ),
        (bounded & ~ranged, "this distribution needs `low` and `high`.", "State both."),
        (
            (shape == "lognormal") & (~(value > 0) | (ranged & ~(given["low"] > 0))),
            "a lognormal number is above 0, and so is its range.",
            "Mend the number, or take another distribution.",
        ),
    )
    problems = []
    for wrong, message, hint in faults:
        for row in np.flatnonzero(wrong):
            place = str(frame["file"].iloc[row]), int(frame["line"].iloc[row])
            problems.append(Problem(f"{_name(frame, int(row))}: {message}", *place, hint))
    if problems:
        raise InputError(problems)


def _name(frame: pd.DataFrame, row: int) -> str:
    """What the number is of, in the words of its table."""
    for column in ("given", "transfer", "share", "id", "recipe", "good"):
        if column in frame and frame[column].iloc[row]:
            return str(frame[column].iloc[row])
    return "a number"
