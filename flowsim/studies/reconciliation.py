"""A `Reconciliation`: what data say together, with what is left of their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.display import Displayed
from flowsim.result import FORMAT, Result, records
from flowsim.studies.adjust import State, factor_at, normal_draws
from flowsim.studies.factor import Factor
from flowsim.studies.problem import Model

if TYPE_CHECKING:
    import pandas as pd

CLASSES = {
    "redundant": ("measured, redundant", "测量值，冗余"),
    "just_determined": ("measured, just determined", "测量值，恰好确定"),
    "exact": ("exact", "精确给定"),
    "deduced": ("deduced", "推算"),
    "unobservable": ("unobservable", "不可观测"),
    "left_out": ("left out", "已剔除"),
}
"""Class of a number, in English and Chinese."""


@dataclass(frozen=True)
class Optimum:
    """One minimum that was found: its objective, how far above the best, and the values of all unknowns."""

    objective: float
    gap: float
    x: np.ndarray
    data: np.ndarray
    starts: int


@dataclass(frozen=True)
class Reconciliation(Displayed):
    """What the data say together.

    Attributes
    ----------
    result : the balanced flows, with ``sd``, as the result of any other study
    data : one row a datum: id, kind, before, after, their sd, change in standard units, class, test, source
    values : one row an unknown: id, layer, class, value, sd, low, high (95 % interval, or what bounds leave)
    test : objective, dof, critical, p, passed of the global test
    suspects : data whose test fails or comes nearest, worst first: objective_without, p_without, alike
    optima : distinct minima of a bilinear problem, best first
    eliminated : data that serial elimination left out, in order
    certificate : steps, feasibility, stationarity, converged
    notes, notes_zh : remarks for the reader, in English and in Chinese
    """

    result: Result
    data: pd.DataFrame
    values: pd.DataFrame
    test: dict[str, Any]
    suspects: pd.DataFrame
    optima: tuple[Optimum, ...]
    eliminated: tuple[str, ...]
    certificate: dict[str, Any]
    notes: tuple[str, ...]
    notes_zh: tuple[str, ...]
    model: Model
    state: State

    @cached_property
    def factor(self) -> Factor:
        return factor_at(self.model, self.state)

    @cached_property
    def whole_factor(self) -> Factor:
        """With the rows of what nothing fixes, to see what would."""
        return factor_at(self.model, self.state, whole=True)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.endswith("factor")}

    def covariance(self, weights: np.ndarray) -> np.ndarray:
        """Covariance of sums of unknowns, ``weights`` of shape (unknowns, sums); NaN for unobservable ones.

        ``Wᵀ C W`` by one solve a sum: C itself is never formed.
        """
        weights = np.asarray(weights, dtype=float).reshape(len(self.result.x), -1)
        rhs = np.zeros((self.factor.matrix.shape[0], weights.shape[1]))
        first = self.model.data
        rhs[first : first + len(weights)] = weights
        found = weights.T @ self.factor.solve(rhs)[first : first + len(weights)]
        lost = (np.abs(weights)[np.isnan(self.result.x)] > 0).any(axis=0)
        found[lost], found[:, lost] = np.nan, np.nan
        return (found + found.T) / 2

    def draws(self, count: int, seed: int = 0) -> np.ndarray:
        """Draws of the unknowns by normal theory, shape (count, unknowns); each closes to first order."""
        found = normal_draws(self.model, self.factor, np.random.default_rng(seed), count)[
            :, self.model.data :
        ]
        return self.result.x + found[:, : len(self.result.x)]

    def as_json(self) -> dict[str, Any]:
        """The whole answer as plain values, NaN and infinity as null."""
        about = self.result.system.about
        return {
            "flowsim_json": FORMAT,
            "kind": "reconciliation",
            "name": dict(about["name"]),
            "year": about["year"],
            "variant": about["variant"],
            "test": self.test,
            "certificate": self.certificate,
            "data": records(finite(self.data)),
            "values": records(finite(self.values)),
            "suspects": records(finite(self.suspects)),
            "eliminated": list(self.eliminated),
            "optima": [
                {"objective": one.objective, "gap": one.gap, "starts": one.starts, "data": one.data.tolist()}
                for one in self.optima
            ],
            "notes": list(self.notes),
            "notes_zh": list(self.notes_zh),
            "origin": self.result.origin,
        }

    def __repr__(self) -> str:
        test = self.test
        return (
            f"<Reconciliation of {self.result.system.about['name']['en']}: {len(self.data)} data, "
            f"objective {test['objective']:.4g} with {test['dof']} degrees of freedom, p = {test['p']:.3g}>"
        )


def finite(frame: pd.DataFrame) -> pd.DataFrame:
    """A table for JSON, which knows no infinity."""
    return frame.replace([np.inf, -np.inf], np.nan)
