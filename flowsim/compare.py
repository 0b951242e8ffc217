"""Variants side by side: values, change against the first, targets, and which flows explain each change.

A ratio R = N / D changes by exactly ``Σ_f (ΔN_f − R̄ ΔD_f) / D̄`` with the means of both variants, so the
change is shared out over flows without a remainder (the symmetric, or Marshall-Edgeworth, form).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.display import Displayed
from flowsim.errors import InputError, Problem
from flowsim.indicators import Value, evaluate, known
from flowsim.indicators.boundary import judged_at
from flowsim.indicators.inputs import SINCE_BASE
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
    """One target against one variant at one boundary. ``passed`` is None where it cannot be said; the reasons
    say why."""

    target: dict[str, Any]
    indicator: str
    variant: str
    value: float
    passed: bool | None
    reason: str = ""
    reason_zh: str = ""
    boundary: str = "park"


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
        "boundary": verdict.boundary,
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
    boundary : what the account is drawn around: park, city, firm:ID, site:ID, chain:ID, process:ID. Targets
        are judged at their own scope where this is the park or the city
    base : variant that targets stated as a change are counted from; without it the scenario's own, if it is
        among the results
    inputs : figures that no flow carries (`flowsim.indicators.inputs.INPUTS`)
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
        among = _contributors(results[0], result)
        pairs = zip(values[0], mine, strict=True)
        explained.append(tuple(_explain(one, other, among) for one, other in pairs))
    wanted = results[0].system.about["target_set"] if targets is None else targets
    chosen = _target_rows(results[0], wanted)
    if base is None and results[0].system.about.get("base") in ids:
        base = str(results[0].system.about["base"])
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


_Label = tuple[str, str, str, tuple[str, str] | None]
"""Id, English and Chinese name of what a flow counts for, and the names of its good where it is drawn."""


@dataclass(frozen=True, eq=False)
class _Contributors:
    """What the flows of two results add to is named after, the first's flows before the second's.

    ``code`` has shape (flows of both,) and says which contributor each flow counts for; ``label`` has one
    entry for each contributor.
    """

    code: np.ndarray
    label: list[_Label]


def _explain(one: Value, other: Value, among: _Contributors) -> tuple[Part, ...]:
    """Which flows make the difference between two values of an indicator; the parts add up to the change."""
    if one.terms is None or other.terms is None or not np.isfinite(one.value) or not np.isfinite(other.value):
        return ()
    scale = one.terms.scale
    rate, size = 0.0, 1.0
    if one.terms.denominator is not None:
        rate = (one.value + other.value) / (2 * scale)
        size = (one.denominator + other.denominator) / 2
    if size == 0:
        return ()
    before, after = (
        terms.numerator - (0.0 if terms.denominator is None else rate * terms.denominator)
        for terms in (one.terms, other.terms)
    )
    weight = scale / size * np.concatenate([-before, after])
    totals = np.bincount(among.code, weight, minlength=len(among.label))
    floor = 1e-9 * np.abs(totals).max(initial=0.0)
    kept = np.flatnonzero(np.abs(totals) > floor)
    parts = [Part(*among.label[at][:3], float(totals[at]), among.label[at][3]) for at in kept]
    return tuple(sorted(parts, key=lambda part: (-abs(part.contribution), part.id)))


def _contributors(first: Result, second: Result) -> _Contributors:
    """A drawn flow or link by its own name; what is implied or runs through a network by its good; what a
    link displaces by the link."""
    import pandas as pd

    credited = _displaced(first, second)
    labels = [label for result in (first, second) for label in _labels_of(result, credited)]
    code, ids = pd.factorize(np.array([label[0] for label in labels], dtype=object))
    last = np.zeros(len(ids), dtype=np.int64)
    last[code] = np.arange(len(code))
    return _Contributors(code, [labels[at] for at in last])


def _labels_of(result: Result, credited: dict[str, tuple[str, str, str]]) -> list[_Label]:
    """For each flow the contributor that it counts for."""
    system = result.system
    flows = system.flows
    made: list[_Label] = []
    goods = list(zip(system.goods["en"], system.goods["zh"], strict=True))
    plain = zip(system.flow_names("en"), system.flow_names("zh"), strict=True)
    columns = (flows[name] for name in ("id", "good", "good_at", "how", "en", "zh"))
    for (id, good, at, how, en, zh), (plain_en, plain_zh) in zip(
        zip(*columns, strict=True), plain, strict=True
    ):
        if id in credited:
            made.append((*credited[id], None))
        elif how in ("implied", "pool"):
            made.append((good, *goods[at], None))
        elif en:
            made.append((id, en, zh, None))
        else:
            made.append((id, plain_en, plain_zh, goods[at]))
    return made


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
    processes = results[0].system.processes
    judged = [
        (target, name, judged_at(processes, str(target["scope"]), boundary))
        for target in targets
        if (name := _indicator_of(target)) in all_known
    ]
    then = {key: value for key, value in (inputs or {}).items() if key not in SINCE_BASE}

    def values(result: Result, figures: Mapping[str, float] | None) -> dict[tuple[str, str], Value]:
        found = {}
        for where in sorted({where for _, _, where in judged}):
            names = sorted({name for _, name, at in judged if at == where})
            for value in evaluate(result, names, where, inputs=figures, sets=sets):
                found[value.indicator.id, where] = value
        return found

    by_result = [values(result, inputs) for result in results]
    at_base = {} if base is None else values(results[list(ids).index(base)], then)
    verdicts = [
        replace(
            _verdict(target, name, variant, mine[name, where], at_base.get((name, where)), variant == base),
            boundary=where,
        )
        for target, name, where in judged
        for variant, mine in zip(ids, by_result, strict=True)
    ]
    return verdicts, [target for target in targets if _indicator_of(target) not in all_known]


def _indicator_of(target: Mapping[str, Any]) -> str:
    """The indicator that a target is about; a change is judged by the values that it lies between."""
    name = str(target["indicator"])
    return name.removesuffix(BASE_SUFFIX) if target["sense"] == "change" else name


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
