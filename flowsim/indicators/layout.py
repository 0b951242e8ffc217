"""Values of indicators in the documented JSON layout (docs/json.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowsim.indicators.registry import Value
from flowsim.result import FORMAT, Result, finite


def values_json(result: Result, values: Sequence[Value], boundary: str) -> dict[str, Any]:
    """One item an indicator; a missing value is null, and its reason says why."""
    about = result.system.about
    return {
        "flowsim_json": FORMAT,
        "kind": "indicators",
        "name": dict(about["name"]),
        "year": about["year"],
        "variant": about["variant"],
        "boundary": boundary,
        "indicators": [_item(value) for value in values],
        "origin": result.origin,
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
