"""Cohorts: what enters a stock in one step, and how much of it is still there later. Numbers only.

A stock stands at the end of a step, a flow is an amount per year over a step (convention C2). When in the
step things enter is stated with every stock: at its ``start``, ``middle`` or ``end``, or ``spread`` evenly.

    stock(t) = Σ inflow(s) · length(s) · survival(t, s) + what is left of the initial stock
    outflow(t) = inflow(t) − (stock(t) − stock(t−1)) / length(t)

Sources: van der Voet, Kleijn, Huele, Ishikawa and Verkuijlen, 2002, Ecological Economics 41, 223-234
(inflow-driven stocks); Müller, 2006, Ecological Economics 59, 142-156 (stock-driven). Conventions agree
with the dynamic stock model of ODYM (Pauliuk and Heeren, 2020, J. Ind. Ecol. 24, 446-458), where things
enter at the ``end``.

Arrays have the steps along their first axis; further axes are series (regions, products) that are
computed together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.lifetimes import Lifetime, chain, left_at, mean_between, mean_life

if TYPE_CHECKING:
    import pandas as pd

ENTRIES = ("start", "middle", "end", "spread")
"""When in a step things enter the stock."""

NOISE = 1e-9
"""A negative inflow within this share of the largest stock is rounding, and becomes zero."""
FALLS = "It falls faster than things reach the end of their life."
TINY = 1e-300
"""Stands for nothing where something is divided by it."""
DIRECT = 48
"""Series with lifetimes of their own are convolved by FFT from so many steps on, else lag by lag."""


# ---- steps ----


@dataclass(frozen=True)
class Steps:
    """The steps of a model: each ends at the end of its year and is so many years long."""

    ends: np.ndarray
    lengths: np.ndarray

    @classmethod
    def ending(cls, years: Any, first: float | None = None) -> Steps:
        """Steps that end with the given years, each beginning where the one before it ends.

        Parameters
        ----------
        years : shape (steps,), ascending; fractions of years are fine
        first : length of the first step; without it as long as the second (one year if there is none)

        Raises
        ------
        InputError : years that do not ascend
        """
        ends = np.atleast_1d(np.asarray(years, dtype=float))
        gaps = np.diff(ends)
        if (
            ends.ndim != 1
            or not len(ends)
            or not np.isfinite(ends).all()
            or (gaps <= 0).any()
            or (first is not None and not first > 0)
        ):
            raise InputError(
                Problem(
                    "the years of a stock model must ascend.", hint="Give each year once, earliest first."
                )
            )
        start = (gaps[0] if len(gaps) else 1.0) if first is None else first
        return cls(ends, np.append(start, gaps))

    @cached_property
    def even(self) -> bool:
        """All steps have one length."""
        return bool(np.allclose(self.lengths, self.lengths[0], rtol=1e-12, atol=1e-9))

    def __len__(self) -> int:
        return len(self.ends)


def survivors(life: Lifetime, steps: Steps, entry: str, cohort: int, axes: int = 0) -> np.ndarray:
    """Share of one step's inflow that is left at the end of that and each later step.

    Parameters
    ----------
    axes : number of series axes; the answer has shape (later steps, 1 or series, ...)
    """
    if entry not in ENTRIES:
        raise InputError(Problem(f"things cannot enter at `{entry}`.", hint=f"Known: {', '.join(ENTRIES)}."))
    own = life.of(cohort)
    young = (steps.ends[cohort:] - steps.ends[cohort]).reshape(-1, *[1] * axes)
    old = young + steps.lengths[cohort]
    if entry == "spread":
        return mean_between(own, young, old)
    return left_at(own, {"start": old, "middle": (young + old) / 2, "end": young}[entry])


@dataclass(frozen=True)
class Initial:
    """What stands at the beginning of the first step.

    Attributes
    ----------
    amount : shape (...) of the series; with several ``ages`` they are its first axis
    ages : years; without it the stock is as old as one that always got the same inflow and no more
    """

    amount: Any
    ages: Any = None

    def __post_init__(self) -> None:
        ages, amount = np.asarray(np.nan if self.ages is None else self.ages, dtype=float), self.amount
        if (ages < 0).any() or (np.asarray(amount) < 0).any():
            raise InputError(Problem("an initial stock and its ages must not be negative."))
        if ages.ndim and np.shape(amount)[:1] != ages.shape:
            hint = "Give one amount for each age, the ages along the first axis."
            raise InputError(Problem(f"there are {ages.size} ages, but other amounts.", hint=hint))

    def left(self, life: Lifetime, steps: Steps, axes: int = 0) -> np.ndarray:
        """What is left of it at the end of each step, shape (steps, 1 or series, ...)."""
        life = life.of(0)
        later = (steps.ends - steps.ends[0] + steps.lengths[0]).reshape(-1, *[1] * axes)
        if self.ages is None:
            return self.amount * _left_of_old(life, later)
        amounts = self.amount if np.ndim(self.ages) else [self.amount]
        parts = zip(np.atleast_1d(self.ages), amounts, strict=True)
        return sum(
            (amount * _left_since(life, float(age), later) for age, amount in parts), start=np.zeros(())
        )

    @property
    def total(self) -> np.ndarray:
        """What stands in all, shape (...) of the series."""
        return np.sum(self.amount, axis=0) if np.ndim(self.ages) else np.asarray(self.amount, dtype=float)


def _left_since(life: Lifetime, age: float, later: np.ndarray) -> np.ndarray:
    """Share of what has reached an age that is left after some years."""
    now = left_at(life, np.asarray(age))
    if (now <= 0).any():
        hint = "Give the initial stock a younger age, or a longer life."
        raise InputError(
            Problem(
                f"nothing of the initial stock can be {age:.6g} years old: none lasts so long.", hint=hint
            )
        )
    return left_at(life, age + later) / now


def _left_of_old(life: Lifetime, later: np.ndarray) -> np.ndarray:
    """Share of a stock in its steady state that is left after some years: 1 − ∫₀ᵃ survival / mean life."""
    if life.distribution == "unlimited":
        return np.ones_like(later)
    if life.distribution == "table" and life.survival[-1] > 0 and life.within is None:
        hint = "Let the survival table end with 0, or state the age of the initial stock."
        raise InputError(Problem("a stock of things that stay has no steady state.", hint=hint))
    before = np.concatenate([np.zeros_like(later[:1]), later[:-1]])
    gone = np.cumsum((later - before) * mean_between(life, before, later), axis=0)
    return np.maximum(1.0 - gone / mean_life(life), 0.0)


# ---- models ----


@dataclass(frozen=True)
class Stocks:
    """A stock over time. Flows are per year, the stock stands at the end of each step; shape (steps, ...).

    ``initial`` is what is left of the initial stock, ``kept`` the share of what stood that was not taken
    early in each step (1 where nothing had to leave early), ``before`` the initial stock itself.
    """

    steps: Steps
    entry: str
    lifetime: Lifetime
    inflow: np.ndarray
    stock: np.ndarray
    initial: np.ndarray
    kept: np.ndarray
    before: np.ndarray = field(repr=False)

    @property
    def outflow(self) -> np.ndarray:
        """What leaves per year in each step."""
        return self.inflow - self.change

    @property
    def change(self) -> np.ndarray:
        """What the stock gains per year in each step."""
        standing = np.concatenate([self.before[None], self.stock])
        return np.diff(standing, axis=0) / _along(self.steps.lengths, self.stock.ndim - 1)

    def cohorts(self, series: tuple[int, ...] = ()) -> np.ndarray:
        """What is left at the end of each step (rows) of what entered in each step (columns), one series."""
        count = len(self.steps)
        table = np.zeros((count, count))
        kept = _one(self.kept, series)
        for cohort in range(count):
            share = survivors(self.lifetime, self.steps, self.entry, cohort, self.stock.ndim - 1)
            share = _one(np.broadcast_to(share, (count - cohort, *self.stock.shape[1:])), series)
            amount = _one(self.inflow, series)[cohort] * self.steps.lengths[cohort]
            table[cohort:, cohort] = amount * share * np.cumprod(np.append(1.0, kept[cohort + 1 :]))
        return table

    def gap(self, series: tuple[int, ...] = ()) -> float:
        """How far the cohorts of one series and its stock disagree, as a share of the largest stock."""
        stock = _one(self.stock, series)
        difference = self.cohorts(series).sum(axis=1) + _one(self.initial, series) - stock
        return float(np.abs(difference).max() / max(np.abs(stock).max(), TINY))

    def table(self) -> pd.DataFrame:
        """Tidy rows: year, length, entry, lifetime, inflow, outflow, stock, change; one series."""
        import pandas as pd

        columns = {"inflow": self.inflow, "outflow": self.outflow, "stock": self.stock, "change": self.change}
        if self.stock.ndim > 1:
            raise InputError(
                Problem("this model has several series.", hint="Read its arrays, or run one series.")
            )
        head = {
            "year": self.steps.ends,
            "length": self.steps.lengths,
            "entry": self.entry,
            "lifetime": str(self.lifetime),
        }
        return pd.DataFrame({**head, **columns})

    def __repr__(self) -> str:
        return f"<Stocks {self.stock.shape}, lifetime {self.lifetime}, entry at {self.entry} of step>"


def _one(values: np.ndarray, series: tuple[int, ...]) -> np.ndarray:
    """One series of an array of shape (steps, ...)."""
    return np.moveaxis(values, 0, -1)[series]


def stock_model(
    years: Any,
    lifetime: Lifetime,
    *,
    inflow: Any = None,
    stock: Any = None,
    entry: str = "middle",
    initial: Initial | None = None,
    early: bool = False,
    first: float | None = None,
) -> Stocks:
    """A stock from its inflow, or the inflow that a stock asks for.

    Parameters
    ----------
    years : shape (steps,), the year that each step ends with
    inflow : amount per year, shape (steps, ...); or
    stock : amount at the end of each step, shape (steps, ...)
    entry : when in its step a thing enters: ``start``, ``middle``, ``end`` or ``spread``
    initial : what stands before the first step
    early : where a falling stock would need a negative inflow, let the excess leave early, the same share
        of every cohort; else that is an error
    first : length of the first step, years; without it as long as the second

    Raises
    ------
    InputError : years that do not ascend, an array of another length, or a stock that falls faster than its
        cohorts leave
    """
    steps = Steps.ending(years, first)
    if (inflow is None) == (stock is None):
        raise InputError(
            Problem("a stock model needs `inflow` or `stock`, one of them.", hint="The other follows.")
        )
    given = np.asarray(inflow if stock is None else stock, dtype=float)
    if given.ndim == 0 or len(given) != len(steps) or not np.isfinite(given).all():
        shape = f"{len(given)} values" if given.ndim else "one value"
        raise InputError(
            Problem(
                f"there are {len(steps)} steps, but {shape}, or some are missing.",
                hint="Give one for each step.",
            )
        )
    for each in chain(lifetime):
        _check_shape(each, given)
    if (given < 0).any():
        raise InputError(
            Problem(
                f"{'inflow' if stock is None else 'stock'} must not be negative (C3).",
                hint="Mend the years below 0.",
            )
        )
    return _model(steps, lifetime, given, stock is not None, entry, initial, early)


def _check_shape(life: Lifetime, given: np.ndarray) -> None:
    """The parameters of a lifetime are numbers or fit the series; by cohort the steps come before these."""
    if np.ndim(life.survival) > 1 and len(life.survival) != len(given):
        message = f"there are {len(life.survival)} survival tables for {len(given)} steps."
        raise InputError(Problem(message, hint="Give one row for each step."))
    for shape in filter(None, (np.shape(life.mean), np.shape(life.shape))):
        own = shape[1:] if life.by_cohort else shape
        fits = len(own) < given.ndim and (not life.by_cohort or shape[0] == len(given))
        fits = fits and all(a in (1, b) for a, b in zip(own[::-1], given.shape[:0:-1], strict=False))
        if not fits:
            wanted = given.shape if life.by_cohort else given.shape[1:]
            what = "steps and series" if life.by_cohort else "series"
            message = f"a lifetime of shape {shape} does not fit the {what}, {wanted}."
            raise InputError(Problem(message, hint="Give one number, or one for each of them."))


def _model(
    steps: Steps,
    life: Lifetime,
    given: np.ndarray,
    stock_driven: bool,
    entry: str,
    initial: Initial | None,
    early: bool,
) -> Stocks:
    axes, shape = given.ndim - 1, given.shape
    lengths = _along(steps.lengths, axes)
    left = 0.0 if initial is None else np.broadcast_to(initial.left(life, steps, axes), shape)
    before = np.broadcast_to(0.0 if initial is None else initial.total, shape[1:])
    kept, inflow, stock = np.broadcast_to(1.0, shape), given, given
    if not steps.even or life.changes or early:
        target = given if stock_driven else None
        start = np.broadcast_to(left, shape)
        amount, stock, left, kept = _recursion(life, steps, entry, given * lengths, target, start, early)
    elif stock_driven:
        amount = _deconvolved(survivors(life, steps, entry, 0, axes), given - left)
    else:
        stock = _convolved(survivors(life, steps, entry, 0, axes), given * lengths) + left
    if stock_driven:
        inflow = _not_negative(amount, steps, given) / lengths
    return Stocks(steps, entry, life, inflow, stock, np.broadcast_to(left, shape), kept, before)


def _along(lengths: np.ndarray, axes: int) -> np.ndarray:
    """The lengths of the steps, to be multiplied with an array of shape (steps, ...)."""
    return lengths.reshape(-1, *[1] * axes)


def _lower(kernel: np.ndarray) -> np.ndarray:
    """The survival table of even steps and one lifetime: a lower triangular Toeplitz matrix."""
    from scipy.linalg import toeplitz

    return toeplitz(kernel, np.zeros(len(kernel)))


def _convolved(kernel: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Σ amount(s) · kernel(t − s): one matrix product for a shared lifetime, else by lag or by FFT."""
    count = len(amount)
    if kernel.size == count:
        return (_lower(kernel.ravel()) @ amount.reshape(count, -1)).reshape(amount.shape)
    if count < DIRECT:
        stock = kernel[0] * amount
        for lag in range(1, count):
            stock[lag:] += kernel[lag] * amount[:-lag]
        return stock
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(2 * count - 1, real=True)
    spectrum = rfft(kernel, size, axis=0) * rfft(amount, size, axis=0)
    return irfft(spectrum, size, axis=0)[:count]


def _deconvolved(kernel: np.ndarray, stock: np.ndarray) -> np.ndarray:
    """The amounts whose convolution with the kernel is the stock, by forward substitution."""
    from scipy.linalg import solve_triangular

    count = len(stock)
    _check_first(kernel[0])
    if kernel.size == count:
        found = solve_triangular(
            _lower(kernel.ravel()), stock.reshape(count, -1), lower=True, check_finite=False
        )
        return found.reshape(stock.shape)
    rest, found = np.array(stock), np.empty(stock.shape)
    for step in range(count):
        found[step] = rest[step] / kernel[0]
        rest[step:] -= found[step] * kernel[: count - step]
    return found


def _check_first(share: np.ndarray) -> None:
    if (np.asarray(share) <= 0).any():
        hint = "Use shorter steps, a longer life, or let things enter later in the step."
        raise InputError(
            Problem(
                "nothing that enters lasts to the end of its step, so no inflow can hold the stock.",
                hint=hint,
            )
        )


def _recursion(
    life: Lifetime,
    steps: Steps,
    entry: str,
    amount: np.ndarray,
    stock: np.ndarray | None,
    left: np.ndarray,
    early: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cohort by cohort: for lifetimes by cohort, uneven steps, and what leaves early.

    Returns the amounts that enter, the stock, what is left of the initial stock, and the share kept.
    """
    standing, initial, kept = left.copy(), left.copy(), np.ones(left.shape)
    entered = amount.copy()
    for cohort in range(len(steps)):
        share = survivors(life, steps, entry, cohort, left.ndim - 1)
        if stock is not None:
            _check_first(share[0])
            if early:
                kept[cohort] = np.minimum(stock[cohort] / np.maximum(standing[cohort], TINY), 1.0)
                standing[cohort:] *= kept[cohort]
                initial[cohort:] *= kept[cohort]
            entered[cohort] = (stock[cohort] - standing[cohort]) / share[0]
        standing[cohort:] += entered[cohort] * share
    return entered, standing, initial, kept


def _not_negative(amount: np.ndarray, steps: Steps, stock: np.ndarray) -> np.ndarray:
    """A stock that falls faster than its cohorts leave cannot be reached by what enters."""
    largest = np.abs(stock).max(axis=0, keepdims=True)
    below = amount < -NOISE * largest
    if below.any():
        at = tuple(int(index) for index in np.argwhere(below)[0])
        series = f" in series {', '.join(map(str, at[1:]))}" if len(at) > 1 else ""
        place = f"{steps.ends[at[0]]:g}{series}"
        rate = amount[at] / steps.lengths[at[0]]
        message = f"the stock at the end of {place} would need an inflow of {rate:.6g} per year."
        hint = f"{FALLS} Raise it, shorten the life, or let the excess leave early (`early`)."
        raise InputError(Problem(message, hint=hint))
    return np.maximum(amount, 0.0)
