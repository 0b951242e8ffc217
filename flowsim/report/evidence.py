"""Tables behind a report that no other room has: balances of chains, links, what is wasted, data quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.report.document import Cell, Formula, Table, chosen
from flowsim.schema import GOOD_CLASSES
from flowsim.system import BASE_UNITS, ROW_KINDS
from flowsim.views.text import Grid, amount, handy, number, percent, rounding, unit_text
from flowsim.words import say

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.compare import Comparison
    from flowsim.result import Result

MOST_WASTES = 12
"""Unused wastes that are listed."""
MOST_ESTIMATES = 15
"""Recipe lines resting on estimates that are named."""
WASTES = ("solid_waste", "hazardous_waste", "municipal_waste", "construction_waste", "agricultural_waste")
UNUSED = ("treatment", "landfill", "air", "water")
"""Places outside where a waste ends unused."""
WEAK = ("estimate", "assumption")
"""Quality classes that a reader must know of."""
QUALITY = {
    "standard": ("standard", "标准"),
    "official": ("official statistics or survey", "官方统计或普查"),
    "stoichiometric": ("stoichiometric", "化学计量"),
    "literature": ("literature", "文献"),
    "estimate": ("engineering estimate", "工程估算"),
    "balance": ("by difference or mass balance", "按差额或物料平衡"),
    "assumption": ("assumption", "假设"),
    "plan": ("plan", "规划"),
    "": ("not stated, or the reference line of a recipe", "未注明，或配方的基准行"),
}


def labels_of(comparison: Comparison, lang: str) -> list[str]:
    """Names of the variants."""
    return [label[lang] for label in comparison.labels]


def grid_table(grid: Grid, sheet: str) -> Table:
    """A table of texts as a part of a section."""
    return Table(replace(grid, title=grid.title[:1].upper() + grid.title[1:]), sheet)


def chain_table(comparison: Comparison, lang: str) -> Table:
    """Mass in, out and stock change of each chain, and what is left over, t/a."""
    rows = [
        (label, *row)
        for result, label in zip(comparison.results, labels_of(comparison, lang), strict=True)
        for row in _chains(result, lang)
    ]
    factor, unit = handy([size for row in rows for size in row[2:5]], "t/a", lang)
    texts = [
        [*row[:2], *(number(each / factor) for each in row[2:5]), rounding(row[5]), unit] for row in rows
    ]
    words = ("in", "out", "stock change", "difference", "unit")
    heads = [say("variant", lang), chosen(lang, "chain", "产业链"), *(say(word, lang) for word in words)]
    title = chosen(
        lang, "Mass balance of every chain; the difference is in t/a", "各产业链质量平衡（差额单位：吨/年）"
    )
    cells = [(*row[:5], Formula("C{row}-D{row}-E{row}", row[5]), "t/a") for row in rows]
    return Table(Grid(title, heads, texts, (2, 3, 4, 5)), "chains", tuple(heads), tuple(cells))


def _chains(result: Result, lang: str) -> list[tuple[str, float, float, float, float]]:
    """Name, in, out, stock change and difference of each chain; what runs within one is left out."""
    processes, flows = result.system.processes, result.system.flows
    inside = ~processes["outside"].to_numpy()
    names, code = np.unique(processes["chain"].astype(str).to_numpy(), return_inverse=True)
    code = np.where(inside, code, len(names))
    mass = result.layer("mass")
    ends = [code[flows[end]] for end in ("to_at", "from_at")]
    crossing = np.where(ends[0] != ends[1], mass, 0.0)
    into, out = (np.bincount(end, crossing, len(names) + 1) for end in ends)
    stock = np.bincount(
        code[np.flatnonzero(inside)], result.closure("mass")["stock_change"].to_numpy(), len(names) + 1
    )
    known = result.system.about.get("groups", {}).get("chain", {})
    loose = chosen(lang, "in no chain (networks, shared plants)", "未归入产业链（公共管网与公用设施）")
    whole = chosen(lang, "all processes", "全部过程")
    found = []
    for at in sorted(set(code[inside].tolist()), key=lambda at: (not names[at], at)):
        name = known.get(names[at], {}).get(lang, names[at]) or (loose if any(names) else whole)
        terms = float(into[at]), float(out[at]), float(stock[at])
        found.append((name, *terms, terms[0] - terms[1] - terms[2]))
    return found


def boundary_table(comparison: Comparison, lang: str) -> Table:
    """Mass, water and energy that cross the boundary in each variant, and what is left over."""
    texts, cells = [], []
    for result, label in zip(comparison.results, labels_of(comparison, lang), strict=True):
        outside, flows = result.system.processes["outside"].to_numpy(), result.system.flows
        for layer, unit in BASE_UNITS.items():
            value = result.layer(layer)
            enters, leaves = (float(value[outside[flows[end]]].sum()) for end in ("from_at", "to_at"))
            stock = float(result.closure(layer)["stock_change"].sum())
            if enters == leaves == stock == 0:
                continue
            factor, shown = handy([enters, leaves, stock], f"{unit}/a", lang)
            left = enters - leaves - stock
            terms = [number(each / factor) for each in (enters, leaves, stock)]
            rest = rounding(left) if layer == "mass" else number(left / factor)
            texts.append([label, say(layer, lang), *terms, rest, shown])
            formula = Formula("C{row}-D{row}-E{row}", left)
            cells.append((label, say(layer, lang), enters, leaves, stock, formula, f"{unit}/a"))
    words = ("variant", "layer", "in", "out", "stock change", "difference", "unit")
    heads = [say(word, lang) for word in words]
    title = chosen(lang, "What crosses the boundary of the park", "穿过园区边界的总量")
    return Table(Grid(title, heads, texts, (2, 3, 4, 5)), "boundary", tuple(heads), tuple(cells))


def _by_flow(comparison: Comparison, chosen_of: Any) -> pd.DataFrame:
    """Flows of all results that are chosen: labels, place, and the amount in each result.

    ``chosen_of(result)`` gives a mask of the flows of a result. Amounts stand in columns 0, 1, ...; NaN
    where a flow is not there.
    """
    import pandas as pd

    names = ["id", "good", "from", "to", "en", "zh", "how", "file", "line", "source"]
    parts = []
    for at, result in enumerate(comparison.results):
        keep = np.flatnonzero(chosen_of(result))
        part = result.system.flows[names].iloc[keep].assign(value=result.amounts[keep], at=at)
        part["how"] = result.how()[keep]
        parts.append(part)
    every = pd.concat(parts, ignore_index=True)
    first = every.drop_duplicates("id").set_index("id")
    amounts = every.pivot_table("value", "id", "at", aggfunc="sum", min_count=1)
    return first.join(amounts.reindex(columns=range(len(comparison.results))))


def _names(comparison: Comparison, lang: str) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
    """Names of the processes and goods of all results, and each good's row."""
    processes: dict[str, str] = {}
    goods: dict[str, str] = {}
    rows: dict[str, Any] = {}
    for result in comparison.results:
        table, known = result.system.processes, result.system.goods
        processes |= dict(zip(table["id"], table[lang], strict=True))
        goods |= dict(zip(known["id"], known[lang], strict=True))
        rows |= {row["id"]: row for row in known[["id", "class", "kind", "unit", "mass"]].to_dict("records")}
    return processes, goods, rows


def flow_table(comparison: Comparison, lang: str) -> Table:
    """Every flow of every variant: id, ends, amounts, how it came about, where it was stated."""
    flows = _by_flow(comparison, lambda result: np.nan_to_num(result.amounts, nan=1.0) != 0)
    processes, goods, about = _names(comparison, lang)
    variants = range(len(comparison.results))
    mass = flows["good"].map(lambda good: about[good]["mass"]).to_numpy() * flows[list(variants)].max(axis=1)
    order = np.lexsort((np.arange(len(flows)), -np.nan_to_num(mass.to_numpy())))
    texts, cells = [], []
    for row in flows.iloc[order].reset_index().to_dict("records"):
        unit = f"{about[row['good']]['unit']}/a"
        factor, shown = _plain_scale([row[at] for at in variants], unit, lang)
        ends = [row["id"], goods[row["good"]], processes[row["from"]], processes[row["to"]]]
        last = [say(str(row["how"]), lang), f"{row['file']}:{row['line']}" if row["file"] else ""]
        texts.append([*ends, *(number(row[at] / factor) for at in variants), shown, *last])
        cells.append((*ends, *(float(row[at]) for at in variants), unit, *last, str(row["source"])))
    words = ("good", "from", "to"), ("unit", "how", "where")
    heads = ["id", *(say(word, lang) for word in words[0]), *labels_of(comparison, lang)]
    heads += [say(word, lang) for word in words[1]]
    grid = Grid(chosen(lang, "Flows", "流"), heads, texts, tuple(range(4, 4 + len(variants))))
    return Table(grid, "flows", (*heads, say("source", lang)), tuple(cells))


def _plain_scale(values: Sequence[float], unit: str, lang: str) -> tuple[float, str]:
    """Plain units in English, 万 from 10,000 on in Chinese: amounts of a list stay comparable."""
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    shown = amount(largest, unit, lang)[1]
    return (1e4 if shown.startswith("万") else 1.0), shown


def link_table(comparison: Comparison, lang: str) -> Table | None:
    """What flows over each link in each variant; ``–`` where it is closed."""
    flows = _by_flow(comparison, lambda result: (result.system.flows["how"] == "link").to_numpy())
    if flows.empty:
        return None
    processes, goods, about = _names(comparison, lang)
    variants = range(len(comparison.results))
    texts, cells = [], []
    for row in flows.reset_index().to_dict("records"):
        unit = f"{about[row['good']]['unit']}/a"
        factor, shown = _plain_scale([row[at] for at in variants], unit, lang)
        ends = [row[lang] or row["id"], goods[row["good"]], processes[row["from"]], processes[row["to"]]]
        texts.append([*ends, *(number(row[at] / factor) for at in variants), shown])
        cells.append((*ends, *(float(row[at]) for at in variants), unit))
    heads = [chosen(lang, "link", "链接"), *(say(word, lang) for word in ("good", "from", "to"))]
    heads += [*labels_of(comparison, lang), say("unit", lang)]
    title = chosen(lang, "What flows over open links", "已开通链接的流量")
    grid = Grid(title, heads, texts, tuple(range(4, 4 + len(variants))))
    return Table(grid, "links", tuple(heads), tuple(cells))


def waste_table(comparison: Comparison, lang: str) -> Table | None:
    """The largest wastes that leave unused, by the last variant's amounts, with those of the others."""

    def unused(result: Result) -> np.ndarray:
        system = result.system
        kind = system.goods["class"].to_numpy()[system.flows["good_at"]]
        dumped = (system.processes["kind"] == "dispose").to_numpy()[system.flows["to_at"]]
        away = np.isin(system.flows["to"].to_numpy(dtype=str), UNUSED) | dumped
        return np.isin(kind.astype(str), WASTES) & away & (np.nan_to_num(result.amounts) > 0)

    flows = _by_flow(comparison, unused)
    if flows.empty:
        return None
    processes, goods, about = _names(comparison, lang)
    variants = list(range(len(comparison.results)))
    amounts = flows[variants].fillna(0.0)
    size = amounts[variants[-1]].to_numpy() * 1e6 + amounts.max(axis=1).to_numpy()
    kept = flows.assign(size=size).sort_values("size", ascending=False, kind="stable").head(MOST_WASTES)
    factor, unit = handy(kept[variants].max(axis=1).tolist(), "t/a", lang)
    texts: list[list[str]] = []
    cells: list[tuple[Cell, ...]] = []
    for row in kept.reset_index().to_dict("records"):
        values = [0.0 if np.isnan(row[at]) else float(row[at]) for at in variants]
        kind = GOOD_CLASSES[about[row["good"]]["class"]][lang == "zh"]
        ends = [goods[row["good"]], kind, processes[row["from"]], processes[row["to"]]]
        texts.append([*ends, *(number(value / factor) for value in values), unit])
        cells.append((*ends, *values, "t/a"))
    heads = [say(word, lang) for word in ("good", "class", "from", "to")]
    heads += [*labels_of(comparison, lang), say("unit", lang)]
    title = chosen(lang, "Largest wastes that leave unused", "未利用的主要废物")
    return Table(
        Grid(title, heads, texts, tuple(range(4, 4 + len(variants)))), "wastes", tuple(heads), tuple(cells)
    )


def process_table(comparison: Comparison, lang: str) -> Table | None:
    """Activity of each process in each variant, and its capacity."""
    import pandas as pd

    parts = [result.processes.assign(at=at) for at, result in enumerate(comparison.results)]
    every = pd.concat(parts, ignore_index=True)
    if every.empty:
        return None
    variants = range(len(parts))
    first = every.drop_duplicates("id").set_index("id")
    values = every.pivot_table("activity", "id", "at", aggfunc="sum", min_count=1).reindex(columns=variants)
    texts, cells = [], []
    for row in first.join(values).reset_index().to_dict("records"):
        sizes = [row[at] for at in variants]
        factor, unit = _plain_scale([*sizes, row["capacity"]], row["unit"], lang)
        texts.append(
            [row["id"], row[lang], *(number(each / factor) for each in (row["capacity"], *sizes)), unit]
        )
        cells.append((row["id"], row[lang], float(row["capacity"]), *map(float, sizes), row["unit"]))
    heads = [
        "id",
        say("process", lang),
        say("capacity", lang),
        *labels_of(comparison, lang),
        say("unit", lang),
    ]
    title = chosen(lang, "Activity of the processes", "各过程运行量")
    grid = Grid(title, heads, texts, tuple(range(2, 3 + len(variants))))
    return Table(grid, "processes", tuple(heads), tuple(cells))


def _stated(result: Result) -> pd.DataFrame:
    """Rows that state a number: kind, quality, mass of materials that it fixes in t/a, and labels."""
    import pandas as pd

    system, rows = result.system, result.system.rows
    flows = len(system.flows)
    solid = (system.goods["kind"] == "material").to_numpy()[system.flows["good_at"]]
    moved = np.abs(np.nan_to_num(result.amounts * system.flow_mass("mass"))) * solid
    frame = pd.DataFrame(
        {
            "kind": rows.kind,
            "quality": rows.quality,
            "mass": abs(system.matrix[:, :flows]) @ moved,
            "process": rows.process,
            "good": rows.good,
            "source": rows.source,
            "base": (rows.layer == "base") | (rows.layer == "mass"),
        }
    )
    frame = frame[~frame["kind"].isin(["balance", "closing", "stock"])]
    frame.loc[~frame["kind"].isin(["recipe", "given"]) | ~frame["base"], "mass"] = np.nan
    return frame


def quality_table(result: Result, lang: str) -> Table | None:
    """Numbers by kind and quality class of their source, and the mass of materials that rests on each."""
    frame = _stated(result)
    if frame.empty:
        return None
    texts, cells = [], []
    for kind, group in frame.groupby("kind", sort=True):
        total = group["mass"].sum(min_count=1)
        for quality in (name for name in QUALITY if name in set(group["quality"])):
            mine = group[group["quality"] == quality]
            mass = float(mine["mass"].sum(min_count=1))
            share = mass / total if total > 0 else float("nan")
            names = [ROW_KINDS[str(kind)][lang == "zh"], QUALITY[quality][lang == "zh"]]
            texts.append([*names, str(len(mine)), *amount(mass, "t/a", lang), percent(share)])
            cells.append((*names, len(mine), mass, "t/a", share))
    heads = [chosen(lang, "number", "数据"), chosen(lang, "quality class", "质量等级"), say("rows", lang)]
    heads += [chosen(lang, "mass of materials", "涉及物料质量"), say("unit", lang), say("share", lang)]
    title = chosen(
        lang, "Data by quality class, and the mass that rests on it", "按质量等级统计的数据及其涉及的质量"
    )
    return Table(Grid(title, heads, texts, (2, 3, 5)), "quality", tuple(heads), tuple(cells))


def estimate_table(result: Result, lang: str) -> Table | None:
    """Recipe lines that rest on estimates or assumptions, those that move most mass first."""
    frame = _stated(result)
    frame = frame[(frame["kind"] == "recipe") & frame["quality"].isin(WEAK) & (frame["mass"] > 0)]
    if frame.empty:
        return None
    system = result.system
    texts, cells = [], []
    for row in frame.sort_values("mass", ascending=False, kind="stable").head(MOST_ESTIMATES).itertuples():
        process, good = system.processes[lang].iloc[row.process], system.goods[lang].iloc[row.good]
        names = [str(process), str(good), QUALITY[row.quality][lang == "zh"]]
        texts.append([*names, *amount(row.mass, "t/a", lang), row.source])
        cells.append((*names, float(row.mass), "t/a", row.source))
    heads = [say("process", lang), say("good", lang), chosen(lang, "quality class", "质量等级")]
    heads += [chosen(lang, "mass", "质量"), say("unit", lang), say("source", lang)]
    title = chosen(lang, "Recipe lines on estimates that move most", "影响最大的估算配方行")
    return Table(Grid(title, heads, texts, (3,)), "estimates", tuple(heads), tuple(cells))


def difference_table(comparison: Comparison, lang: str) -> Table | None:
    """What each variant changes: where, from what to what, and where that is written."""
    texts = [
        [label, one["path"], str(one["old"]), str(one["new"]), f"{one['file']}:{one['line']}"]
        for result, label in zip(comparison.results, labels_of(comparison, lang), strict=True)
        for one in result.origin["differences"]
    ]
    words = ("variant", "what", "was", "is", "where")
    heads = [chosen(lang, "what", "内容") if word == "what" else say(word, lang) for word in words]
    title = chosen(lang, "What each variant changes", "各情景的改动")
    return Table(Grid(title, heads, texts), "differences") if texts else None


def source_table(comparison: Comparison, lang: str) -> Table | None:
    """Sources that the numbers of the results name."""
    rows: dict[str, list[str]] = {}
    for result in comparison.results:
        system = result.system
        said = "\n".join({*map(str, system.rows.source), *map(str, system.flows["source"])})
        for one in system.sources.to_dict("records"):
            if one["key"] in said:
                rows[one["key"]] = [one["key"], one["status"], one["citation"], one["locator"] or ""]
    heads = [chosen(lang, "key", "代号"), chosen(lang, "status", "状态"), say("source", lang)]
    heads.append(chosen(lang, "place", "出处"))
    title = chosen(lang, "Sources", "数据来源")
    return Table(Grid(title, heads, list(rows.values())), "sources") if rows else None


def target_table(comparison: Comparison, lang: str) -> Table | None:
    """Targets that no verdict could be given on, and those that flows do not define, with the reason."""
    texts: dict[str, list[str]] = {}
    for verdict in comparison.verdicts:
        if verdict.passed is None:
            reason = verdict.reason_zh if lang == "zh" else verdict.reason
            texts.setdefault(verdict.target["id"], [*_target(verdict.target, lang), reason])
    beyond = chosen(lang, "not defined by flows of materials, water or energy", "无法由物质、水或能量流定义")
    for target in comparison.beyond:
        texts.setdefault(target["id"], [*_target(target, lang), beyond])
    heads = ["id", say("target", lang), say("wanted", lang), chosen(lang, "reason", "原因")]
    title = chosen(lang, "Targets without a verdict", "无法判断的目标")
    return Table(Grid(title, heads, list(texts.values())), "not judged") if texts else None


def _target(target: dict[str, Any], lang: str) -> list[str]:
    sense = {">=": "≥", "<=": "≤", "change": say("change", lang)}[target["sense"]]
    value = f"{target['value']:,g}".replace("-", "−")
    return [target["id"], target[lang], f"{sense} {value} {unit_text(target['unit'], lang)}"]
