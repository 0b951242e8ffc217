"""Indicators, their changes and the symbiosis ledger in the documented JSON layout (docs/json.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowsim.indicators.change import Change, Elasticity
from flowsim.indicators.ledger import SAVED, Entry, Ledger
from flowsim.indicators.registry import Value, get
from flowsim.result import FORMAT, Result, finite


def values_json(result: Result, values: Sequence[Value], boundary: str) -> dict[str, Any]:
    """One item an indicator; a missing value is null, and its reason says why."""
    return {
        **_head("indicators", result, boundary),
        "indicators": [_item(value) for value in values],
        "origin": result.origin,
    }


def changes_json(
    base: Result,
    target: Result,
    found: Sequence[Change],
    elastic: Sequence[Elasticity],
    years: float,
    boundary: str,
) -> dict[str, Any]:
    """One item an indicator with its value in both results, and the elasticities where years lie between."""
    return {
        **_head("changes", target, boundary),
        "base": {"year": base.system.about["year"], "variant": base.system.about["variant"]},
        "years": years,
        "changes": [_change(one, years) for one in found],
        "elasticities": [_elasticity(one) for one in elastic],
        "origin": target.origin,
        "base_origin": base.origin,
    }


def ledger_json(ledger: Ledger) -> dict[str, Any]:
    """One item a link, and ``all`` with every link closed."""
    return {
        **_head("ledger", ledger.result, ledger.boundary),
        "links": [_entry(ledger, entry) for entry in ledger.entries],
        "indicators": [_item(value) for value in ledger.values],
        "origin": ledger.result.origin,
    }


def _head(kind: str, result: Result, boundary: str) -> dict[str, Any]:
    about = result.system.about
    return {
        "flowsim_json": FORMAT,
        "kind": kind,
        "name": dict(about["name"]),
        "year": about["year"],
        "variant": about["variant"],
        "boundary": boundary,
    }


def _change(change: Change, years: float) -> dict[str, Any]:
    item = change.base.indicator
    return {
        "id": item.id,
        "en": item.en,
        "zh": item.zh,
        "unit": item.unit,
        "base": finite(change.base.value),
        "target": finite(change.target.value),
        "difference": finite(change.target.value - change.base.value),
        "change": finite(change.value),
        "yearly": finite(change.yearly(years)),
        "reason": change.reason or None,
        "reason_zh": change.reason_zh or None,
    }


def _elasticity(one: Elasticity) -> dict[str, Any]:
    return {
        "en": one.en,
        "zh": one.zh,
        "clause": one.clause,
        "value": finite(one.value),
        "growth_of_value_added": finite(one.growth),
        "reason": one.reason or None,
        "reason_zh": one.reason_zh or None,
    }


def _entry(ledger: Ledger, entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.link,
        "en": entry.en,
        "zh": entry.zh,
        "amount": finite(entry.amount),
        "unit": entry.unit,
        "saved": {
            key: {"value": finite(entry.saved[key]), "unit": get(id).unit} for key, (id, *_) in SAVED.items()
        },
        "adds": {id: finite(part) for id, part in ledger.marginal(entry).items()},
        "reason": entry.reason or None,
    }


def _item(value: Value) -> dict[str, Any]:
    item, terms = value.indicator, value.terms
    return {
        "id": item.id,
        "en": item.en,
        "zh": item.zh,
        "value": finite(value.value),
        "unit": item.unit,
        "numerator": finite(value.numerator),
        "numerator_unit": terms.numerator_unit if terms else "",
        "denominator": finite(value.denominator),
        "denominator_unit": terms.denominator_unit if terms else "",
        "formula": item.formula,
        "clause": item.clause,
        "certainty": item.certainty,
        "reason": value.reason or None,
        "reason_zh": value.reason_zh or None,
    }
