"""A reconciliation as tables for a terminal, Markdown or CSV, in English or Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flowsim.studies.reconciliation import CLASSES
from flowsim.views.text import Grid, handy, number

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.studies.reconciliation import Reconciliation

MOST_ROWS = 60
"""Rows of a table that are shown unless all are asked for: those that changed most, or are least certain."""

WORDS = {
    "data": ("Data, before and after", "数据：协调前后"),
    "values": ("Flows, activities and stock changes", "流量、运行量与存量变化"),
    "suspects": ("Data to look at first", "优先核查的数据"),
    "optima": ("Distinct minima", "不同的极小值"),
    "next": ("What to measure next for {}", "为确定{}，下一步应测量"),
    "indicators": ("Indicators, uncertainty propagated with covariances", "指标（按协方差传播不确定度）"),
    "indicator": ("indicator", "指标"),
    "by": ("how", "方法"),
    "first order": ("first order", "一阶传播"),
    "sampled": ("sampled", "抽样"),
    "missing": ("Missing", "无法计算"),
    "reason": ("reason", "原因"),
    "datum": ("datum", "数据"),
    "name": ("name", "名称"),
    "class": ("class", "类别"),
    "before": ("before", "协调前"),
    "after": ("after", "协调后"),
    "change": ("change / sd", "变化/标准差"),
    "test": ("test", "检验值"),
    "critical": ("critical", "临界值"),
    "unit": ("unit", "单位"),
    "value": ("value", "数值"),
    "interval": ("95 % interval, or range", "95% 区间或范围"),
    "without": ("objective without", "剔除后目标值"),
    "p_without": ("p without", "剔除后 p 值"),
    "alike": ("cannot be told from", "无法与之区分"),
    "objective": ("objective", "目标值"),
    "gap": ("above the best", "高出最优"),
    "starts": ("starts", "起点数"),
    "what": ("datum", "数据"),
    "new": ("new", "新增"),
    "better": ("better", "提高精度"),
    "sd": ("its sd", "其标准差"),
    "left": ("uncertainty left", "剩余不确定度"),
    "observable": ("becomes observable", "变为可观测"),
    "from": ("source", "来源"),
}


def _say(word: str, lang: str) -> str:
    return WORDS[word][lang == "zh"]


def _columns(words: tuple[str, ...], lang: str) -> list[str]:
    return [_say(word, lang) for word in words]


def plus_minus(value: float, sd: float) -> str:
    """``102.4 ± 7.9``: the uncertainty to two digits, the value to the same place."""
    if not np.isfinite(value):
        return "–"
    if not np.isfinite(sd) or sd <= 0:
        return number(value, 6)
    place = 1 - int(np.floor(np.log10(sd)))
    digits = max(place, 0)
    return f"{round(value, place):,.{digits}f} ± {round(sd, place):,.{digits}f}"


def reconcile_grids(answer: Reconciliation, lang: str = "en", every: bool = False) -> list[Grid]:
    """Data before and after with their tests, all values with class and interval, suspects, minima."""
    grids = [_data_grid(answer, lang, every), _value_grid(answer, lang, every)]
    if len(answer.suspects):
        grids.append(_suspect_grid(answer, lang))
    if len(answer.optima) > 1:
        rows = [[number(one.objective, 6), number(one.gap), str(one.starts)] for one in answer.optima]
        grids.append(
            Grid(_say("optima", lang), _columns(("objective", "gap", "starts"), lang), rows, (0, 1, 2))
        )
    return grids


def _data_grid(answer: Reconciliation, lang: str, every: bool) -> Grid:
    table = answer.data
    order = np.argsort(-np.abs(np.nan_to_num(table["change"].to_numpy())), kind="stable")
    chosen = table if every or len(table) <= MOST_ROWS else table.iloc[np.sort(order[:MOST_ROWS])]
    rows = []
    for one in chosen.itertuples():
        scale, unit = handy([one.before], one.unit, lang)
        rows.append(
            [
                one.id,
                plus_minus(one.before / scale, one.sd_before / scale),
                plus_minus(one.after / scale, one.sd_after / scale),
                unit,
                number(one.change, 3),
                number(one.test, 3) + (" !" if one.suspect else ""),
                CLASSES[table.at[one.Index, "class"]][lang == "zh"],
                one.source,
            ]
        )
    words = ("datum", "before", "after", "unit", "change", "test", "class", "from")
    title = _say("data", lang) + _shown(len(chosen), len(table))
    return Grid(title, _columns(words, lang), rows, (1, 2, 4, 5))


def _value_grid(answer: Reconciliation, lang: str, every: bool) -> Grid:
    table = answer.values
    chosen = table if every else table.iloc[:MOST_ROWS]
    rows = []
    for at in chosen.index:
        one = table.loc[at]
        sizes = [size for size in (one["value"], one["high"], one["low"]) if np.isfinite(size)]
        scale, unit = handy(sizes[:1], one["unit"], lang)
        rows.append(
            [
                one["id"],
                one[lang],
                plus_minus(one["value"] / scale, one["sd"] / scale),
                f"{number(one['low'] / scale)} … {number(one['high'] / scale)}",
                unit,
                CLASSES[one["class"]][lang == "zh"],
            ]
        )
    title = _say("values", lang) + _shown(len(chosen), len(table))
    return Grid(title, _columns(("datum", "name", "value", "interval", "unit", "class"), lang), rows, (2, 3))


def _shown(shown: int, total: int) -> str:
    return "" if shown == total else f" ({shown}/{total})"


def _suspect_grid(answer: Reconciliation, lang: str) -> Grid:
    rows = [
        [
            one.id + (" !" if one.suspect else ""),
            number(one.test, 3),
            number(one.critical, 3),
            number(one.objective_without),
            number(one.p_without, 3),
            one.alike,
        ]
        for one in answer.suspects.itertuples()
    ]
    words = ("datum", "test", "critical", "without", "p_without", "alike")
    return Grid(_say("suspects", lang), _columns(words, lang), rows, (1, 2, 3, 4))


def next_grid(table: pd.DataFrame, target: str, lang: str = "en") -> Grid:
    """The table of `next_measurements` for a target; what is left of its uncertainty in per cent."""
    rows = []
    for one in table.itertuples():
        scale, unit = handy([one.sd], one.unit, lang)
        left = f"{100 * one.sd_after / one.sd_before:.0f} %"
        if not np.isfinite(one.sd_before):
            left = _say("observable", lang)
        rows.append([f"{_say(one.what, lang)}: {one.id}", number(one.sd / scale), unit, left])
    columns = _columns(("what", "sd", "unit", "left"), lang)
    return Grid(_say("next", lang).format(target), columns, rows, (1, 3))


def uncertain_grids(table: pd.DataFrame, lang: str = "en") -> list[Grid]:
    """The table of `uncertain_indicators`: values with their interval, and why others are missing."""
    rows, lacking = [], []
    for one in table.to_dict("records"):
        if one["reason"]:
            lacking.append([one["id"], one[lang], one["reason_zh" if lang == "zh" else "reason"]])
            continue
        scale, unit = handy([one["value"]], one["unit"], lang)
        rows.append(
            [
                one["id"],
                one[lang],
                plus_minus(one["value"] / scale, one["sd"] / scale),
                f"{number(one['low'] / scale)} … {number(one['high'] / scale)}",
                unit,
                _say(one["method"], lang),
            ]
        )
    columns = ["id", *_columns(("indicator", "value", "interval", "unit", "by"), lang)]
    grids = [Grid(_say("indicators", lang), columns, rows, (2, 3))]
    if lacking:
        columns = ["id", *_columns(("indicator", "reason"), lang)]
        grids.append(Grid(_say("missing", lang), columns, lacking))
    return grids


def verdict(answer: Reconciliation, lang: str = "en") -> str:
    """The global test in one sentence."""
    test = answer.test
    numbers = f"χ² = {number(test['objective'])}, {test['dof']}"
    limit = f"{100 * (1 - test['alpha']):g} %"
    if lang == "zh":
        if not test["dof"]:
            return "没有冗余数据，无法检验。"
        said = "数据在其不确定度内一致" if test["passed"] else "数据之间的矛盾超出其不确定度"
        return f"{said}：{numbers} 个自由度，{limit} 临界值 {number(test['critical'])}，p = {test['p']:.3g}。"
    if not test["dof"]:
        return "No datum is redundant, so nothing can be tested."
    said = (
        "The data agree within their uncertainties"
        if test["passed"]
        else "The data disagree by more than their uncertainties"
    )
    limit = f"{limit} limit {number(test['critical'])}"
    return f"{said}: {numbers} degrees of freedom, {limit}, p = {test['p']:.3g}."
