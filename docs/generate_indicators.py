"""Write docs/indicators.md from the registry of indicators, in English and Chinese."""

from __future__ import annotations

from pathlib import Path

from flowsim.files import write_text
from flowsim.indicators import INPUTS, Indicator, known
from flowsim.views.indicator_text import BETTER, CERTAINTY

HERE = Path(__file__).parent

SETS = {
    "cn": ("China: the system of 2017 and related figures", "中国：2017年版评价指标体系及相关指标"),
    "park": ("China: parks (`cn_park`)", "中国：园区循环化改造、国家生态工业示范园区、零碳园区"),
    "water": ("Water balance, GB/T 7119", "水平衡，GB/T 7119"),
    "general": ("General", "通用"),
    "eu": ("Economy-wide material flow accounts (`ew_mfa`)", "经济系统物质流核算"),
    "iso59020": ("ISO 59020:2024", "ISO 59020:2024"),
    "cti": ("WBCSD Circular Transition Indicators", "WBCSD 循环转型指标"),
    "mci": ("Material Circularity Indicator", "材料循环性指标"),
    "metals": ("Metals, UNEP 2011", "金属再生率，UNEP 2011"),
    "network": ("Networks and symbiosis", "网络与产业共生"),
}
"""Set → its heading in English and Chinese."""

HEAD = """# Indicators · 指标

Written by `docs/generate_indicators.py` from the registry; do not edit. {count} indicators in {sets} sets.

Every indicator is computed from a balanced result at a boundary (park, city, firm, site, chain, process).
It is a sum of contributions of flows, or a ratio of two such sums, unless it is marked ◆: those are figures
of their own, and a change of them cannot be shared out over flows. A zero denominator, an undetermined flow,
a price or factor that lacks, a balance that does not close: each makes an indicator missing, with the reason.
Nothing is cut to a range.

**Certainty.** *Confirmed*: the definition was read in published material or its numbers were reproduced.
*From memory, to be confirmed*: it was recalled from a standard that could not be opened; read the standard
before you claim conformity. *Own definition*: made here.

Flows do not carry everything. What an indicator needs beyond them is an input:

| input | unit | meaning | 含义 |
|---|---|---|---|
{inputs}

Beyond flows, and so not here, are indicators of compliance, audits, facilities, publicity and green areas
(HJ 274-2015, nos. 1, 17 to 23 and 29 to 32), the raw material behind traded goods, and the recycling rate
of packaging, since no good says that it packs another. Changes against a base year, yearly cuts and
elasticities (HJ 274-2015, nos. 3, 9, 10, 13, 25, 26) are of two results: `flowsim indicators FILE --base
VARIANT --years N`, in Python `flowsim.indicators.changes` and `elasticity`. A change of a percentage stands
in points and in percent.

Some factors are published in several sets. `--factors SET` says which holds; else the first in the table
does.

**Old scrap ratio.** UNEP 2011 and Graedel et al. 2011 write g / (g + h), with g and h the old and new scrap
that recycling gives, not what is collected. Where both are recycled together, the output is shared out by
the input.

各指标均由平衡后的物质流结果按系统边界计算；标 ◆ 者不是流量之和的比值。
缺数据时指标为“缺失”并说明原因，不取零、不截断。
“凭记忆，待核实”表示未见标准原文，引用前请核对标准。
与基期比较（变化率、年均变化、弹性系数）用 `flowsim indicators FILE --base 情景 --years 年数`；
排放因子等有多套公布值时用 `--factors` 指定。
"""


def page() -> str:
    """The whole page: an introduction, and a table for each set."""
    inputs = "\n".join(
        f"| `{name}` | {unit or '1'} | {en} | {zh} |" for name, (unit, en, zh) in INPUTS.items()
    )
    head = HEAD.format(count=len(known()), sets=len(SETS), inputs=inputs)
    return "\n".join([head, *(_section(name) for name in SETS)])


def _section(name: str) -> str:
    """One set: its indicators, then the notes on how each is counted."""
    en, zh = SETS[name]
    items = sorted(known(name), key=lambda item: item.id)
    title = en if en == zh else f"{en} · {zh}"
    rows = [_row(item) for item in items]
    notes = [f"- `{item.id}`: {item.note}" for item in items]
    head = [
        "| id | English | 中文 | unit | formula | 公式 | source | certainty | better |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([f"## {title}", "", *head, *rows, "", *notes, ""])


def _row(item: Indicator) -> str:
    mark = " ◆" if item.direct else ""
    certainty = f"{item.certainty} · {CERTAINTY[item.certainty]}"
    better = f"{item.better} · {BETTER[item.better]}" if item.better else ""
    cells = [
        f"`{item.id}`{mark}",
        item.en,
        item.zh,
        item.unit,
        item.formula,
        item.formula_zh,
        item.clause,
        certainty,
        better,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Write the page."""
    write_text(HERE / "indicators.md", page())


if __name__ == "__main__":
    main()
