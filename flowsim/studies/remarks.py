"""What a reader of a reconciliation must know beside the numbers, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.studies.minima import Fit
from flowsim.studies.problem import Model
from flowsim.studies.uncertain import without_closing
from flowsim.system import System

if TYPE_CHECKING:
    import pandas as pd

NEAR_OPTIMUM = 9.21
"""Optima whose objectives differ by less are not told apart by the data: their likelihoods differ by less
than a factor of 100 (exp(9.21 / 2))."""
MOST_LISTED = 12


def remarks(
    system: System, fit: Fit, table: pd.DataFrame, test: dict[str, Any]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The remarks in English, and the same in Chinese."""
    pairs = [
        *_of_bounds(system, fit, table), *_of_minima(fit), *_of_data(system, table),
        *_of_rank(system, fit, table),
    ]  # fmt: skip
    if not test["passed"]:
        pairs.append(
            (
                "the data disagree by more than their uncertainties allow: look at the suspects.",
                "数据之间的矛盾超出其不确定度：请核查可疑数据。",
            )
        )
    return tuple(en for en, _ in pairs), tuple(zh for _, zh in pairs)


def _of_bounds(system: System, fit: Fit, table: pd.DataFrame) -> list[tuple[str, str]]:
    names = [_named(system, table, fit.model, column) for column in fit.bounds_that_hold.tolist()]
    if not names:
        return []
    more = len(names) - MOST_LISTED
    listed = ", ".join(names[:MOST_LISTED])
    en, zh = (f" and {more} more", f" 等 {len(names)} 个") if more > 0 else ("", "")
    return [
        (
            f"bounds hold {listed}{en}: uncertainties are those of numbers fixed there, and "
            "the global test counts each such bound as a datum. A sample honours bounds.",
            f"{listed}{zh} 处于边界：其不确定度按固定于该处计算，整体检验把每个起作用的边界计为一个数据。"
            "抽样（--sample）会遵守边界。",
        )
    ]


def _of_minima(fit: Fit) -> list[tuple[str, str]]:
    return [
        (
            f"another minimum lies {one.gap:.4g} above the best (objective {one.objective:.6g}): "
            "the data do not tell the two apart; see optima.",
            f"另有一个极小值，目标值 {one.objective:.6g}，仅比最优高 {one.gap:.4g}："
            "数据无法区分两者，见“不同的极小值”。",
        )
        for one in fit.optima[1:]
        if one.gap < NEAR_OPTIMUM
    ]


def _of_data(system: System, table: pd.DataFrame) -> list[tuple[str, str]]:
    pairs = []
    defaults = int(table["by_default"].sum())
    if defaults:
        pairs.append(
            (
                f"{defaults} numbers have the default uncertainty of the quality class of their source.",
                f"{defaults} 个数值采用其来源质量等级的默认不确定度。",
            )
        )
    ends = system.correlations[["one", "other"]]
    silent = int((~ends.isin(set(table["said"])).all(axis=1)).sum())
    if silent:
        pairs.append(
            (
                f"{silent} correlations are left out: a number that they name states no uncertainty.",
                f"{silent} 个相关系数未采用：所指数值没有给出不确定度。",
            )
        )
    still = int((without_closing(system) & (system.rows.sd > 0)).sum())
    if still:
        pairs.append(
            (
                f"{still} recipe lines stay exact: their recipe has no closing line to take the rest.",
                f"{still} 条单耗保持精确：其配方没有承接差额的平衡项。",
            )
        )
    return pairs


def _of_rank(system: System, fit: Fit, table: pd.DataFrame) -> list[tuple[str, str]]:
    """Where the pattern of the rows says other than their numbers; where bounds hold, both may be right."""
    model, pairs = fit.model, []
    if len(fit.bounds_that_hold):
        return []
    pattern = set(model.unknowns[model.structure.under].tolist())
    odd = sorted(pattern ^ set(np.flatnonzero(fit.free).tolist()))
    if odd:
        listed = ", ".join(_named(system, table, model, column) for column in odd[:MOST_LISTED])
        pairs.append(
            (
                f"pattern and numbers differ on what is observable; the numbers count: {listed}.",
                f"结构判断与数值判断的可观测性不一致，以数值为准：{listed}。",
            )
        )
    if fit.freedom != model.freedom:
        pairs.append(
            (
                f"the pattern of the rows has {model.freedom} degrees of freedom, their numbers "
                f"{fit.freedom}: some rows repeat each other, or a coefficient has no throughput.",
                f"按方程结构有 {model.freedom} 个自由度，按数值有 {fit.freedom} 个："
                "有方程重复，或某系数没有通过量。",
            )
        )
    return pairs


def _named(system: System, table: pd.DataFrame, model: Model, column: int) -> str:
    """What stands in a column of (u, x): a datum, an unknown, or the slack of a limit."""
    if column < model.data:
        return str(table["id"].iloc[column])
    at = column - model.data
    if at < system.matrix.shape[1]:
        return system._short(at)
    return system.row_text(at - system.matrix.shape[1], upper=True)
