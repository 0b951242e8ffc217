"""How long things last: the share of them that is left at an age.

Each distribution is one small function of age. Parameters may be arrays, so that many products or regions
are computed together, or one value for each step in which things enter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from flowsim.errors import InputError, Problem

NODES = 8
"""Points of the Gauss-Legendre quadrature over an interval of ages."""
LONGEST = 2**16
"""Intervals after which the mean life of a part is taken as it is."""


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
        what is left at its end stays. With ``by_cohort`` a row for each step
    by_cohort : the lifetime belongs to the step in which things enter
    within : how long the product lasts that the thing is a part of; it leaves with what ends first, so that
        the two survivals multiply. Both count from when the part enters
    """

    distribution: str
    mean: Any = np.nan
    shape: Any = np.nan
    survival: Any = ()
    by_cohort: bool = False
    within: Lifetime | None = None

    def __post_init__(self) -> None:
        problems = list(_faults(self))
        if problems:
            raise InputError(problems)

    @property
    def changes(self) -> bool:
        """It, or that of the product, belongs to the step in which things enter."""
        return any(each.by_cohort for each in chain(self))

    def of(self, cohort: int) -> Lifetime:
        """The lifetime of what enters in one step."""
        within = None if self.within is None else self.within.of(cohort)
        if not self.by_cohort and within is self.within:
            return self
        made = object.__new__(Lifetime)
        vars(made).update(vars(self), by_cohort=False, within=within)
        if self.by_cohort:
            rows = {name: np.asarray(getattr(self, name)) for name in ("mean", "shape")}
            vars(made).update({name: row[cohort] if row.ndim else row for name, row in rows.items()})
            vars(made)["survival"] = self.survival[cohort] if np.ndim(self.survival) > 1 else self.survival
        return made

    def __str__(self) -> str:
        said = " by cohort" if self.by_cohort else ""
        said += f" within {self.within}" if self.within is not None else ""
        if self.distribution == "unlimited":
            return f"unlimited{said}"
        if self.distribution == "table":
            return f"table of {np.shape(self.survival)[-1]} ages{said}"
        shape = "" if self.distribution == "fixed" else f", {_span(self.shape)}"
        return f"{self.distribution} ({_span(self.mean)}{shape}){said}"


def hazard_table(hazards: Any, within: Lifetime | None = None) -> Lifetime:
    """A lifetime from hazards: the share of what is left at the age of 0, 1, 2, ... years that goes in the
    year after, shape (ages,), or (steps, ages) where it belongs to the step in which things enter."""
    shares = np.asarray(hazards, dtype=float)
    if shares.ndim not in (1, 2) or not shares.size or not ((shares >= 0) & (shares <= 1)).all():
        raise InputError(Problem("a hazard table holds shares from 0 to 1, one for each year of age."))
    left = np.concatenate([np.ones_like(shares[..., :1]), np.cumprod(1.0 - shares, axis=-1)], axis=-1)
    return Lifetime("table", survival=left, by_cohort=shares.ndim == 2, within=within)


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
        falls = left.ndim == 1 + (life.by_cohort and left.ndim == 2) and left.shape[-1] > 1
        falls = falls and (left[..., 0] == 1).all() and (np.diff(left) <= 0).all() and (left >= 0).all()
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
    left = DISTRIBUTIONS[life.distribution](np.asarray(age, dtype=float), life)
    return left if life.within is None else left * left_at(life.within, age)


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
    end = old
    for each in chain(life):
        if each.distribution == "fixed":
            end = np.clip(each.mean, young, end)
    share = (end - young) / (old - young)
    if life.distribution == "fixed" and life.within is None:
        return share
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return share * sum(
        (
            weight / 2 * left_at(life, young + (end - young) * (1 + node) / 2)
            for node, weight in zip(nodes, weights, strict=True)
        ),
        start=np.zeros(()),
    )


def chain(life: Lifetime) -> list[Lifetime]:
    """A lifetime and those of the products around it."""
    return [life, *(chain(life.within) if life.within is not None else [])]


def mean_life(life: Lifetime) -> Any:
    """∫ survival over all ages: the mean life, where lives below 0 count as 0."""
    from scipy.special import ndtr

    if life.within is not None:
        return _mean_of_both(life)
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


def _mean_of_both(life: Lifetime) -> Any:
    """Mean life of a part, by quadrature from year to year until nothing is left."""
    parts = [replace(each, within=None) for each in chain(life)]
    axes = max(np.ndim(values) for each in parts for values in (each.mean, each.shape))
    shortest = min(float(np.min(mean_life(each))) for each in parts)
    width, count = 1.0 / np.ceil(8.0 / shortest), 64
    while count < LONGEST and np.max(left_at(life, np.asarray(count * width))) > 1e-16:
        count *= 2
    edges = width * np.arange(count + 1.0).reshape(-1, *[1] * axes)
    return (mean_between(life, edges[:-1], edges[1:]) * width).sum(axis=0)
