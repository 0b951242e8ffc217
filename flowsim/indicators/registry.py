"""The list of indicators: what each is, where its definition stands, and how values are worked out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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


@dataclass(frozen=True)
class Terms:
    """What an indicator is made of, flow by flow, so that a value can be traced and a change split by flow.

    Attributes
    ----------
    numerator : shape (flows,), contribution of each flow in ``numerator_unit``
    denominator : shape (flows,), or None if the indicator is the sum itself
    scale : 100 for a percentage
    left_out : for each rule of the boundary, the rule in words and the flows that it left out
    """

    numerator: np.ndarray
    denominator: np.ndarray | None
    numerator_unit: str
    denominator_unit: str = ""
    scale: float = 1.0
    left_out: tuple[tuple[str, np.ndarray], ...] = ()


Function = Callable[[Account], Terms]


@dataclass(frozen=True)
class Indicator:
    """One defined figure.

    ``set`` is the part of the id before the dot, ``clause`` where the definition stands, ``certainty`` one of
    `CERTAINTIES`, ``better`` is ``more``, ``less`` or nothing.
    """

    id: str
    en: str
    zh: str
    unit: str
    set: str
    formula: str
    clause: str
    certainty: str
    better: str
    function: Function
    note: str = ""


@dataclass(frozen=True)
class Value:
    """An indicator at a boundary: its value, or NaN with the reason why it is missing."""

    indicator: Indicator
    boundary: str
    value: float
    reason: str
    reason_zh: str
    terms: Terms | None
    numerator: float
    denominator: float


_KNOWN: dict[str, Indicator] = {}


def indicator(
    id: str, *, en: str, zh: str, unit: str, formula: str, clause: str, certainty: str, better: str
) -> Callable[[Function], Function]:
    """Register a function of an account as an indicator; its docstring becomes the note.

    The names and the unit are those that a reader sees, ``formula`` is in words.
    """

    def register(function: Function) -> Function:
        note = " ".join((function.__doc__ or "").split())
        set_name = id.partition(".")[0]
        _KNOWN[id] = Indicator(id, en, zh, unit, set_name, formula, clause, certainty, better, function, note)
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
    """All indicators, or those of one set (``cn``, ``eu``, ``park``, ``general``, ``first``, ``all``).

    Raises
    ------
    InputError : no such set
    """
    if set in (None, "all"):
        return list(_KNOWN.values())
    if set == "first":
        return [get(id) for id in FIRST]
    chosen = [item for item in _KNOWN.values() if item.set == set]
    if not chosen:
        sets = list(dict.fromkeys(["first", "all", *(item.set for item in _KNOWN.values())]))
        hint = nearest(str(set), sets) or f"Sets are {', '.join(sets)}."
        raise InputError(Problem(f"there is no set of indicators `{set}`.", hint=hint))
    return chosen


def evaluate(result: Result, ids: str | Sequence[str] | None = None, boundary: str = "park") -> list[Value]:
    """Values of indicators of a result at a boundary, each a number or missing with a reason.

    ``ids`` is a set, an id, a list of both, or None for all.

    Raises
    ------
    InputError : an unknown indicator, set or boundary
    """
    account, gap = Account(result, boundary), _gap(result)
    return [_value(item, account, gap) for item in _chosen(ids)]


def indicators(
    result: Result, names: str | Sequence[str] | None = "first", boundary: str = "park"
) -> pd.DataFrame:
    """The same as a table: id, en, zh, value, unit, numerator, its unit, denominator, its unit, boundary, ...

    A missing value is NaN, and ``reason`` says why.

    Raises
    ------
    InputError : an unknown indicator, set or boundary
    """
    import pandas as pd

    return pd.DataFrame([_row(value) for value in evaluate(result, names, boundary)])


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
        f"物料平衡不闭合：相对残差 {share:.1e}（{text}）",
    )


def _value(item: Indicator, account: Account, gap: Missing | None) -> Value:
    """One value; whatever stands in its way becomes the reason."""
    nan = float("nan")
    try:
        if gap:
            raise gap
        terms = item.function(account)
    except Missing as reason:
        return Value(item, account.boundary, nan, reason.en, reason.zh, None, nan, nan)
    numerator = float(terms.numerator.sum())
    denominator = nan if terms.denominator is None else float(terms.denominator.sum())
    try:
        _check(terms, account)
    except Missing as reason:
        return Value(item, account.boundary, nan, reason.en, reason.zh, terms, numerator, denominator)
    ratio = numerator if terms.denominator is None else numerator / denominator
    return Value(item, account.boundary, ratio * terms.scale, "", "", terms, numerator, denominator)


def _check(terms: Terms, account: Account) -> None:
    """Raise `Missing` if a flow of the terms is undetermined or the denominator is not positive."""
    parts = [terms.numerator] if terms.denominator is None else [terms.numerator, terms.denominator]
    unknown = np.flatnonzero(np.isnan(np.sum(parts, axis=0)))
    if len(unknown):
        flows = ", ".join(account.result.system.flows["id"].iloc[unknown[:5]])
        more = len(unknown) - 5
        raise Missing(
            f"undetermined flows: {flows}" + (f" and {more} more" if more > 0 else ""),
            f"以下物料流未确定：{flows}" + (f"等{len(unknown)}个" if more > 0 else ""),
        )
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
