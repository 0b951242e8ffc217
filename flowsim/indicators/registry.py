"""The list of indicators: what each is, where its definition stands, and how values are worked out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.indicators.account import Account, Missing
from flowsim.result import Result
from flowsim.tables import nearest

if TYPE_CHECKING:
    import pandas as pd

CLOSED = 1e-6
"""Largest residual, as a share of the largest term of its row, of a balance that counts as closed."""

CERTAINTIES = ("confirmed", "from memory, to be confirmed", "own definition")
"""How sure the definition is: read in published material, recalled from the standard, or made here."""

FIRST = (
    "cn.main_resource_productivity",
    "eu.resource_productivity",
    "cn.isw_utilisation_rate",
    "cn.hw_utilisation_disposal_rate",
    "cn.industrial_water_reuse_rate",
    "cn.industrial_water_intensity",
    "cn.energy_intensity",
    "general.recycled_input_rate",
    "general.value_added",
    "general.co2",
    "general.co2_intensity",
    "general.solid_waste_landfilled",
)
"""The set ``first``: what a comparison shows when nothing else is asked."""

CHANGED = (
    "cn.main_resource_productivity",
    "eu.resource_productivity",
    "cn.energy_intensity",
    "cn.energy_intensity_equivalent",
    "cn.industrial_energy_intensity",
    "cn.water_intensity",
    "cn.industrial_water_intensity",
    "general.co2_intensity",
    "park.wastewater_intensity",
    "park.solid_waste_intensity",
    "general.value_added",
    "cn.comprehensive_energy",
    "cn.fresh_water_intake",
    "general.co2",
)
"""The set ``change``: what plans state as a change against a base year, and what it is made of."""

SETS = {"cn_park": "park", "ew_mfa": "eu"}
"""Other names of sets, as users know them."""


@dataclass(frozen=True)
class Terms:
    """What an indicator is made of, flow by flow, so that a value can be traced and a change split by flow.

    Attributes
    ----------
    numerator : shape (flows,), contribution of each flow in ``numerator_unit``
    denominator : shape (flows,), or None if the indicator is the sum itself
    scale : 100 for a percentage
    left_out : for each rule of the boundary, the rule in words and the flows that it left out
    coverage : share of the mass or water in question that the data cover, NaN where this cannot mislead
    """

    numerator: np.ndarray
    denominator: np.ndarray | None
    numerator_unit: str
    denominator_unit: str = ""
    scale: float = 1.0
    left_out: tuple[tuple[str, np.ndarray], ...] = ()
    coverage: float = float("nan")


@dataclass(frozen=True)
class Item:
    """One number that a figure is worked out from."""

    en: str
    zh: str
    value: float
    unit: str


@dataclass(frozen=True)
class Figure:
    """An indicator that is no ratio of sums over flows: its value, and what it was worked out from.

    ``flows`` masks the flows that it reads. A change of it cannot be shared out over flows.
    """

    value: float
    items: tuple[Item, ...]
    flows: np.ndarray


Function = Callable[[Account], Terms | Figure]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True)
class Indicator:
    """One defined figure.

    ``set`` is the part of the id before the dot, ``clause`` where the definition stands, ``certainty`` one of
    `CERTAINTIES`, ``better`` is ``more``, ``less`` or nothing. ``direct`` says that the function gives a
    `Figure` and not `Terms`.
    """

    id: str
    en: str
    zh: str
    unit: str
    set: str
    formula: str
    formula_zh: str
    clause: str
    certainty: str
    better: str
    function: Function
    note: str = ""
    direct: bool = False


@dataclass(frozen=True)
class Value:
    """An indicator at a boundary: its value, or NaN with the reason why it is missing.

    ``terms`` is None where the value is missing or is a ``figure`` of its own; then nothing adds up by flow.
    """

    indicator: Indicator
    boundary: str
    value: float
    reason: str
    reason_zh: str
    terms: Terms | None
    numerator: float
    denominator: float
    figure: Figure | None = None


_KNOWN: dict[str, Indicator] = {}


def indicator(
    id: str,
    *,
    en: str,
    zh: str,
    unit: str,
    formula: str,
    formula_zh: str,
    clause: str,
    certainty: str,
    better: str = "",
    direct: bool = False,
) -> Callable[[F], F]:
    """Register a function of an account as an indicator; its docstring becomes the note.

    The names and the unit are those that a reader sees, the formulas are in words.
    """

    def register(function: F) -> F:
        note = " ".join((function.__doc__ or "").split())
        set_name = id.partition(".")[0]
        words = (id, en, zh, unit, set_name, formula, formula_zh, clause, certainty, better)
        _KNOWN[id] = Indicator(*words, function, note, direct)
        return function

    return register


def get(id: str) -> Indicator:
    """The indicator of that id.

    Raises
    ------
    InputError : no such indicator
    """
    if id not in _KNOWN:
        hint = nearest(id, _KNOWN) or "`flowsim indicators` lists them."
        raise InputError(Problem(f"there is no indicator `{id}`.", hint=hint))
    return _KNOWN[id]


def known(set: str | None = None) -> list[Indicator]:
    """All indicators, or those of one set: the part of an id before the dot, `SETS`,
    ``first``, ``change`` or ``all``.

    Raises
    ------
    InputError : no such set
    """
    if set in (None, "all"):
        return list(_KNOWN.values())
    chosen_ids = {"first": FIRST, "change": CHANGED}.get(str(set), ())
    if chosen_ids:
        return [get(id) for id in chosen_ids]
    chosen = [item for item in _KNOWN.values() if item.set == SETS.get(str(set), set)]
    if not chosen:
        sets = list(dict.fromkeys(["first", "all", "change", *(item.set for item in _KNOWN.values()), *SETS]))
        hint = nearest(str(set), sets) or f"Sets are {', '.join(sets)}."
        raise InputError(Problem(f"there is no set of indicators `{set}`.", hint=hint))
    return chosen


def evaluate(
    result: Result,
    ids: str | Sequence[str] | None = None,
    boundary: str = "park",
    *,
    inputs: Mapping[str, float] | None = None,
    sets: Mapping[str, str] | None = None,
) -> list[Value]:
    """Values of indicators of a result at a boundary, each a number or missing with a reason.

    ``ids`` is a set, an id, a list of both, or None for all. ``inputs`` are figures that no flow carries
    (`inputs.INPUTS`), ``sets`` name the set of a factor, for example ``{"co2_bought": "national_2022"}``.

    Raises
    ------
    InputError : an unknown indicator, set, boundary, input or set of factors
    """
    account, gap = Account(result, boundary, inputs or {}, sets or {}), _gap(result)
    return [_value(item, account, gap) for item in _chosen(ids)]


def sample(
    result: Result,
    x: np.ndarray,
    ids: str | Sequence[str],
    boundary: str = "park",
    *,
    inputs: Mapping[str, float] | None = None,
    sets: Mapping[str, str] | None = None,
) -> np.ndarray:
    """Values of indicators over many answers of the same rows: variants, years or draws.

    Parameters
    ----------
    x : shape (draws, unknowns), canonical units per year, one answer a row
    ids, boundary, inputs, sets : as in `evaluate`

    Returns
    -------
    shape (draws, indicators), NaN where a value is missing. What is missing for one draw for want of a price
    or a factor is missing for all. Whether each answer closes is for the study to check.
    """
    account = Account(result, boundary, inputs or {}, sets or {}, np.atleast_2d(x))
    return np.column_stack([_sampled(item, account) for item in _chosen(ids)])


def _sampled(item: Indicator, account: Account) -> np.ndarray:
    """One indicator over all draws, shape (draws,)."""
    assert account.x is not None
    if item.direct:
        return np.array([_value(item, replace(account, x=row), None).value for row in account.x])
    try:
        terms = item.function(account)
    except Missing:
        return np.full(len(account.x), np.nan)
    assert isinstance(terms, Terms)
    if terms.denominator is None:
        return terms.numerator.sum(axis=-1) * terms.scale
    total, size = terms.denominator.sum(axis=-1), np.abs(terms.denominator).sum(axis=-1)
    ratio = terms.numerator.sum(axis=-1) / np.where(total > 1e-12 * size, total, np.nan)
    return ratio * terms.scale


def indicators(
    result: Result,
    names: str | Sequence[str] | None = "first",
    boundary: str = "park",
    *,
    inputs: Mapping[str, float] | None = None,
    sets: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The same as a table: id, en, zh, value, unit, numerator, its unit, denominator, its unit, boundary, ...

    A missing value is NaN, and ``reason`` says why; ``coverage`` is the share of the mass that the data
    cover.

    Raises
    ------
    InputError : an unknown indicator, set, boundary, input or set of factors
    """
    import pandas as pd

    return pd.DataFrame(
        [_row(value) for value in evaluate(result, names, boundary, inputs=inputs, sets=sets)]
    )


def _row(value: Value) -> dict[str, object]:
    item, terms = value.indicator, value.terms
    return {
        "id": item.id,
        "en": item.en,
        "zh": item.zh,
        "value": value.value,
        "unit": item.unit,
        "numerator": value.numerator,
        "numerator_unit": terms.numerator_unit if terms else "",
        "denominator": value.denominator,
        "denominator_unit": terms.denominator_unit if terms else "",
        "boundary": value.boundary,
        "clause": item.clause,
        "certainty": item.certainty,
        "reason": value.reason,
        "reason_zh": value.reason_zh,
        "coverage": terms.coverage if terms else float("nan"),
    }


def _chosen(ids: str | Sequence[str] | None) -> list[Indicator]:
    names = [None] if ids is None else [ids] if isinstance(ids, str) else list(ids)
    chosen: list[Indicator] = []
    for name in names:
        chosen += [get(name)] if name is not None and "." in name else known(name)
    return list({item.id: item for item in chosen}.values())


def _gap(result: Result) -> Missing | None:
    """Why no indicator of this result can be trusted: a balance that does not close."""
    share, row = result.largest_residual
    if share <= CLOSED:
        return None
    text = result.system.row_text(row)
    return Missing(
        f"the balance does not close: a row is off by {share:.1e} of its largest term ({text})",
        f"物料平衡不闭合：相对残差 {share:.1e}（{result.system.row_text(row, lang='zh')}）",
    )


def _value(item: Indicator, account: Account, gap: Missing | None) -> Value:
    """One value; whatever stands in its way becomes the reason."""
    nan = float("nan")
    try:
        if gap:
            raise gap
        found = item.function(account)
    except Missing as reason:
        return Value(item, account.boundary, nan, reason.en, reason.zh, None, nan, nan)
    if isinstance(found, Figure):
        return Value(item, account.boundary, found.value, "", "", None, nan, nan, found)
    numerator = float(found.numerator.sum())
    denominator = nan if found.denominator is None else float(found.denominator.sum())
    try:
        _check(found, account)
    except Missing as reason:
        return Value(item, account.boundary, nan, reason.en, reason.zh, found, numerator, denominator)
    ratio = numerator if found.denominator is None else numerator / denominator
    return Value(item, account.boundary, ratio * found.scale, "", "", found, numerator, denominator)


def figure(
    account: Account, items: Sequence[tuple[str, str, float, str]], value: float, flows: np.ndarray
) -> Figure:
    """A `Figure` of items (English, Chinese, value, unit); raises `Missing` if a flow it reads is
    undetermined.
    """
    account.determined(flows)
    return Figure(float(value), tuple(Item(*one) for one in items), flows)


def _check(terms: Terms, account: Account) -> None:
    """Raise `Missing` if a flow of the terms is undetermined or the denominator is not positive."""
    parts = [terms.numerator] if terms.denominator is None else [terms.numerator, terms.denominator]
    account.determined(np.isnan(np.sum(parts, axis=0)))
    if terms.denominator is None:
        return
    total, size = terms.denominator.sum(), np.abs(terms.denominator).sum()
    if abs(total) <= 1e-12 * size:
        raise Missing("the denominator is 0", "分母为零")
    if total < 0:
        raise Missing(
            f"the denominator is negative ({total:.6g} {terms.denominator_unit})",
            f"分母为负（{total:.6g} {terms.denominator_unit}）",
        )
