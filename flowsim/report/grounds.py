"""What a report rests on: method, data quality, assumptions, weak points, full tables and origin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from flowsim.report import evidence
from flowsim.report.document import Bullets, Paragraph, Part, Section, Table, chosen
from flowsim.views.indicator_text import list_grid
from flowsim.views.text import Grid, rounding
from flowsim.words import say

if TYPE_CHECKING:
    from flowsim.compare import Comparison


def method(comparison: Comparison, lang: str) -> Section:
    """How the flows and the indicators were worked out, and the definition of each indicator."""
    studies = {result.study for result in comparison.results}
    paragraphs = [
        chosen(
            lang,
            "Everything that the scenario states is one system of linear equations: each process keeps its "
            "mass; recipes, transfer coefficients, shares and contents tie flows together; given amounts fix "
            "them. Recycling loops are solved at once, not by iteration. What nobody drew closes by rule: "
            "inputs come from the market or nature, outputs go to their stated fate; such flows are marked "
            "as implied.",
            "情景中的全部陈述构成一个线性方程组：每个过程质量守恒；配方、转移系数、占比和含量把各流联系起来；给定量将其"
            "确定。循环回路一次求解，无需迭代。未绘出的流按规则闭合：输入来自市场或自然界，输出去往规定的去向，并标为"
            "“按规则补全”。",
        )
    ]
    if "dispatch" in studies:
        paragraphs.append(
            chosen(
                lang,
                "Where facts leave choices, merit order decides: own chain, then symbiosis, then market; "
                "utilise before treat before dispose.",
                "数据留有选择余地之处按优先次序分配：先本产业链，再共生链接，后市场；先利用，再处理，后处置。",
            )
        )
    paragraphs.append(
        chosen(
            lang,
            "Indicators are worked out from the flows that cross the stated boundary: sums first, the ratio "
            "last. One that has no meaning is missing and says why. Value added is a gross margin at "
            "constant prices of the year of the price list.",
            "指标由穿过系统边界的流计算：先求和，后求比。没有意义的指标列为缺失并说明原因。增加值为按价格表所注年份不变"
            "价格计算的毛利。",
        )
    )
    items = [value.indicator for value in comparison.values[0]]
    definitions = evidence.grid_table(list_grid(items, lang), "definitions")
    title = chosen(lang, "Method and definitions", "方法与定义")
    return Section(title, (*(Paragraph(text) for text in paragraphs), definitions))


def quality(comparison: Comparison, lang: str) -> Section:
    """What the numbers rest on: quality classes, and the estimates that matter most."""
    last = comparison.results[-1]
    said = chosen(
        lang,
        f"For {comparison.labels[-1][lang]}. The mass is that of the materials (water left out) in the flows "
        "that a line of a recipe or a given amount fixes; one flow can rest on two lines.",
        f"以{comparison.labels[-1][lang]}为准。质量为配方行或给定量所确定的物料流（不含水）的质量；同一流可能依据两行。",
    )
    tables = evidence.quality_table(last, lang), evidence.estimate_table(last, lang)
    return Section(
        chosen(lang, "Data quality", "数据质量"), tuple(part for part in (Paragraph(said), *tables) if part)
    )


def assumptions(comparison: Comparison, lang: str) -> Section:
    """What each variant changes."""
    title = chosen(lang, "Assumptions of the variants", "各情景的假设")
    table = evidence.difference_table(comparison, lang)
    if table is None:
        return Section(
            title, (Paragraph(chosen(lang, "The scenario is taken as it stands.", "情景未作改动。")),)
        )
    return Section(title, (table,))


def weak_points(comparison: Comparison, lang: str) -> Section:
    """Missing figures, what the flows leave open, remarks of the study, and the residual of each variant."""
    lines: dict[str, list[str]] = {}
    for label, values, result in zip(
        evidence.labels_of(comparison, lang), comparison.values, comparison.results, strict=True
    ):
        for value in values:
            if value.reason:
                name = chosen(lang, value.indicator.en, value.indicator.zh)
                line = f"{say('missing', lang)}: {name}: {chosen(lang, value.reason, value.reason_zh)}"
                lines.setdefault(line, []).append(label)
        if loose := int(np.isnan(result.amounts).sum()):
            line = chosen(
                lang, f"{loose} flows are not determined by the data.", f"{loose} 条流数据不足，无法确定。"
            )
            lines.setdefault(line, []).append(label)
        for note in result.all_notes(lang):
            lines.setdefault(note, []).append(label)
    every = len(comparison.results)
    bullets = tuple(
        line if len(who) == every else f"{line} ({', '.join(who)})" for line, who in lines.items()
    )
    rows = []
    for label, result in zip(evidence.labels_of(comparison, lang), comparison.results, strict=True):
        share, row = result.largest_residual
        rows.append(
            [label, rounding(share), result.system.row_text(row, lang=lang) if len(result.system.rhs) else ""]
        )
    heads = [say("variant", lang), say("largest residual", lang), say("relation", lang)]
    title = chosen(
        lang, "Largest residual as a share of the largest term of its row", "最大残差（占该行最大项的比例）"
    )
    table = evidence.grid_table(Grid(title, heads, rows, (1,)), "residuals")
    parts: tuple[Part, ...] = (Bullets(bullets), table) if bullets else (table,)
    return Section(chosen(lang, "Weak points", "薄弱环节"), parts)


def annex(comparison: Comparison, lang: str) -> list[Section]:
    """Processes, targets that cannot be judged, sources and all flows."""
    tables: list[tuple[str, Callable[[Comparison, str], Table | None]]] = [
        (chosen(lang, "Processes", "过程"), evidence.process_table),
        (chosen(lang, "Targets without a verdict", "无法判断的目标"), evidence.target_table),
        (chosen(lang, "Sources", "数据来源"), evidence.source_table),
        (chosen(lang, "All flows", "全部流"), evidence.flow_table),
    ]
    head = Section(chosen(lang, "Annex: full tables", "附录：完整数据表"), ())
    made = [(title, table(comparison, lang)) for title, table in tables]
    return [head, *(Section(title, (table,), level=2) for title, table in made if table is not None)]


def origin(comparison: Comparison, lang: str, command: str) -> Section:
    """Files, digests, versions and the command: enough to make the report again."""
    rows: list[list[str]] = []
    for label, result in zip(evidence.labels_of(comparison, lang), comparison.results, strict=True):
        origin = result.origin
        options = ", ".join(f"{key} = {value}" for key, value in origin["options"].items()) or "–"
        rows.append([label, origin["file"], origin["digest"][:16], origin["study"], options])
    heads = [
        say("variant", lang),
        chosen(lang, "file", "文件"),
        chosen(lang, "SHA-256 of the scenario", "情景摘要"),
    ]
    heads += [chosen(lang, "study", "模拟"), chosen(lang, "options", "选项")]
    title = chosen(lang, "What the results were made of", "结果的来源")
    versions = ", ".join(
        f"{name} {value}" for name, value in comparison.results[0].origin["versions"].items()
    )
    said = [f"{chosen(lang, 'Versions', '版本')}: {versions}."]
    if command:
        said.append(f"{chosen(lang, 'Made by', '生成命令')}: {command}")
    said.append(
        chosen(
            lang,
            "Nothing here is drawn at random; the same files give the same report.",
            "本报告不含随机成分；相同的文件得到相同的报告。",
        )
    )
    parts: Sequence[Part] = [
        evidence.grid_table(Grid(title, heads, rows), "origin"),
        *(Paragraph(text) for text in said),
    ]
    return Section(chosen(lang, "Origin", "数据溯源"), tuple(parts))
