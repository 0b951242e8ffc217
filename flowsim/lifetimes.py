"""How long things last: the share of them that is left at an age.

Each distribution is one small function of age. Parameters may be arrays, so that many products or regions
are computed together, or one value for each step in which things enter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flowsim.errors import InputError, Problem

NODES = 8
"""Points of the Gauss-Legendre quadrature over an interval of ages."""


@dataclass(frozen=True)
class Lifetime:
    """How long things last.

    Attributes
    ----------
    distribution : one of `DISTRIBUTIONS`
    mean : years. For ``folded_normal`` the mean of the normal that is folded. A number, or an array that
        broadcasts against the series; with ``by_cohort`` its first axis is the steps
    shape : the shape of ``weibull``; for the others the standard deviation, years; shaped like ``mean``
    survival : for ``table``: the share that is left at the ages 0, 1, 2, ... years, linear between them;
        what is left at its end stays
    by_cohort : the lifetime belongs to the step in which things enter
    """

    distribution: str
    mean: Any = np.nan
    shape: Any = np.nan
    survival: Sequence[float] = ()
    by_cohort: bool = False

    def __post_init__(self) -> None:
        problems = list(_faults(self))
        if problems:
            raise InputError(problems)

    def of(self, cohort: int) -> Lifetime:
        """The lifetime of what enters in one step."""
        if not self.by_cohort:
            return self
        rows = {name: np.asarray(getattr(self, name)) for name in ("mean", "shape")}
        mean, shape = (row[cohort] if row.ndim else row for row in rows.values())
        made = object.__new__(Lifetime)
        vars(made).update(
            distribution=self.distribution, mean=mean, shape=shape, survival=self.survival, by_cohort=False
        )
        return made

    def __str__(self) -> str:
        if self.distribution == "unlimited":
            return "unlimited"
        if self.distribution == "table":
            return f"table of {len(self.survival)} ages"
        said = " by cohort" if self.by_cohort else ""
        shape = "" if self.distribution == "fixed" else f", {_span(self.shape)}"
        return f"{self.distribution} ({_span(self.mean)}{shape}){said}"


def hazard_table(hazards: Sequence[float]) -> Lifetime:
    """A lifetime from hazards: the share of what is left at the age of 0, 1, 2, ... years that goes in the
    year after."""
    shares = np.asarray(hazards, dtype=float)
    if shares.ndim != 1 or not len(shares) or not ((shares >= 0) & (shares <= 1)).all():
        raise InputError(Problem("a hazard table holds shares from 0 to 1, one for each year of age."))
    return Lifetime("table", survival=tuple(np.append(1.0, np.cumprod(1.0 - shares))))


def _span(values: Any) -> str:
    low, high = np.min(values), np.max(values)
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def _faults(life: Lifetime) -> list[Problem]:
    """What is wrong with a lifetime."""
    if life.distribution not in DISTRIBUTIONS:
        return [
            Problem(
                f"there is no lifetime distribution `{life.distribution}`.",
                hint=f"Known: {', '.join(DISTRIBUTIONS)}.",
            )
        ]
    if life.distribution == "unlimited":
        return []
    if life.distribution == "table":
        left = np.asarray(life.survival, dtype=float)
        falls = (
            left.ndim == 1 and len(left) > 1 and left[0] == 1 and (np.diff(left) <= 0).all() and left[-1] >= 0
        )
        hint = "It begins with 1 at age 0 and never rises: 1, 0.95, 0.8, ..., 0."
        return [] if falls else [Problem("a survival table is no share that falls with age.", hint=hint)]
    needed = {"a mean life in years": life.mean}
    if life.distribution != "fixed":
        needed["a shape" if life.distribution == "weibull" else "a standard deviation in years"] = life.shape
    return [
        Problem(f"the lifetime distribution `{life.distribution}` needs {what} above 0.", hint="State it.")
        for what, values in needed.items()
        if not (np.isfinite(values) & (np.asarray(values) > 0)).all()
    ]


def left_at(life: Lifetime, age: np.ndarray) -> np.ndarray:
    """Share that is left at an age in years (≥ 0), broadcast against the parameters of the lifetime."""
    return DISTRIBUTIONS[life.distribution](np.asarray(age, dtype=float), life)


def _fixed(age: np.ndarray, life: Lifetime) -> np.ndarray:
    return np.where(age < np.asarray(life.mean) - 1e-9, 1.0, 0.0)


def _normal(age: np.ndarray, life: Lifetime) -> np.ndarray:
    from scipy.special import ndtr

    return ndtr((life.mean - age) / life.shape)


def _folded_normal(age: np.ndarray, life: Lifetime) -> np.ndarray:
    from scipy.special import ndtr

    return ndtr((life.mean - age) / life.shape) + ndtr((-life.mean - age) / life.shape)


def _lognormal(age: np.ndarray, life: Lifetime) -> np.ndarray:
    from scipy.special import ndtr

    variance = np.log1p((np.asarray(life.shape) / life.mean) ** 2)
    with np.errstate(divide="ignore"):
        return ndtr((np.log(life.mean) - variance / 2 - np.log(age)) / np.sqrt(variance))


def _weibull(age: np.ndarray, life: Lifetime) -> np.ndarray:
    from scipy.special import gamma

    scale = life.mean / gamma(1.0 + 1.0 / np.asarray(life.shape))
    if np.ndim(life.shape) == 0:
        return np.exp(-(age**life.shape) * scale**-life.shape)
    with np.errstate(divide="ignore"):
        return np.exp(-np.exp(life.shape * (np.log(age) - np.log(scale))))


def _gamma(age: np.ndarray, life: Lifetime) -> np.ndarray:
    from scipy.special import gammaincc

    shape = (np.asarray(life.mean) / life.shape) ** 2
    return gammaincc(shape, age * shape / life.mean)


def _logistic(age: np.ndarray, life: Lifetime) -> np.ndarray:
    from scipy.special import expit

    return expit((life.mean - age) * (np.pi / np.sqrt(3.0)) / life.shape)


def _table(age: np.ndarray, life: Lifetime) -> np.ndarray:
    return np.interp(age, np.arange(len(life.survival)), life.survival)


def _unlimited(age: np.ndarray, life: Lifetime) -> np.ndarray:
    return np.ones_like(age)


DISTRIBUTIONS: dict[str, Callable[[np.ndarray, Lifetime], np.ndarray]] = {
    "fixed": _fixed,
    "normal": _normal,
    "folded_normal": _folded_normal,
    "lognormal": _lognormal,
    "weibull": _weibull,
    "gamma": _gamma,
    "logistic": _logistic,
    "table": _table,
    "unlimited": _unlimited,
}
"""Distribution → share left at an age. A normal or logistic life may be below 0: that share goes at once."""


def mean_between(life: Lifetime, young: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Mean of the survival over the ages from ``young`` to ``old``: what is left of a spread inflow."""
    if life.distribution == "fixed":
        return np.clip((life.mean - young) / (old - young), 0.0, 1.0)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return sum(
        (
            weight / 2 * left_at(life, young + (old - young) * (1 + node) / 2)
            for node, weight in zip(nodes, weights, strict=True)
        ),
        start=np.zeros(()),
    )


def mean_life(life: Lifetime) -> Any:
    """∫ survival over all ages: the mean life, where lives below 0 count as 0."""
    from scipy.special import ndtr

    mean, shape = life.mean, life.shape
    if life.distribution == "table":
        return float(np.trapezoid(life.survival))
    if life.distribution == "logistic":
        slope = np.sqrt(3.0) / np.pi * shape
        return slope * np.log1p(np.exp(mean / slope))
    if life.distribution in ("normal", "folded_normal"):
        density = shape * np.exp(-((np.asarray(mean) / shape) ** 2) / 2) / np.sqrt(2 * np.pi)
        positive = mean * ndtr(mean / shape) + density
        return positive if life.distribution == "normal" else 2 * positive - mean
    return mean
