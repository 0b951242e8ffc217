"""The answer as draws, where normal theory is not enough: skewed data, ranges, and bounds that hold.

Elliptical slice sampling (Murray, Adams and MacKay, 2010, AISTATS): proposals come from the normal answer,
which closes every balance, and are taken by how much more likely the stated distributions find them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from flowsim.studies.adjust import adjust, factor_at, normal_draws
from flowsim.studies.problem import Model
from flowsim.studies.reconciliation import Reconciliation

BURN_IN = 200
THIN = 3
OUTSIDE = 1e3
"""Log-likelihood lost for each standard uncertainty beyond a range: a chain that starts outside walks in."""
QUANTILES = (0.025, 0.5, 0.975)


@dataclass(frozen=True)
class _Shape:
    """Distributions of the data: log-density relative to the normal one that the proposals have."""

    model: Model
    name: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def gain(self, u: np.ndarray) -> float:
        """Log-likelihood of data ``u`` (in standard units) under their distributions less that of the
        normal."""
        total = 0.0
        value = self.model.value + self.model.sd * u
        for name, density in (("uniform", _uniform), ("triangular", _triangular), ("pert", _pert)):
            at = np.flatnonzero((self.name == name) & ~self.model.left_out)
            if len(at):
                low, high, mode = self.low[at], self.high[at], self.model.value[at]
                inside = np.clip(value[at], low + 1e-9 * (high - low), high - 1e-9 * (high - low))
                beyond = np.abs(value[at] - inside) / self.model.sd[at]
                total += float((density(inside, low, mode, high) - OUTSIDE * beyond + 0.5 * u[at] ** 2).sum())
        at = np.flatnonzero((self.name == "lognormal") & ~self.model.left_out)
        if len(at):
            spread = np.log1p((self.model.sd[at] / self.model.value[at]) ** 2)
            centre = np.log(self.model.value[at]) - spread / 2
            positive = np.maximum(value[at], 1e-12 * self.model.value[at])
            logs = np.log(positive)
            beyond = (positive - value[at]) / self.model.sd[at]
            total += float(
                (-logs - (logs - centre) ** 2 / (2 * spread) - OUTSIDE * beyond + 0.5 * u[at] ** 2).sum()
            )
        return total


def _uniform(value: np.ndarray, low: np.ndarray, mode: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.zeros(len(value))


def _triangular(value: np.ndarray, low: np.ndarray, mode: np.ndarray, high: np.ndarray) -> np.ndarray:
    up = (value - low) / np.maximum(mode - low, 1e-300)
    down = (high - value) / np.maximum(high - mode, 1e-300)
    return np.log(np.where(value < mode, up, down))


def _pert(value: np.ndarray, low: np.ndarray, mode: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Beta on low to high with exponents 4 (mode − low) / range and 4 (high − mode) / range."""
    size = high - low
    rise, fall = 4 * (mode - low) / size, 4 * (high - mode) / size
    return rise * np.log(value - low) + fall * np.log(high - value)


def with_sample(answer: Reconciliation, count: int, seed: int) -> Reconciliation:
    """Add the columns ``low_sampled, median_sampled, high_sampled`` (2.5, 50 and 97.5 %) to data and values.

    Bilinear problems are sampled on the rows as they stand at the answer.
    """
    draws = draw(answer, count, seed)
    first = answer.model.data
    x = draws[:, first : first + len(answer.result.x)]
    data = answer.model.value + answer.model.sd * draws[:, :first]
    tables = []
    for frame, values in ((answer.data, data), (answer.values, x)):
        made = frame.copy()
        unknown = np.isnan(made["after" if "after" in made else "value"].to_numpy())
        for name, level in zip(("low", "median", "high"), QUANTILES, strict=True):
            made[f"{name}_sampled"] = np.where(unknown, np.nan, np.quantile(values, level, axis=0))
        tables.append(made)
    return replace(answer, data=tables[0], values=tables[1])


def draw(answer: Reconciliation, count: int, seed: int) -> np.ndarray:
    """Draws of (u, x), shape (count, columns), that close every row and keep within the bounds."""
    model, bounds = answer.model, answer.result.options["bounds"]
    free = adjust(model, (answer.state.u, answer.state.x), bounds=False)
    centre = np.concatenate([free.u, free.x])
    open_columns = np.concatenate([np.zeros(model.data, dtype=bool), np.isnan(answer.result.x)])
    low, high = (np.full(len(centre), end) for end in (-np.inf, np.inf))
    if bounds:
        slack = len(centre) - len(open_columns)
        known = ~np.append(open_columns, np.zeros(slack, dtype=bool))
        low[known], high[known] = model.lower[known], model.upper[known]
    frame = answer.data
    shape = _Shape(
        model,
        frame["distribution"].to_numpy(),
        frame["low"].to_numpy(dtype=float),
        frame["high"].to_numpy(dtype=float),
    )
    size = np.maximum(np.abs(centre), 1e-9 * np.abs(centre[model.data :]).max(initial=1.0))

    def likelihood(offset: np.ndarray) -> float:
        z = centre + offset
        beyond = np.maximum(np.maximum(low - z, z - high), 0.0) / size
        return shape.gain(z[: model.data]) - OUTSIDE * float(beyond[beyond > 1e-9].sum())

    random = np.random.default_rng(seed)
    normal = normal_draws(model, factor_at(model, free), random, BURN_IN + count * THIN)
    offset = np.concatenate([answer.state.u, answer.state.x]) - centre
    kept = np.empty((count, len(centre)))
    now = likelihood(offset)
    for step in range(len(normal)):
        offset, now = _slice(offset, now, normal[step], likelihood, random)
        if step >= BURN_IN and (step - BURN_IN) % THIN == THIN - 1:
            kept[(step - BURN_IN) // THIN] = centre + offset
    return kept


def _slice(
    offset: np.ndarray,
    now: float,
    proposal: np.ndarray,
    likelihood: Callable[[np.ndarray], float],
    random: np.random.Generator,
) -> tuple[np.ndarray, float]:
    """One step: shrink the angle on the ellipse through both points until the draw is likely enough."""
    least = now + np.log(random.uniform())
    angle = random.uniform(0.0, 2 * np.pi)
    low, high = angle - 2 * np.pi, angle
    while True:
        tried = offset * np.cos(angle) + proposal * np.sin(angle)
        found = likelihood(tried)
        if found >= least:
            return tried, found
        low, high = (angle, high) if angle < 0 else (low, angle)
        angle = random.uniform(low, high)
