"""Indicators, their definitions and the symbiosis ledger as tables, in English or Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from flowsim.views.text import Grid, change_text, handy, number

if TYPE_CHECKING:
    from flowsim.indicators.change import Change, Elasticity
    from flowsim.indicators.ledger import Entry, Ledger
    from flowsim.indicators.registry import Indicator, Value
    from flowsim.result import Result

LABELS = {
    "indicators": "指标",
    "missing": "缺失",
    "indicator": "指标",
    "English": "英文名",
    "Chinese": "中文名",
    "value": "数值",
    "unit": "单位",
    "numerator": "分子",
    "denominator": "分母",
    "coverage": "数据覆盖率",
    "reason": "原因",
    "formula": "公式",
    "source": "依据",
    "certainty": "可信度",
    "better": "更优方向",
    "note": "说明",
    "worked out from": "计算依据",
    "what each open link saves": "各链接的节约量",
    "link": "链接",
    "amount": "数量",
    "what each link adds to the indicators": "各链接对指标的贡献",
    "change": "变化",
    "changes": "变化",
    "against": "相对于",
    "as it stands": "现状",
    "base": "基期",
    "target": "目标",
    "difference": "差值",
    "points": "个百分点",
    "yearly": "年均",
    "years": "年",
    "elasticities": "弹性系数",
    "elasticity": "弹性系数",
    "yearly growth of value added": "增加值年均增长",
}
"""Headings of these tables: English → Chinese."""

CERTAINTY = {
    "confirmed": "已核实",
    "from memory, to be confirmed": "凭记忆，待核实",
    "own definition": "自定义",
}
BETTER = {"more": "越大越好", "less": "越小越好", "": "–"}


def _say(text: str, lang: str) -> str:
    return LABELS[text] if lang == "zh" else text


def _name(item: Indicator, lang: str) -> str:
    return item.zh if lang == "zh" else item.en


def certainty_text(item: Indicator, lang: str) -> str:
    """How sure a definition is, in words."""
    return CERTAINTY[item.certainty] if lang == "zh" else item.certainty


def clause_text(clause: str, lang: str) -> str:
    """Where a definition stands."""
    from flowsim.indicators.chinese import clause_zh

    return clause_zh(clause) if lang == "zh" else clause


def indicator_grids(values: Sequence[Value], lang: str) -> list[Grid]:
    """Values with numerator and denominator, and the missing ones with the reason."""
    rows = [_value_row(value, lang) for value in values if not value.reason]
    columns = [
        "id",
        *(_say(word, lang) for word in ("indicator", "value", "unit", "numerator", "denominator")),
    ]
    columns += [_say(word, lang) for word in ("coverage", "certainty")]
    grids = [Grid(f"{_say('indicators', lang)} ({len(rows)})", columns, rows, (2, 4, 5, 6))]
    lacking = [
        [value.indicator.id, _name(value.indicator, lang), value.reason_zh if lang == "zh" else value.reason]
        for value in values
        if value.reason
    ]
    if lacking:
        columns = ["id", *(_say(word, lang) for word in ("indicator", "reason"))]
        grids.append(Grid(f"{_say('missing', lang)} ({len(lacking)})", columns, lacking))
    return grids


def _value_row(value: Value, lang: str) -> list[str]:
    item, terms = value.indicator, value.terms
    factor, unit = handy([value.value], item.unit, lang)
    cells = [item.id, _name(item, lang), number(value.value / factor), unit]
    units = (terms.numerator_unit, terms.denominator_unit) if terms else ("", "")
    for amount, its_unit in zip((value.numerator, value.denominator), units, strict=True):
        size, shown = handy([amount], its_unit, lang)
        cells.append(f"{number(amount / size)} {shown}".strip())
    covered = terms.coverage if terms else float("nan")
    cells.append(f"{100 * covered:.0f} %" if np.isfinite(covered) else "–")
    return [*cells, certainty_text(item, lang)]


def change_grids(
    base: Result,
    target: Result,
    found: Sequence[Change],
    elastic: Sequence[Elasticity],
    years: float,
    lang: str,
) -> list[Grid]:
    """Values at the base and the target with their change, the missing ones, and the elasticities."""
    said = [one for one in found if not (one.base.reason or one.target.reason)]
    over = f"，{years:g} {_say('years', lang)}" if lang == "zh" else f", {years:g} {_say('years', lang)}"
    ends = " → ".join(_moment(result, lang) for result in (base, target))
    title = f"{_say('changes', lang)} ({len(said)}): {ends}{over if years > 0 else ''}"
    words = ("indicator", "unit", "base", "target", "difference", "change")
    columns = ["id", *(_say(word, lang) for word in words), *([_say("yearly", lang)] if years > 0 else [])]
    rows = [_change_row(one, years, lang) for one in said]
    grids = [Grid(title, columns, rows, tuple(range(3, len(columns))))]
    lacking = [
        [one.id, _name(one.base.indicator, lang), one.reason_zh if lang == "zh" else one.reason]
        for one in found
        if one.reason
    ]
    if lacking:
        columns = ["id", *(_say(word, lang) for word in ("indicator", "reason"))]
        grids.append(Grid(f"{_say('missing', lang)} ({len(lacking)})", columns, lacking))
    if elastic:
        grids.append(_elasticity_grid(elastic, lang))
    return grids


def _moment(result: Result, lang: str) -> str:
    """Year and variant of a result."""
    about = result.system.about
    variant = about["variant_name"][lang] if about["variant"] else _say("as it stands", lang)
    return f"{about['year']} {variant}" if about["year"] else variant


def _change_row(change: Change, years: float, lang: str) -> list[str]:
    values = [change.base.value, change.target.value]
    item = change.base.indicator
    factor, unit = handy(values, item.unit, lang)
    points = f" {_say('points', lang)}" if item.unit == "%" and values[0] != values[1] else ""
    cells = [item.id, _name(item, lang), unit, *(number(value / factor) for value in values)]
    cells.append(change_text((values[1] - values[0]) / factor) + points)
    cells.append(_percent(change.value))
    return [*cells, *([_percent(change.yearly(years))] if years > 0 else [])]


def _percent(change: float) -> str:
    return f"{change_text(change)} %" if np.isfinite(change) else "–"


def _elasticity_grid(elastic: Sequence[Elasticity], lang: str) -> Grid:
    """Elasticities with the growth of value added, on which the sense of their test depends."""
    rows = [
        [
            one.zh if lang == "zh" else one.en,
            number(one.value),
            _percent(100 * one.growth),
            clause_text(one.clause, lang) if one.clause else "",
            one.reason_zh if lang == "zh" else one.reason,
        ]
        for one in elastic
    ]
    words = ("elasticity", "value", "yearly growth of value added", "source", "reason")
    return Grid(_say("elasticities", lang), [_say(word, lang) for word in words], rows, (1, 2))


def figure_grid(value: Value, lang: str) -> Grid | None:
    """What a figure that is no sum over flows was worked out from, or nothing."""
    if value.figure is None:
        return None
    rows = []
    for item in value.figure.items:
        factor, unit = handy([item.value], item.unit, lang)
        rows.append([item.zh if lang == "zh" else item.en, number(item.value / factor), unit])
    columns = ["", _say("value", lang), _say("unit", lang)]
    return Grid(_say("worked out from", lang), columns, rows, (1,))


def list_grid(items: Sequence[Indicator], lang: str) -> Grid:
    """Every definition in one row: id, both names, unit, formula, source and certainty."""
    rows = [
        [
            item.id,
            item.en,
            item.zh,
            item.unit,
            item.formula_zh if lang == "zh" else item.formula,
            clause_text(item.clause, lang),
            certainty_text(item, lang),
        ]
        for item in items
    ]
    words = ("English", "Chinese", "unit", "formula", "source", "certainty")
    columns = ["id", *(_say(word, lang) for word in words)]
    return Grid(f"{_say('indicators', lang)} ({len(rows)})", columns, rows)


def explain_grid(item: Indicator, lang: str) -> Grid:
    """All that is known of one definition."""
    better = BETTER[item.better] if lang == "zh" else item.better or "–"
    rows = [
        ["id", item.id],
        [_say("English", lang), item.en],
        [_say("Chinese", lang), item.zh],
        [_say("unit", lang), item.unit],
        [_say("formula", lang), item.formula_zh if lang == "zh" else item.formula],
        [_say("source", lang), clause_text(item.clause, lang)],
        [_say("certainty", lang), certainty_text(item, lang)],
        [_say("better", lang), better],
        [_say("note", lang), item.note],
    ]
    return Grid(_name(item, lang), ["", ""], rows)


def ledger_grids(ledger: Ledger, lang: str) -> list[Grid]:
    """What each open link saves, and what it adds to the chosen indicators."""
    from flowsim.indicators.ledger import SAVED
    from flowsim.indicators.registry import get

    heads, scales = [], []
    for key, (id, en, zh, _) in SAVED.items():
        found = [entry.saved[key] for entry in ledger.entries]
        factor, unit = handy(found, get(id).unit, lang)
        heads.append(f"{zh if lang == 'zh' else en}, {unit}")
        scales.append(factor)
    rows = []
    for entry in ledger.entries:
        saved = [_tidy(amount / scale) for amount, scale in zip(entry.saved.values(), scales, strict=True)]
        rows.append(
            [_link_name(entry, lang), f"{number(entry.amount)} {entry.unit}".strip(), *saved, entry.reason]
        )
    columns = [_say("link", lang), _say("amount", lang), *heads, _say("reason", lang)]
    grids = [Grid(_say("what each open link saves", lang), columns, rows, tuple(range(1, 2 + len(heads))))]
    names = [_name(value.indicator, lang) for value in ledger.values]
    rows = [
        [_link_name(entry, lang), *(_tidy(part) for part in ledger.marginal(entry).values())]
        for entry in ledger.entries
    ]
    columns = [_say("link", lang), *names]
    title = _say("what each link adds to the indicators", lang)
    return [*grids, Grid(title, columns, rows, tuple(range(1, len(columns))))]


def _tidy(difference: float) -> str:
    """A difference of two balances; what is only rounding is shown as 0."""
    return number(0.0 if abs(difference) < 1e-9 else difference)


def _link_name(entry: Entry, lang: str) -> str:
    return entry.zh if lang == "zh" else entry.en
