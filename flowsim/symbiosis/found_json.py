"""Candidates and curves in the documented JSON layout (docs/json.md)."""

from __future__ import annotations

from typing import Any

from flowsim.indicators.ledger import SAVED
from flowsim.indicators.registry import get
from flowsim.result import FORMAT, Result, finite
from flowsim.symbiosis.candidates import LIMITS, REJECTED
from flowsim.symbiosis.curve import Curve
from flowsim.symbiosis.match import Matches


def matches_json(matches: Matches) -> dict[str, Any]:
    """One item a candidate, in order, and one a taker that was rejected."""
    candidates = []
    for one in matches.candidates:
        item = {name: _plain(value) for name, value in vars(one).items() if name != "saved"}
        item |= {"limit_text": LIMITS[one.limit][0], "limit_text_zh": LIMITS[one.limit][1]}
        saved = {
            key: {"value": finite(value), "unit": get(SAVED[key][0]).unit} for key, value in one.saved.items()
        }
        candidates.append(item | {"saved": saved})
    rejected = []
    for row in matches.rejected.to_dict("records"):
        en, zh = REJECTED[row["why"]]
        rejected.append({**row, "reason": en, "reason_zh": zh})
    return {
        **_head("matches", matches.result),
        "by": matches.by,
        "found": matches.found,
        "candidates": candidates,
        "rejected": rejected,
        "assumptions": [{"en": en, "zh": zh} for en, zh in matches.assumed],
        "origin": matches.result.origin,
    }


def curve_json(curve: Curve) -> dict[str, Any]:
    """One item a link, in the order of the curve."""
    return {
        **_head("curve", curve.base),
        "per": curve.per,
        "indicator": curve.indicator,
        "unit": curve.unit,
        "boundary": curve.boundary,
        "steps": [{name: _plain(value) for name, value in vars(step).items()} for step in curve.steps],
        "origin": curve.base.origin,
    }


def _head(kind: str, result: Result) -> dict[str, Any]:
    about = result.system.about
    head = {"flowsim_json": FORMAT, "kind": kind, "name": dict(about["name"])}
    return head | {"year": about["year"], "variant": about["variant"]}


def _plain(value: Any) -> Any:
    return finite(value) if isinstance(value, float) else None if value == "" else value
