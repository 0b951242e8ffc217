"""What an optimisation minimises: an indicator as weights on the unknowns, taken from the indicator itself.

The weights are read off the numerator (and denominator) of the indicator's own function, so an optimised
figure is the figure that `flowsim indicators` prints. An indicator whose terms are no weighted sums of flows
is refused; whether they are is tried with random amounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Indicator, Terms, get
from flowsim.result import Result
from flowsim.tables import nearest

OBJECTIVES = {
    "cost": ("general.value_added", "net cost", "净成本"),
    "virgin": ("general.virgin_input", "virgin material input", "原生物料投入量"),
    "waste": (
        "general.solid_waste_landfilled",
        "solid waste landfilled or disposed of",
        "固体废物填埋处置量",
    ),
    "water": ("cn.fresh_water_intake", "fresh water intake", "新水取用量"),
    "co2": ("general.co2", "CO2 emissions", "二氧化碳排放量"),
}
"""Short names of objectives: the indicator, English and Chinese name."""
TRIALS = 3
"""Random amounts with which it is tried whether an indicator is a weighted sum."""
LINEAR = 1e-9


@dataclass(frozen=True)
class Objective:
    """``scale · (top · x) / (bottom · x)``, or ``scale · top · x`` where ``bottom`` is None.

    ``top`` and ``bottom`` have shape (unknowns,). ``sense`` is 1 where less is better, −1 where more is.
    """

    name: str
    en: str
    zh: str
    unit: str
    indicator: Indicator
    sense: float
    top: np.ndarray
    bottom: np.ndarray | None = None
    scale: float = 1.0

    def value(self, x: np.ndarray, fixed: float = 0.0) -> float:
        """The figure for amounts of shape (unknowns,) and the fixed cost of what is open."""
        top = float(self.top @ x) + fixed
        return self.scale * top / (1.0 if self.bottom is None else float(self.bottom @ x))


def objective_of(
    result: Result, name: str, link_cost: np.ndarray, sets: Mapping[str, str] | None = None
) -> Objective:
    """An objective for a system with all links open.

    Parameters
    ----------
    result : any answer of that system
    link_cost : shape (flows,), CNY per unit moved over each link, counted by ``cost`` alone

    Raises
    ------
    InputError : an unknown objective, one that lacks data, or an indicator that is no sum or ratio
    """
    if name not in OBJECTIVES and "." not in name:
        hint = (
            nearest(name, OBJECTIVES) or f"Objectives are {', '.join(OBJECTIVES)}, or the id of an indicator."
        )
        raise InputError(Problem(f"there is no objective `{name}`.", hint=hint))
    id, en, zh = OBJECTIVES.get(name, (name, "", ""))
    indicator = get(id)
    if not indicator.better:
        hint = "Choose one of which more, or less, is better: `flowsim indicators --list`."
        raise InputError(Problem(f"`{id}` does not say whether more or less of it is better.", hint=hint))
    top, bottom, scale = _weights(result, indicator, sets or {})
    sense = 1.0 if indicator.better == "less" else -1.0
    if name == "cost":
        top, sense = -top, 1.0
        top[: len(link_cost)] += link_cost
    return Objective(
        name, en or indicator.en, zh or indicator.zh, indicator.unit, indicator, sense, top, bottom, scale
    )


def _weights(
    result: Result, indicator: Indicator, sets: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray | None, float]:
    system = result.system
    draws = np.random.default_rng(0).uniform(1.0, 2.0, (TRIALS, system.matrix.shape[1]))
    most = np.where(system.upper > 0, 1.0, 0.0)
    usual = np.maximum(np.abs(np.nan_to_num(result.x)), 1.0)
    draws *= most * usual
    found = [_terms(indicator, Account(result, "city", {}, sets, draw[None, :])) for draw in draws]
    parts = [[np.ravel(terms.numerator) for terms in found]]
    if found[0].denominator is not None:
        parts.append([np.ravel(np.asarray(terms.denominator)) for terms in found])
    made = [_linear(result, indicator, np.array(part), draws) for part in parts]
    return made[0], made[1] if len(made) > 1 else None, found[0].scale


def _terms(indicator: Indicator, account: Account) -> Terms:
    if indicator.direct:
        raise _refused(indicator, "is worked out in a way of its own")
    try:
        terms = indicator.function(account)
    except Missing as reason:
        hint = "Every flow that could run needs the figure, since the optimum may use it."
        raise InputError(Problem(f"objective `{indicator.id}`: {reason.en}.", hint=hint)) from None
    assert isinstance(terms, Terms)
    return terms


def _linear(result: Result, indicator: Indicator, terms: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Weights w with ``terms = w x`` for every draw; tracked substances count by their amount."""
    system, flows = result.system, terms.shape[1]
    columns = np.arange(flows)
    weights = np.zeros(system.matrix.shape[1])
    for layer in ("base", *system.layers):
        own = (
            columns
            if layer == "base"
            else np.flatnonzero((system.unknown_kind == "flow") & (system.unknown_layer == layer))
        )
        amounts = draws[:, own]
        ratio = np.divide(terms, amounts, out=np.zeros_like(terms), where=amounts != 0)
        steady = np.ptp(ratio, axis=0) <= LINEAR * np.abs(ratio).max(axis=0)
        weights[own[steady]] += ratio[0, steady]
        terms = np.where(steady, 0.0, terms)
    if (np.abs(terms) > 0).any():
        raise _refused(indicator, "depends on how flows divide")
    return weights


def _refused(indicator: Indicator, why: str) -> InputError:
    hint = "Optimise one that is a sum, or a ratio of sums, of flows: " + ", ".join(OBJECTIVES) + "."
    return InputError(Problem(f"`{indicator.id}` {why}, so no linear programme can optimise it.", hint=hint))
