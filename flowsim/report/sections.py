"""The sections of a report on compared results, in the order in which a reader wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError
from flowsim.report import evidence, grounds
from flowsim.report.document import (
    Bullets,
    Cell,
    Document,
    Formula,
    Paragraph,
    Part,
    Picture,
    Section,
    Table,
    chosen,
)
from flowsim.report.summary import HEADLINE, headline_grid, in_words, most_changed, place_of, verdict_lines
from flowsim.views import charts
from flowsim.views.diagram import LEFT_OUT
from flowsim.views.indicator_text import ledger_grids
from flowsim.views.sankey import sankey
from flowsim.views.text import Grid, comparison_grids, part_name
from flowsim.words import say

if TYPE_CHECKING:
    from flowsim.compare import Comparison
    from flowsim.indicators.ledger import Ledger

MOST_PARTS = 20
"""Parts of one change that a workbook lists; the others are one row."""
MOST_NODES = 14
"""Processes in one Sankey picture; beyond that the smaller ones are one, or chains are drawn."""
WATERS = ("fresh_water", "process_water", "reclaimed_water", "sea_water", "wastewater", "vapour")
NO_WATER = (*LEFT_OUT, *WATERS)
"""Classes of goods that a picture of materials leaves out; it says so."""
SUBTITLE = {"en": "Report on material and energy flows", "zh": "物质流与能量流分析报告"}


def document(
    comparison: Comparison,
    lang: str,
    *,
    ledgers: Mapping[str, Ledger] | None = None,
    date: str = "",
    command: str = "",
) -> Document:
    """The report on a comparison in one language, ``en`` or ``zh``.

    ``ledgers`` are the symbiosis ledgers by variant, ``date`` and ``command`` what the title page and the
    last section state.
    """
    made = [
        _summary(comparison, lang),
        _indicators(comparison, lang),
        _targets(comparison, lang),
        *_pictures(comparison, lang),
        _balances(comparison, lang),
        _symbiosis(comparison, lang, ledgers or {}),
        _next(comparison, lang),
        grounds.method(comparison, lang),
        grounds.quality(comparison, lang),
        grounds.assumptions(comparison, lang),
        grounds.weak_points(comparison, lang),
        *grounds.annex(comparison, lang),
        grounds.origin(comparison, lang, command),
    ]
    about = comparison.results[0].system.about
    facts = _facts(comparison, lang, date)
    return Document(str(about["name"][lang]), SUBTITLE[lang], facts, tuple(made), lang)


def _facts(comparison: Comparison, lang: str, date: str) -> tuple[tuple[str, str], ...]:
    about = comparison.results[0].system.about
    where = say("park", lang) if comparison.boundary == "park" else comparison.boundary
    labels = evidence.labels_of(comparison, lang)
    found = [
        (say("year", lang), str(about["year"] or "–")),
        (say("boundary", lang), where),
        (say("variants", lang), ("、" if lang == "zh" else ", ").join(labels)),
        (say("targets", lang), comparison.target_set or "–"),
    ]
    if date:
        found.append((chosen(lang, "date", "日期"), date))
    return tuple(found)


def _summary(comparison: Comparison, lang: str) -> Section:
    about = comparison.results[0].system.about
    parts: list[Part] = []
    if said := about["description"].get(lang, ""):
        parts.append(Paragraph(said))
    parts.append(_headline(comparison, lang))
    parts.append(Bullets(tuple(in_words(comparison, name, lang) for name in HEADLINE)))
    if lines := verdict_lines(comparison, lang):
        parts.append(Bullets(lines))
    worst = max(result.largest_residual[0] for result in comparison.results)
    closed = chosen(
        lang,
        f"Every balance was checked: the largest residual is {worst:.1e} of the largest term of its row.",
        f"已逐行检查物料平衡：最大残差为该行最大项的 {worst:.1e}。",
    )
    return Section(chosen(lang, "Summary", "摘要"), (*parts, Paragraph(closed, is_note=True)))


def _indicators(comparison: Comparison, lang: str) -> Section:
    grids = comparison_grids(comparison, lang)
    many = len(comparison.results) > 1
    cells, heads = _live_indicators(comparison, lang)
    title = chosen(lang, "Indicators", "指标")
    grid = Grid(title, grids[0].columns, grids[0].rows, grids[0].right)
    parts: list[Part] = [Table(grid, "indicators", heads, cells)]
    if many:
        base = comparison.labels[0][lang]
        note = f"In brackets: change against {base}." if lang == "en" else f"括号内为相对{base}的变化。"
        parts.insert(0, Paragraph(note, is_note=True))
        parts.append(_changes(comparison, grids[-1], lang))
    return Section(title, tuple(parts))


def _headline(comparison: Comparison, lang: str) -> Table:
    """The headline indicators in handy scales; in full for a workbook."""
    grid = headline_grid(comparison, lang)
    at = [place_of(comparison, name) for name in HEADLINE]
    items = [comparison.values[0][place].indicator for place in at]
    heads = [f"{chosen(lang, item.en, item.zh)}, {item.unit}" for item in items]
    cells: list[tuple[Cell, ...]] = []
    for label, mine in zip(evidence.labels_of(comparison, lang), comparison.values, strict=True):
        cells.append((label, *(mine[place].value for place in at)))
    return Table(grid, "summary", (grid.columns[0], *heads), tuple(cells))


def _changes(comparison: Comparison, grid: Grid, lang: str) -> Table:
    """What explains each change; in a workbook the largest parts in full, and the others as one."""
    cells: list[tuple[Cell, ...]] = []
    for at, first in enumerate(comparison.values[0]):
        item, rest = first.indicator, say("the rest", lang)
        for label, parts in zip(evidence.labels_of(comparison, lang), comparison.parts, strict=True):
            names = chosen(lang, item.en, item.zh), label
            named = parts[at][:MOST_PARTS]
            shown = [(part_name(part, named, lang), part.contribution) for part in named]
            if more := parts[at][MOST_PARTS:]:
                shown.append((f"{rest} ({len(more)})", sum(part.contribution for part in more)))
            cells += [(*names, name, size, item.unit) for name, size in shown]
    words = ("indicator", "variant", "flow", "contribution", "unit")
    table = evidence.grid_table(grid, "changes")
    return replace(table, columns=tuple(say(word, lang) for word in words), cells=tuple(cells))


def _live_indicators(comparison: Comparison, lang: str) -> tuple[Any, tuple[str, ...]]:
    """One row for each indicator and variant: numerator and denominator, and their fraction as a formula."""
    cells = []
    for at, first in enumerate(comparison.values[0]):
        for label, values in zip(evidence.labels_of(comparison, lang), comparison.values, strict=True):
            value, terms = values[at], values[at].terms
            units = (terms.numerator_unit, terms.denominator_unit) if terms else ("", "")
            scale = terms.scale if terms else None
            shown: Any = None if np.isnan(value.value) else value.value
            if terms and not np.isnan(value.value):
                below = "/G{row}" if terms.denominator is not None else ""
                shown = Formula("E{row}" + below + "*I{row}", value.value)
            names = first.indicator.id, first.indicator.zh if lang == "zh" else first.indicator.en, label
            reason = value.reason_zh if lang == "zh" else value.reason
            sides = value.numerator, units[0], value.denominator, units[1]
            cells.append((*names, first.indicator.unit, *sides, scale, shown, reason))
    words = ["id", "indicator", "variant", "unit", "numerator", "unit", "denominator", "unit"]
    heads = [word if word == "id" else say(word, lang) for word in words]
    heads += [chosen(lang, "factor", "系数"), say("value", lang), chosen(lang, "reason", "原因")]
    return tuple(cells), tuple(heads)


def _targets(comparison: Comparison, lang: str) -> Section:
    parts: list[Part] = []
    if any(one.passed is not None for one in comparison.verdicts):
        parts.append(evidence.grid_table(comparison_grids(comparison, lang)[1], "targets"))
        title = chosen(lang, "Variants against the targets", "各情景与目标的比较")
        alt = "; ".join(verdict_lines(comparison, lang))
        parts.append(Picture(title, alt, charts.bars(comparison, lang)))
    elif not comparison.target_set:
        parts.append(Paragraph(chosen(lang, "No targets were stated.", "未设定目标。")))
    else:
        none = chosen(lang, "No target can be judged by these flows.", "现有物质流无法判断任何目标。")
        parts.append(Paragraph(none))
    return Section(chosen(lang, "Targets", "目标完成情况"), tuple(parts))


def _pictures(comparison: Comparison, lang: str) -> list[Section]:
    changes = [part for name in HEADLINE if (part := _waterfall(comparison, name, lang))]
    made = []
    if changes:
        made.append(Section(chosen(lang, "What explains the changes", "变化的来源"), tuple(changes)))
    count = len(comparison.results)
    note = chosen(
        lang,
        "Widths are to scale; what returns runs below. Large systems are drawn by chain, others with their "
        "smaller processes as one. Water is drawn apart from the materials, for the last variant.",
        "线宽按比例绘制，回流绕行于下方。大型系统按产业链绘制，其余将较小的过程合并为一个。"
        "水与物料分开绘制，仅绘最后一个情景。",
    )
    drawings = [_drawing(comparison, at, lang) for at in range(count)]
    if np.nansum(comparison.results[-1].layer("water")) > 0:
        drawings.append(_drawing(comparison, count - 1, lang, "water"))
    made.append(Section(chosen(lang, "The flows", "物质流图"), (Paragraph(note, is_note=True), *drawings)))
    if count > 1:
        shown = [_drawing(comparison, at, lang, is_change=True) for at in range(1, count)]
        made.append(Section(chosen(lang, "Differences of the flows", "物质流变化"), tuple(shown), level=2))
    return made


def _waterfall(comparison: Comparison, name: str, lang: str) -> Picture | None:
    """Of the variant that changes an indicator most; nothing where no flows explain a change."""
    if not (at := most_changed(comparison, name)):
        return None
    variant = comparison.names[at]
    try:
        chart = charts.waterfall(comparison, name, variant, lang)
    except InputError:
        return None
    return Picture(chart.title, in_words(comparison, name, lang), chart)


def _drawing(
    comparison: Comparison, at: int, lang: str, layer: str = "mass", is_change: bool = False
) -> Picture:
    """Flows of a variant, or what is more and less in it than in the first; materials without the water."""
    result, first = comparison.results[at], comparison.results[0]
    inside = result.system.processes[~result.system.processes["outside"]]
    group = "chain" if len(inside) > 4 * MOST_NODES and inside["chain"].nunique() > 3 else None
    options: dict[str, Any] = {"layer": layer, "group": group, "lang": lang, "top": MOST_NODES}
    options["exclude"] = NO_WATER if layer == "mass" else LEFT_OUT
    label = comparison.labels[at][lang]
    what = chosen(lang, "Materials", "物料") if layer == "mass" else chosen(lang, "Water", "水")
    if is_change:
        label = f"{comparison.labels[0][lang]} → {label}"
    title = f"{what}{chosen(lang, ': ', '：')}{label}"
    kind = chosen(lang, "Sankey picture", "桑基图")
    svg = sankey(first, other=result, **options) if is_change else sankey(result, **options)
    return Picture(title, f"{kind}, {title}", svg)


def _balances(comparison: Comparison, lang: str) -> Section:
    said = chosen(
        lang,
        "Flows within a chain are left out. Mass must close; water and energy change form in a process, so "
        "their difference is what is bound, released or dissipated. Cooling water that goes round is counted "
        "each time.",
        "产业链内部的流不计入。质量必须闭合；水和能量在过程中发生形态变化，其差额为结合、释放或散失的部分。"
        "循环冷却水按循环次数累计。",
    )
    tables = evidence.boundary_table(comparison, lang), evidence.chain_table(comparison, lang)
    return Section(chosen(lang, "Balances", "物料平衡"), (Paragraph(said, is_note=True), *tables))


def _symbiosis(comparison: Comparison, lang: str, ledgers: Mapping[str, Ledger]) -> Section:
    parts: list[Part] = []
    links = evidence.link_table(comparison, lang)
    if links is None:
        parts.append(
            Paragraph(chosen(lang, "No exchange is open in any variant.", "各情景均未开通共生链接。"))
        )
    else:
        parts.append(links)
    for name, ledger in ledgers.items():
        label = comparison.labels[comparison.names.index(name)][lang]
        note = chosen(
            lang,
            f"{label}: each link is closed alone and the park is balanced again. Savings of links that "
            "depend on each other do not add up.",
            f"{label}：逐一关闭每条链接后重新求解。相互依赖的链接，其节约量不可相加。",
        )
        parts.append(Paragraph(note, is_note=True))
        parts += [
            evidence.grid_table(replace(grid, title=f"{grid.title}: {label}"), f"ledger#{at}")
            for at, grid in enumerate(ledger_grids(ledger, lang), start=1)
        ]
    if links is not None and not ledgers:
        note = chosen(
            lang,
            "What each link saves on its own was not worked out here; `--ledger` adds it.",
            "本报告未计算各链接单独的节约量；可用 `--ledger` 加入。",
        )
        parts.append(Paragraph(note, is_note=True))
    return Section(chosen(lang, "Symbiosis", "产业共生"), tuple(parts))


def _next(comparison: Comparison, lang: str) -> Section:
    title = chosen(lang, "Where to look next", "下一步的重点")
    wastes = evidence.waste_table(comparison, lang)
    if wastes is None:
        none = chosen(
            lang, "No solid or hazardous waste leaves unused.", "没有未利用的固体废物或危险废物外排。"
        )
        return Section(title, (Paragraph(none),))
    last = comparison.labels[-1][lang]
    said = chosen(
        lang,
        f"Wastes that end in treatment, landfill, air or water outside, largest in {last} first. Each is a "
        "candidate for an exchange.",
        f"进入外部处理、填埋、大气或水体的废物，按{last}由大到小排列；每一项都是潜在的共生机会。",
    )
    return Section(title, (Paragraph(said), wastes))
