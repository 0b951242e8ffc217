"""Reports on the answers of single studies: their tables and notes as sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flowsim.report.document import Bullets, Document, Paragraph, Part, Picture, Section, chosen
from flowsim.report.evidence import grid_table
from flowsim.views.changes_chart import changes
from flowsim.views.reconcile_text import reconcile_grids, verdict
from flowsim.views.sankey import sankey
from flowsim.views.text import Grid, residual_text
from flowsim.words import say

if TYPE_CHECKING:
    from flowsim.result import Result
    from flowsim.studies.reconciliation import Reconciliation


def answer(
    result: Result,
    subtitle: str,
    sections: Sequence[Section],
    lang: str,
    *,
    notes: Sequence[str] = (),
    command: str = "",
) -> Document:
    """The sections that a study has to say, between a title page and what the answer was made of."""
    about, origin = result.system.about, result.origin
    facts = [(say("year", lang), str(about["year"] or "–"))]
    if about["variant"]:
        facts.append((say("variant", lang), about["variant_name"][lang]))
    weak = chosen(lang, "Weak points", "薄弱环节")
    last: list[Part] = [Bullets(tuple(notes))] if notes else []
    last.append(Paragraph(residual_text(result, lang) + chosen(lang, ".", "。")))
    options = ", ".join(f"{key} = {value}" for key, value in origin["options"].items()) or "–"
    versions = ", ".join(f"{name} {version}" for name, version in origin["versions"].items())
    rows = [
        [chosen(lang, "file", "文件"), origin["file"]],
        [chosen(lang, "SHA-256 of the scenario", "情景摘要"), origin["digest"]],
        [chosen(lang, "study", "模拟"), origin["study"]],
        [chosen(lang, "options", "选项"), options],
        [chosen(lang, "versions", "版本"), versions],
    ]
    if command:
        rows.append([chosen(lang, "command", "命令"), command])
    title = chosen(lang, "What the answer was made of", "结果的来源")
    origins = grid_table(Grid(title, ["", ""], rows), "origin")
    ends = Section(weak, tuple(last)), Section(chosen(lang, "Origin", "数据溯源"), (origins,))
    return Document(str(about["name"][lang]), subtitle, tuple(facts), (*sections, *ends), lang)


def tables_section(heading: str, said: str, grids: Sequence[Grid], sheet: str) -> Section:
    """A paragraph and tables below a heading."""
    numbered = [sheet if len(grids) == 1 else f"{sheet}#{at}" for at in range(1, len(grids) + 1)]
    tables = [grid_table(grid, name) for grid, name in zip(grids, numbered, strict=True)]
    return Section(heading, (*((Paragraph(said),) if said else ()), *tables))


def reconciled(
    found: Reconciliation, lang: str, *, extra: Sequence[Grid] = (), command: str = ""
) -> Document:
    """The report on a reconciliation: verdict, data before and after, suspects, what is left open, method.

    ``extra`` are further tables that were asked for: indicators with their uncertainty, what to measure next.
    """
    grids = reconcile_grids(found, lang, every=True)
    classes = found.values["class"]
    left = [row for row, kind in zip(grids[1].rows, classes, strict=True) if kind == "unobservable"]
    loose = replace(grids[1], title=chosen(lang, "What the data leave open", "数据无法确定的量"), rows=left)
    summary = [Paragraph(verdict(found, lang))]
    if found.eliminated:
        names = ", ".join(found.eliminated)
        summary.append(Paragraph(chosen(lang, f"Left out one by one: {names}.", f"逐个剔除：{names}。")))
    sections = [
        Section(chosen(lang, "Summary", "摘要"), tuple(summary)),
        tables_section(
            chosen(lang, "The data", "数据"),
            chosen(
                lang,
                "A change is given in standard uncertainties of the datum; a test value marked with ! lies "
                "beyond its critical value.",
                "变化以该数据的标准不确定度为单位；带 ! 的检验值超出临界值。",
            ),
            [grids[0], *grids[2:]],
            "data",
        ),
        tables_section(chosen(lang, "The balanced system", "平衡后的系统"), "", [grids[1]], "values"),
    ]
    if (found.data["change"].abs() > 0).any():
        chart = changes(found, lang)
        sections[1] = replace(
            sections[1], parts=(*sections[1].parts, Picture(chart.title, chart.title, chart))
        )
    if left:
        said = chosen(
            lang,
            "No combination of the data fixes these; the interval is what balances and bounds leave.",
            "任何数据组合都不能确定下列各量；区间为平衡与上下限所允许的范围。",
        )
        sections.append(tables_section(chosen(lang, "Left open", "未确定"), said, [loose], "open"))
    if extra:
        sections.append(tables_section(chosen(lang, "Further tables", "其他结果"), "", extra, "more"))
    title = chosen(lang, "Balanced flows", "平衡后的物质流")
    drawing = sankey(found.result, lang=lang)  # type: ignore[arg-type]
    sections.append(Section(title, (Picture(title, title, drawing),)))
    sections.append(_method(found, lang))
    subtitle = chosen(lang, "Report on the reconciliation of data", "数据协调报告")
    notes = found.notes_zh if lang == "zh" else found.notes
    return answer(found.result, subtitle, sections, lang, notes=notes, command=command)


def _method(found: Reconciliation, lang: str) -> Section:
    said = chosen(
        lang,
        "Weighted least squares under the balances: the uncertain numbers move least, in units of their "
        "standard uncertainty, until every balance holds. The global test sets the sum of squares against "
        "the chi-squared distribution; each datum is tested by its own change over the standard deviation "
        "of that change. A datum is redundant where others confirm it; an unknown is unobservable where "
        "nothing fixes it.",
        "在平衡约束下的加权最小二乘：以标准不确定度为单位，使不确定的数据变动最小而全部平衡成立。总体检验将平方和与卡方"
        "分布比较；每个数据以其变化与该变化的标准差之比检验。若其他数据可印证，则该数据为冗余；若无数据可确定，则该未知量"
        "不可观测。",
    )
    return Section(chosen(lang, "Method", "方法"), (Paragraph(said),))
