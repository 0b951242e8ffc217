"""Variants side by side: values, change against the first, targets, and which flows explain each change.

A ratio R = N / D changes by exactly ``Σ_f (ΔN_f − R̄ ΔD_f) / D̄`` with the means of both variants, so the
change is shared out over flows without a remainder (the symmetric, or Marshall-Edgeworth, form).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.display import Displayed
from flowsim.errors import InputError, Problem
from flowsim.indicators import Value, evaluate, known
from flowsim.indicators.account import SINCE_BASE
from flowsim.result import FORMAT, Result, finite
from flowsim.tables import nearest

if TYPE_CHECKING:
    import pandas as pd

BASE_SUFFIX = "_change"


@dataclass(frozen=True)
class Part:
    """What one flow, or the undrawn flows of one good, adds to the change of an indicator.

    ``good`` holds the English and Chinese name of its good where the flow has no name of its own.
    """

    id: str
    en: str
    zh: str
    contribution: float
    good: tuple[str, str] | None = None


@dataclass(frozen=True)
class Verdict:
    """One target against one variant. ``passed`` is None where it cannot be said; the reasons say why."""

    target: dict[str, Any]
    indicator: str
    variant: str
    value: float
    passed: bool | None
    reason: str = ""
    reason_zh: str = ""


@dataclass(frozen=True)
class Comparison(Displayed):
    """The answer of `compare`.

    Attributes
    ----------
    results : the results compared; the first is what changes are counted against
    names : one id for each result, unique
    values : shape (results, indicators)
    parts : parts[result][indicator], largest first; empty for the first result
    verdicts : target by variant; ``beyond`` lists targets that no flow defines
    """

    results: tuple[Result, ...]
    names: tuple[str, ...]
    labels: tuple[dict[str, str], ...]
    values: tuple[tuple[Value, ...], ...]
    parts: tuple[tuple[tuple[Part, ...], ...], ...]
    verdicts: tuple[Verdict, ...]
    beyond: tuple[dict[str, Any], ...]
    target_set: str
    boundary: str

    @property
    def table(self) -> pd.DataFrame:
        """One row an indicator: id, en, zh, unit, then value and change of each variant."""
        import pandas as pd

        rows = []
        for at, first in enumerate(self.values[0]):
            indicator = first.indicator
            row: dict[str, Any] = {
                "id": indicator.id,
                "en": indicator.en,
                "zh": indicator.zh,
                "unit": indicator.unit,
            }
            for name, values in zip(self.names, self.values, strict=True):
                row[name] = values[at].value
                if name != self.names[0]:
                    row[f"{name}_change"] = values[at].value - first.value
            rows.append(row)
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        passed = sum(one.passed is True for one in self.verdicts)
        judged = sum(one.passed is not None for one in self.verdicts)
        what = f"{len(self.values[0])} indicators, {passed} of {judged} verdicts passed"
        return f"<Comparison of {', '.join(self.names)}: {what}>"

    def as_json(self) -> dict[str, Any]:
        """The comparison in the documented layout (docs/json.md)."""
        return {
            "flowsim_json": FORMAT,
            "kind": "comparison",
            "boundary": self.boundary,
            "variants": [
                {"id": name, "name": dict(label), "origin": result.origin}
                for name, label, result in zip(self.names, self.labels, self.results, strict=True)
            ],
            "indicators": [self._indicator_json(at) for at in range(len(self.values[0]))],
            "target_set": self.target_set,
            "targets": [_verdict_json(verdict) for verdict in self.verdicts],
            "targets_beyond_flows": [target["id"] for target in self.beyond],
        }

    def _indicator_json(self, at: int) -> dict[str, Any]:
        indicator = self.values[0][at].indicator
        values = {}
        for position, name in enumerate(self.names):
            value, first = self.values[position][at], self.values[0][at]
            values[name] = {
                "value": finite(value.value),
                "numerator": finite(value.numerator),
                "denominator": finite(value.denominator),
                "change": finite(value.value - first.value) if position else None,
                "reason": value.reason or None,
                "reason_zh": value.reason_zh or None,
                "because": [
                    {"id": part.id, "en": part.en, "zh": part.zh, "contribution": part.contribution}
                    for part in self.parts[position][at]
                ],
            }
        return {
            "id": indicator.id,
            "en": indicator.en,
            "zh": indicator.zh,
            "unit": indicator.unit,
            "values": values,
        }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "target": verdict.target["id"],
        "indicator": verdict.indicator,
        "variant": verdict.variant,
        "sense": verdict.target["sense"],
        "wanted": float(verdict.target["value"]),
        "value": finite(verdict.value),
        "passed": verdict.passed,
        "reason": verdict.reason or None,
        "reason_zh": verdict.reason_zh or None,
    }


def compare(
    results: Sequence[Result],
    *,
    targets: str | None = None,
    names: str | Sequence[str] = "first",
    boundary: str = "park",
    base: str | None = None,
    inputs: Mapping[str, float] | None = None,
    sets: Mapping[str, str] | None = None,
) -> Comparison:
    """Put results side by side.

    Parameters
    ----------
    results : at least one; changes are counted against the first
    targets : name of a target set; without it the scenario's own, ``""`` for none
    names : a set of indicators, or their ids
    boundary : what the account is drawn around: park, firm:ID, site:ID, chain:ID, process:ID
    base : variant that targets stated as a change are counted from
    inputs : figures that no flow carries (`flowsim.indicators.account.INPUTS`)
    sets : sets of factors, as in `flowsim.indicators.evaluate`

    Raises
    ------
    InputError : an unknown target set, indicator, boundary or base
    """
    if not results:
        raise InputError("there is nothing to compare.")
    ids = _unique_names(results)
    values = tuple(tuple(evaluate(result, names, boundary, inputs=inputs, sets=sets)) for result in results)
    explained: list[tuple[tuple[Part, ...], ...]] = [tuple(() for _ in values[0])]
    for result, mine in zip(results[1:], values[1:], strict=True):
        explained.append(
            tuple(explain(results[0], one, result, other) for one, other in zip(values[0], mine, strict=True))
        )
    wanted = results[0].system.about["target_set"] if targets is None else targets
    chosen = _target_rows(results[0], wanted)
    verdicts, beyond = _verdicts(results, ids, chosen, boundary, base, inputs, sets)
    return Comparison(
        tuple(results),
        ids,
        _labels(results),
        values,
        tuple(explained),
        tuple(verdicts),
        tuple(beyond),
        wanted,
        boundary,
    )


def _unique_names(results: Sequence[Result]) -> tuple[str, ...]:
    """The variant of each result, else its scenario; numbered where two are the same."""
    from pathlib import Path

    plain = [r.system.about["variant"] or Path(r.system.about["file"]).stem or "scenario" for r in results]
    if len(set(plain)) < len(plain):
        plain = [
            f"{Path(r.system.about['file']).stem}.{name}" for r, name in zip(results, plain, strict=True)
        ]
    return tuple(name if plain.count(name) == 1 else f"{name}_{at + 1}" for at, name in enumerate(plain))


def _labels(results: Sequence[Result]) -> tuple[dict[str, str], ...]:
    """The name of each variant, with that of its scenario where two would read the same."""
    found = [dict(result.system.about["variant_name"]) for result in results]
    if len({label["en"] for label in found}) == len(found):
        return tuple(found)
    names = [result.system.about["name"] for result in results]
    return tuple(
        {lang: f"{name[lang]}: {label[lang]}" for lang in label}
        for name, label in zip(names, found, strict=True)
    )


def explain(first: Result, one: Value, second: Result, other: Value) -> tuple[Part, ...]:
    """Which flows make the difference between two values of an indicator; the parts add up to the change."""
    if one.terms is None or other.terms is None or not np.isfinite(one.value) or not np.isfinite(other.value):
        return ()
    scale = one.terms.scale
    parts: dict[str, list[float]] = {}
    labels: dict[str, tuple[str, str, tuple[str, str] | None]] = {}
    credited = _displaced(first, second)
    rate, size = 0.0, 1.0
    if one.terms.denominator is not None:
        rate = (one.value + other.value) / (2 * scale)
        size = (one.denominator + other.denominator) / 2
    if size == 0:
        return ()
    for result, value, sign in ((first, one, -1.0), (second, other, 1.0)):
        terms = value.terms
        assert terms is not None
        weight = terms.numerator - (0.0 if terms.denominator is None else rate * terms.denominator)
        for at in np.flatnonzero(weight):
            key, en, zh, good = _named(result, int(at), credited)
            labels[key] = (en, zh, good)
            parts.setdefault(key, []).append(sign * scale * float(weight[at]) / size)
    totals = [Part(key, en, zh, float(np.sum(parts[key])), good) for key, (en, zh, good) in labels.items()]
    floor = 1e-9 * max((abs(part.contribution) for part in totals), default=0.0)
    kept = [part for part in totals if abs(part.contribution) > floor]
    return tuple(sorted(kept, key=lambda part: (-abs(part.contribution), part.id)))


def _displaced(first: Result, second: Result) -> dict[str, tuple[str, str, str]]:
    """Undrawn flows that a link displaces: their part of a change is credited to the link.

    Slag that goes to the kiln no longer goes to the landfill: both sides of that are the work of the link.
    """
    import pandas as pd

    frames = []
    for result, sign in ((first, -1.0), (second, 1.0)):
        frame = result.system.flows[["id", "good", "from", "to", "how", "en", "zh", "replaces"]].copy()
        frame["change"] = sign * np.nan_to_num(result.amounts)
        frames.append(frame)
    both = pd.concat(frames, ignore_index=True)
    change = both.groupby("id", sort=False).agg({"change": "sum"})
    flows = both.drop_duplicates("id").set_index("id").assign(change=change["change"])
    links = flows[(flows["how"] == "link") & (flows["change"] != 0)]
    taken = links["replaces"].where(links["replaces"] != "", links["good"])
    out: dict[str, tuple[str, str, str]] = {}
    size: dict[str, float] = {}
    for side, goods in (("from", links["good"]), ("to", taken)):
        rivals = flows[(flows["how"] == "implied") & (flows["change"] != 0)].reset_index()
        pairs = (
            links.assign(match=goods)
            .reset_index()
            .merge(rivals, left_on=[side, "match"], right_on=[side, "good"], suffixes=("", "_rival"))
        )
        for pair in pairs.to_dict("records"):
            if abs(pair["change"]) > size.get(pair["id_rival"], 0.0):
                size[pair["id_rival"]] = abs(pair["change"])
                out[pair["id_rival"]] = (pair["id"], pair["en"] or pair["id"], pair["zh"] or pair["id"])
    return out


def _named(
    result: Result, flow: int, credited: dict[str, tuple[str, str, str]]
) -> tuple[str, str, str, tuple[str, str] | None]:
    """A drawn flow or link by its own name; what is implied or runs through a network by its good."""
    row = result.system.flows.iloc[flow]
    if row["id"] in credited:
        return *credited[row["id"]], None
    good = result.system.goods.iloc[int(row["good_at"])]
    names = (str(good["en"]), str(good["zh"]))
    if row["how"] in ("implied", "pool"):
        return str(row["good"]), *names, None
    if row["en"]:
        return str(row["id"]), str(row["en"]), str(row["zh"]), None
    return str(row["id"]), result.system.flow_name(flow, "en"), result.system.flow_name(flow, "zh"), names


def _target_rows(result: Result, name: str) -> list[dict[str, Any]]:
    targets = result.system.targets
    if not name:
        return []
    rows = targets[targets["set"] == name]
    if rows.empty:
        sets = sorted(set(targets["set"]))
        hint = nearest(name, sets) or f"Known: {', '.join(sets) or 'none'}."
        raise InputError(
            Problem(f"there is no target set `{name}`.", str(result.system.about["file"]), hint=hint)
        )
    return rows.to_dict("records")


def _verdicts(
    results: Sequence[Result],
    ids: Sequence[str],
    targets: list[dict[str, Any]],
    boundary: str,
    base: str | None,
    inputs: Mapping[str, float] | None,
    sets: Mapping[str, str] | None,
) -> tuple[list[Verdict], list[dict[str, Any]]]:
    """Each target that flows define against each variant; the others are returned beside."""
    if base is not None and base not in ids:
        hint = nearest(base, ids) or f"Compared: {', '.join(ids)}."
        raise InputError(Problem(f"there is no variant `{base}` to count changes from.", hint=hint))
    all_known = {indicator.id for indicator in known()}
    then = {key: value for key, value in (inputs or {}).items() if key not in SINCE_BASE}
    verdicts, beyond = [], []
    for target in targets:
        name = target["indicator"]
        if target["sense"] == "change":
            name = name.removesuffix(BASE_SUFFIX)
        if name not in all_known:
            beyond.append(target)
            continue
        values = [evaluate(result, [name], boundary, inputs=inputs, sets=sets)[0] for result in results]
        from_value = None
        if base is not None:
            from_value = evaluate(results[list(ids).index(base)], [name], boundary, inputs=then, sets=sets)[0]
        for variant, value in zip(ids, values, strict=True):
            verdicts.append(_verdict(target, name, variant, value, from_value, variant == base))
    return verdicts, beyond


def _verdict(
    target: dict[str, Any], name: str, variant: str, value: Value, base: Value | None, is_base: bool
) -> Verdict:
    def unknown(en: str, zh: str) -> Verdict:
        return Verdict(target, name, variant, value.value, None, en, zh)

    wanted = float(target["value"])
    if not np.isfinite(value.value):
        return unknown(value.reason, value.reason_zh)
    if target["sense"] != "change":
        passed = value.value >= wanted if target["sense"] == ">=" else value.value <= wanted
        return Verdict(target, name, variant, value.value, passed)
    if is_base:
        return unknown("changes are counted from this variant", "变化以该情景为基准")
    if base is None:
        return unknown("needs a base variant (--base)", "需要指定基准情景（--base）")
    if not np.isfinite(base.value):
        return unknown(base.reason, base.reason_zh)
    if base.value == 0:
        return unknown("the value of the base is zero", "基准情景的数值为零")
    change = 100 * (value.value / base.value - 1)
    return Verdict(target, name, variant, change, change >= wanted if wanted >= 0 else change <= wanted)
