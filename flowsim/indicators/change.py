"""Changes between a base year and a target year: intensities, elasticities, yearly cuts, at constant
prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError
from flowsim.indicators.registry import Value, evaluate

if TYPE_CHECKING:
    from flowsim.result import Result

SUFFIX = "_change"
"""Ending of the id of a change, as targets use it: ``cn.energy_intensity_change``."""


@dataclass(frozen=True)
class Change:
    """An indicator in two results, and its change in percent: 100 (target / base − 1).

    ``value`` is NaN where it is missing, and the reasons say why.
    """

    id: str
    base: Value
    target: Value
    value: float
    reason: str = ""
    reason_zh: str = ""


def change(
    id: str,
    base: Result,
    target: Result,
    boundary: str = "park",
    *,
    inputs: Mapping[str, float] | None = None,
    base_inputs: Mapping[str, float] | None = None,
) -> Change:
    """Change of an indicator from a base result to a target result; −12.5 means 12.5 % lower.

    Both are recomputed from flows, with one price table each: the prices must be of the same year.
    ``base_inputs`` are the inputs of the base where they differ.

    Raises
    ------
    InputError : an unknown indicator, boundary or input
    """
    name = id.removesuffix(SUFFIX)
    one = evaluate(base, [name], boundary, inputs=inputs if base_inputs is None else base_inputs)[0]
    other = evaluate(target, [name], boundary, inputs=inputs)[0]
    for value in (one, other):
        if value.reason:
            return Change(id, one, other, float("nan"), value.reason, value.reason_zh)
    years = [_price_years(result) for result in (base, target)]
    if years[0] != years[1] and _has_money(one):
        texts = " and ".join(", ".join(f"{year:g}" for year in sorted(found)) for found in years)
        return Change(id, one, other, float("nan"), f"prices of {texts} differ", f"价格年份不同（{texts}）")
    if one.value == 0:
        return Change(id, one, other, float("nan"), "the base is 0", "基期为零")
    return Change(id, one, other, 100 * (other.value / one.value - 1))


def _has_money(value: Value) -> bool:
    return any(word in value.indicator.unit for word in ("CNY", "元"))


def _price_years(result: Result) -> set[float]:
    years = result.system.prices["year"].to_numpy(dtype=float)
    return set(years[~np.isnan(years)])


def elasticity(
    id: str,
    base: Result,
    target: Result,
    years: float,
    boundary: str = "park",
) -> Change:
    """Mean yearly growth of an amount over that of value added (HJ 274-2015, nos. 10, 13 and 25).

    For energy, ``id`` is ``cn.comprehensive_energy``, for water ``cn.fresh_water_intake``. The test of the
    standard turns round where value added falls. ``value`` is the elasticity, not a percentage.

    Raises
    ------
    InputError : an unknown indicator, boundary or input, or no time between the results
    """
    if not years > 0:
        raise InputError(f"an elasticity needs a time between the results, but {years:g} years were given.")
    amount = change(id, base, target, boundary)
    money = change("general.value_added", base, target, boundary)
    nan = float("nan")
    for part in (amount, money):
        if part.reason:
            return Change(id, amount.base, amount.target, nan, part.reason, part.reason_zh)
    growth = [yearly_growth(1.0, 1 + part.value / 100, years) for part in (amount, money)]
    if growth[1] == 0:
        reason, reason_zh = "value added did not change", "增加值没有变化"
        return Change(id, amount.base, amount.target, nan, reason, reason_zh)
    return Change(id, amount.base, amount.target, growth[0] / growth[1])


def yearly_growth(base: float, target: float, years: float) -> float:
    """Mean yearly growth as a share: (target / base)^(1 / years) − 1; a cut is negative (HJ 274-2015,
    no. 26).

    Raises
    ------
    InputError : a base or target that is not positive, or no time
    """
    if not (base > 0 and target > 0 and years > 0):
        raise InputError("yearly growth needs positive amounts and years.")
    return float((target / base) ** (1 / years) - 1)


def joined_cuts(cuts: Sequence[float]) -> float:
    """The cut over several years from yearly cuts, as shares: 1 − Π (1 − d), not their sum."""
    return float(1 - np.prod(1 - np.asarray(cuts, dtype=float)))


def productivity_uplift(
    value_added: tuple[float, float], inputs: tuple[float, float]
) -> tuple[float, float, float]:
    """Rise of value added per input from (base, target) pairs, and its two parts in logarithms.

    Returns the uplift as a share, ln of the growth of value added, and −ln of the growth of the input;
    the two logarithms add up to ln(1 + uplift).

    Raises
    ------
    InputError : a figure that is not positive
    """
    if not all(figure > 0 for figure in (*value_added, *inputs)):
        raise InputError("an uplift needs positive value added and inputs.")
    money, material = np.log(value_added[1] / value_added[0]), np.log(inputs[1] / inputs[0])
    return float(np.exp(money - material) - 1), float(money), float(-material)
