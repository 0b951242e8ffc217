"""Processes that only hand a good on: networks, collectors, stores and traders, and what they pass on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

PASSING = ("pool", "collect", "store", "trade")
"""Kinds of process that hand a good on as it is: what they give was made elsewhere."""

RENAMING = ("collect", "trade")
"""Those of them that may hand it on under another name: tar and sludge leave as hazardous waste."""

PASSES = 1000
"""Most rounds when a good is followed from one passing process to the next."""


def passing_nodes(
    processes: pd.DataFrame, goods: pd.DataFrame, flows: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, int]:
    """For each flow the passing node that it enters and that it leaves, −1 for none; and their number.

    A passing node is one good at one process that takes it and hands it on, or one class of goods at a
    collector that hands them on under other names.
    """
    into, out = _handed(processes, goods, flows)
    passes = _of(processes, "kind", PASSING)[flows["to_at"].to_numpy()]
    nodes = np.intersect1d(into[passes], out)
    if not len(nodes):
        return np.full(len(into), -1), np.full(len(out), -1), 0
    entered, left = (np.minimum(np.searchsorted(nodes, keys), len(nodes) - 1) for keys in (into, out))
    enters_node = np.where(nodes[entered] == into, entered, -1)
    return enters_node, np.where(nodes[left] == out, left, -1), len(nodes)


def _handed(
    processes: pd.DataFrame, goods: pd.DataFrame, flows: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """A key of good and process for both ends of each flow, the same where a good is handed on.

    A collector or trader without a recipe that gives a good which it did not get has renamed goods of the
    same class: there all goods of the class have one key, so that none counts as made anew.
    """
    count = len(processes)
    source, target, at = (flows[name].to_numpy() for name in ("from_at", "to_at", "good_at"))
    of_class = len(goods) + np.unique(goods["class"].to_numpy(dtype=str), return_inverse=True)[1]
    good, named = at.astype(np.int64) * count, of_class[at] * count
    free = _of(processes, "kind", RENAMING) & _of(processes, "recipe", ("",))
    new = free[source] & ~np.isin(good + source, good + target)
    renamed = (named + source)[new & np.isin(named + source, named + target)]
    ends = ((good + end, named + end) for end in (target, source))
    into, out = (np.where(np.isin(wide, renamed), wide, plain) for plain, wide in ends)
    return into, out


def _of(processes: pd.DataFrame, column: str, names: tuple[str, ...]) -> np.ndarray:
    return np.isin(processes[column].to_numpy(dtype=object), names)


def added(amounts: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """Sums of the last axis by group, shape (..., count)."""
    if amounts.ndim == 1:
        return np.bincount(groups, amounts, count)
    flat = (np.arange(len(amounts))[:, None] * count + groups).ravel()
    return np.bincount(flat, amounts.ravel(), len(amounts) * count).reshape(len(amounts), count)
