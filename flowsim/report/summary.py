"""What a comparison says, in sentences: the same values, rounded by the same functions, as in its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flowsim.report.document import chosen
from flowsim.views.text import Grid, change_text, handy, number, reason_text, unit_text
from flowsim.words import say

if TYPE_CHECKING:
    from flowsim.compare import Comparison, Verdict

HEADLINE = (
    "cn.main_resource_productivity",
    "cn.isw_utilisation_rate",
    "cn.industrial_water_reuse_rate",
)
"""Resource productivity, utilisation of solid waste and reuse of water: what a plan is judged by first."""
MOST_MISSED, MOST_NAMED = 12, 2
"""Missed targets of one variant that are listed, and up to how many they are called by their names."""


def place_of(comparison: Comparison, name: str) -> int:
    """Position of an indicator among those compared."""
    return [value.indicator.id for value in comparison.values[0]].index(name)


def most_changed(comparison: Comparison, name: str) -> int:
    """The variant in which an indicator differs most from the first; 0 where it differs in none."""
    at = place_of(comparison, name)
    values = np.array([mine[at].value for mine in comparison.values])
    change = np.nan_to_num(np.abs(values - values[0]))
    return int(change.argmax()) if change.max() > 1e-9 * abs(values[0]) else 0


def headline_grid(comparison: Comparison, lang: str) -> Grid:
    """One row a variant with the three headline indicators; the changes against the first in brackets."""
    at = [place_of(comparison, name) for name in HEADLINE]
    columns, cells = [say("variant", lang)], [[label[lang]] for label in comparison.labels]
    for place in at:
        values = [mine[place].value for mine in comparison.values]
        item = comparison.values[0][place].indicator
        factor, unit = handy(values, item.unit, lang)
        columns.append(f"{item.zh if lang == 'zh' else item.en}, {unit}")
        for position, value in enumerate(values):
            change = value - values[0]
            small = abs(change) <= 1e-9 * abs(value)
            shown = f" ({change_text(0.0 if small else change / factor)})" if position else ""
            cells[position].append(number(value / factor) + (shown if np.isfinite(change) else ""))
    title = chosen(lang, "The three headline indicators", "三项核心指标")
    return Grid(title, columns, cells, (1, 2, 3))


def in_words(comparison: Comparison, name: str, lang: str) -> str:
    """An indicator in the first variant and in the one where it differs most, and what explains that."""
    at, other = place_of(comparison, name), most_changed(comparison, name)
    values = [mine[at] for mine in comparison.values]
    first, zh = values[0], lang == "zh"
    factor, unit = handy([value.value for value in values], first.indicator.unit, lang)
    title, base = first.indicator.zh if zh else first.indicator.en, comparison.labels[0][lang]
    if not np.isfinite(first.value):
        lacking = first.reason_zh if zh else first.reason
        return f"{title}（{base}）缺失：{lacking}。" if zh else f"{title} ({base}) is missing: {lacking}."
    stands = f"{number(first.value / factor)} {unit}"
    if not other:
        only = len(values) == 1
        if zh:
            return f"{title}：{base}为 {stands}{'。' if only else '，其他情景未能改变。'}"
        return f"{title}: {stands} in {base}{'.' if only else '; no variant changes it.'}"
    label, value = comparison.labels[other][lang], values[other].value
    change = f"{change_text((value - first.value) / factor)} {say('points', lang) if unit == '%' else unit}"
    reasons = reason_text(comparison.parts[other][at], lang, factor)
    after = f"{number(value / factor)} {unit}"
    if zh:
        because = f"，来源：{reasons}" if reasons else ""
        return f"{title}：{base}为 {stands}，变化最大的{label}为 {after}（{change}）{because}。"
    because = f", explained by {reasons}" if reasons else ""
    return f"{title}: {stands} in {base}; it changes most in {label}, to {after} ({change}){because}."


def verdict_lines(comparison: Comparison, lang: str) -> tuple[str, ...]:
    """For each variant, how many targets it meets and which it misses."""
    made = []
    for name, label in zip(comparison.names, comparison.labels, strict=True):
        judged = [one for one in comparison.verdicts if one.variant == name and one.passed is not None]
        if not judged:
            continue
        missed = [one for one in judged if not one.passed]
        met = len(judged) - len(missed)
        line = chosen(
            lang,
            f"{label[lang]} meets {met} of the {len(judged)} targets that flows can judge",
            f"{label[lang]}：物质流可判断的 {len(judged)} 项目标中达标 {met} 项",
        )
        if missed:
            named = chosen(lang, "; ", "；").join(
                _missed(one, lang, len(missed) <= MOST_NAMED) for one in missed[:MOST_MISSED]
            )
            more = len(missed) - MOST_MISSED
            named += chosen(lang, f" and {more} more", f"，另有 {more} 项") if more > 0 else ""
            line += chosen(lang, f", and misses {named}", f"；未达标：{named}")
        made.append(line + chosen(lang, ".", "。"))
    return tuple(made)


def _missed(verdict: Verdict, lang: str, by_name: bool) -> str:
    """``t58 (73.46 against ≥ 85 %)``"""
    target = verdict.target
    is_change = target["sense"] == "change"
    value = change_text(verdict.value) if is_change else number(verdict.value)
    wanted = change_text(target["value"]) if is_change else f"{target['value']:,g}"
    sense = {">=": "≥ ", "<=": "≤ ", "change": ""}[target["sense"]]
    unit = unit_text(target["unit"], lang)
    name = f"{target['id']} {target[lang]}" if by_name else target["id"]
    return f"{name} ({value}{chosen(lang, ' against ', '，目标 ')}{sense}{wanted} {unit})"
