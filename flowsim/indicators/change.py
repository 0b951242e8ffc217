"""Changes between a base year and a target year: intensities, elasticities, yearly cuts, at constant
prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError
from flowsim.indicators.inputs import SINCE_BASE
from flowsim.indicators.registry import Value, evaluate, get

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

    def yearly(self, years: float) -> float:
        """Mean yearly change in percent; NaN where no years lie between, or one of the values is not
        positive.
        """
        if not (years > 0 and self.value > -100):
            return float("nan")
        return 100 * yearly_growth(1.0, 1 + self.value / 100, years)


def changes(
    names: str | Sequence[str],
    base: Result,
    target: Result,
    boundary: str = "park",
    *,
    inputs: Mapping[str, float] | None = None,
    base_inputs: Mapping[str, float] | None = None,
    sets: Mapping[str, str] | None = None,
) -> list[Change]:
    """Changes of indicators from a base result to a target result; −12.5 means 12.5 % lower.

    Both are recomputed from flows, with one price table each: the prices must be of the same year.
    ``names`` is a set, an id, with or without `SUFFIX`, or a list of both. ``base_inputs`` are the inputs of
    the base where they differ; without them they are ``inputs`` less `SINCE_BASE`. ``sets`` name sets of
    factors, as in `evaluate`.

    Raises
    ------
    InputError : an unknown indicator, set, boundary or input
    """
    asked = [names] if isinstance(names, str) else names
    plain = [name.removesuffix(SUFFIX) for name in asked]
    if base_inputs is None:
        base_inputs = {name: figure for name, figure in (inputs or {}).items() if name not in SINCE_BASE}
    ones = evaluate(base, plain, boundary, inputs=base_inputs, sets=sets)
    others = evaluate(target, plain, boundary, inputs=inputs, sets=sets)
    years = [_price_years(result) for result in (base, target)]
    return [_change(one, other, years) for one, other in zip(ones, others, strict=True)]


def change(
    id: str,
    base: Result,
    target: Result,
    boundary: str = "park",
    *,
    inputs: Mapping[str, float] | None = None,
    base_inputs: Mapping[str, float] | None = None,
) -> Change:
    """The change of one indicator, as `changes` gives it.

    Raises
    ------
    InputError : an unknown indicator, boundary or input
    """
    return changes(id, base, target, boundary, inputs=inputs, base_inputs=base_inputs)[0]


def _change(one: Value, other: Value, years: Sequence[set[float]]) -> Change:
    id, nan = one.indicator.id, float("nan")
    for value in (one, other):
        if value.reason:
            return Change(id, one, other, nan, value.reason, value.reason_zh)
    if years[0] != years[1] and _has_money(one):
        texts = " and ".join(", ".join(f"{year:g}" for year in sorted(found)) for found in years)
        return Change(id, one, other, nan, f"prices of {texts} differ", f"价格年份不同（{texts}）")
    if one.value == 0:
        return Change(id, one, other, nan, "the base is 0", "基期为零")
    if one.value < 0:
        return Change(id, one, other, nan, "the base is negative", "基期为负")
    return Change(id, one, other, 100 * (other.value / one.value - 1))


def _has_money(value: Value) -> bool:
    return any(word in value.indicator.unit for word in ("CNY", "元"))


def _price_years(result: Result) -> set[float]:
    years = result.system.prices["year"].to_numpy(dtype=float)
    return set(years[~np.isnan(years)])


ELASTICITIES = {
    "energy": (
        ("cn.comprehensive_energy",),
        "Elasticity of energy consumption",
        "综合能耗弹性系数",
        "HJ 274-2015, no. 10",
    ),
    "water": (
        ("cn.fresh_water_intake",),
        "Elasticity of fresh water use",
        "新鲜水耗弹性系数",
        "HJ 274-2015, no. 13",
    ),
    "pollutants": (
        ("cn.pollutant_cod", "cn.pollutant_nh3n", "cn.pollutant_so2", "cn.pollutant_nox"),
        "Elasticity of main pollutants, mean",
        "主要污染物排放弹性系数（均值）",
        "HJ 274-2015, no. 25",
    ),
}
"""What yearly growth is set against that of value added: indicators, English and Chinese name, clause."""


@dataclass(frozen=True)
class Elasticity:
    """Mean yearly growth of amounts over that of value added; NaN where it is missing, with reasons.

    ``growth`` is the mean yearly growth of value added as a share: the test of the standard turns round
    where it is negative.
    """

    en: str
    zh: str
    clause: str
    value: float
    growth: float
    reason: str = ""
    reason_zh: str = ""


def elasticity(
    name: str,
    base: Result,
    target: Result,
    years: float,
    boundary: str = "park",
    *,
    inputs: Mapping[str, float] | None = None,
    sets: Mapping[str, str] | None = None,
) -> Elasticity:
    """Mean yearly growth of an amount over that of value added (HJ 274-2015, nos. 10, 13 and 25).

    Parameters
    ----------
    name : a key of `ELASTICITIES`, or the id of an indicator
    years : between the results

    Raises
    ------
    InputError : an unknown indicator, boundary or input, or no time between the results
    """
    if not years > 0:
        raise InputError(f"an elasticity needs a time between the results, but {years:g} years were given.")
    ids, en, zh, clause = ELASTICITIES.get(name) or ((name,), get(name).en, get(name).zh, "")
    asked = ["general.value_added", *ids]
    money, *amounts = changes(asked, base, target, boundary, inputs=inputs, sets=sets)
    nan = float("nan")
    for part in (money, *amounts):
        if part.reason:
            where, where_zh = part.base.indicator.en, part.base.indicator.zh
            reason, reason_zh = f"{where}: {part.reason}", f"{where_zh}：{part.reason_zh}"
            return Elasticity(en, zh, clause, nan, nan, reason, reason_zh)
        if not part.target.value > 0:
            return Elasticity(en, zh, clause, nan, nan, f"{part.id} is not positive", f"{part.id} 不为正")
    rise, *growth = (yearly_growth(1.0, 1 + part.value / 100, years) for part in (money, *amounts))
    if rise == 0:
        return Elasticity(en, zh, clause, nan, rise, "value added did not change", "增加值没有变化")
    return Elasticity(en, zh, clause, float(np.mean(growth)) / rise, rise)


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
