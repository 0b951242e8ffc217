"""What the rows determine: Dulmage and Mendelsohn's decomposition, and which facts conflict.

Source: Dulmage, A. L. and Mendelsohn, N. S. (1958), Coverings of bipartite graphs, Canadian Journal of
Mathematics 10; computed from a maximum matching by reachability (Pothen and Fan, 1990, ACM TOMS 16).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import qr
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_bipartite_matching

DENSE = 4_000_000
"""Largest block, in entries, that is examined densely for its numerical rank."""


@dataclass(frozen=True)
class Structure:
    """Which columns rows can determine.

    Attributes
    ----------
    row_of : shape (columns,), the row matched to each column, -1 where there is none
    under : columns that nothing fixes
    over : rows of the part where there are more rows than columns
    """

    row_of: np.ndarray
    under: np.ndarray
    over: np.ndarray


def decompose(matrix: csr_array) -> Structure:
    """Split rows and columns into the under-, well- and over-determined parts, by pattern alone."""
    rows, columns = matrix.shape
    row_of = maximum_bipartite_matching(matrix, perm_type="row")
    column_of = np.full(rows, -1)
    matched = np.flatnonzero(row_of >= 0)
    column_of[row_of[matched]] = matched
    under = _reach(matrix.T.tocsr(), np.flatnonzero(row_of < 0), column_of)
    over = _reach(matrix, np.flatnonzero(column_of < 0), row_of)
    return Structure(row_of, under, over)


def _reach(pattern: Any, start: np.ndarray, partner: np.ndarray) -> np.ndarray:
    """Nodes reachable from ``start`` by stepping to a neighbour and on to its matched partner."""
    if not len(start):
        return start
    count = pattern.shape[0]
    coo = csr_array(pattern).tocoo()
    target = partner[coo.col]
    keep = target >= 0
    tail = np.concatenate([coo.row[keep], np.full(len(start), count)])
    head = np.concatenate([target[keep], start])
    graph = csr_array((np.ones(len(tail)), (tail, head)), shape=(count + 1, count + 1))
    reached = breadth_first_order(graph, count, return_predecessors=False)
    return np.sort(reached[reached < count])


def independent_rows(matrix: csr_array, structure: Structure, weight: np.ndarray | None = None) -> np.ndarray:
    """Rows to solve with: the matched ones, and in the over-determined part a numerically independent set.

    Where rows depend on each other, those of less ``weight`` are left out first.
    """
    columns = np.setdiff1d(np.arange(matrix.shape[1]), structure.under)
    chosen = structure.row_of[columns]
    if not len(structure.over) or not matrix.shape[1]:
        return np.sort(chosen)
    block = csr_array(matrix[structure.over])
    size = np.ones(len(structure.over)) if weight is None else weight[structure.over]
    taken, rows, inside = _peeled(block, size == size.max())
    if len(rows) * len(inside) > DENSE:
        return np.sort(chosen)
    scale = abs(block).max(axis=1).toarray().ravel()
    dense = block[rows][:, inside].toarray()
    dense *= (size / np.where(scale > 0, scale, 1.0))[rows][:, None]
    if dense.size:
        _, triangle, order = qr(dense.T, mode="economic", pivoting=True)
        pivot = np.abs(np.diag(triangle))
        rank = int((pivot > 1e-11 * max(pivot.max(initial=0.0), 1e-300)).sum())
        taken = np.concatenate([taken, rows[order[:rank]]])
    rest = np.setdiff1d(chosen, structure.over)
    return np.sort(np.concatenate([rest, structure.over[taken]]))


def _peeled(block: csr_array, heavy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of an independent set that can be told without numbers, and the rows and columns that remain.

    A row that alone holds a column belongs to every such set; one of the ``heavy`` rows with a single column
    left may stand for that column, as good as any other. Both go with their column, until none is left.
    """
    entries = block.tocoo()
    row, column = entries.row[entries.data != 0], entries.col[entries.data != 0]
    taken = [np.empty(0, dtype=np.int64)]
    while len(row):
        alone = np.bincount(column, minlength=block.shape[1])[column] == 1
        last = (np.bincount(row, minlength=block.shape[0])[row] == 1) & heavy[row]
        found = np.flatnonzero(alone | last)
        if not len(found):
            break
        found = found[np.unique(column[found], return_index=True)[1]]
        found = found[np.unique(row[found], return_index=True)[1]]
        taken.append(row[found])
        stays = ~np.isin(row, row[found]) & ~np.isin(column, column[found])
        row, column = row[stays], column[stays]
    return np.concatenate(taken), np.unique(row), np.unique(column)


def null_columns(matrix: csc_array) -> np.ndarray:
    """Columns of a square singular matrix that its rows leave free, found densely block by block."""
    from scipy.linalg import svd
    from scipy.sparse.csgraph import connected_components

    structure = decompose(csr_array(matrix))
    if len(structure.under):
        return structure.under
    permuted = csr_array(matrix)[structure.row_of]
    count, label = connected_components(permuted, connection="strong")
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], np.arange(count + 1))
    free = []
    for block in range(count):
        members = order[starts[block] : starts[block + 1]]
        if len(members) ** 2 > DENSE:
            continue
        dense = permuted[members][:, members].toarray()
        scale = np.abs(dense).max(axis=1, initial=0.0)
        dense = dense / np.where(scale > 0, scale, 1.0)[:, None]
        _, size, right = svd(dense)
        for vector in right[size <= 1e-12 * max(size.max(initial=0.0), 1e-300)]:
            free.append(members[np.abs(vector) > 1e-6 * np.abs(vector).max()])
    return np.unique(np.concatenate(free)) if free else np.empty(0, dtype=int)
