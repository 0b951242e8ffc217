"""Factors of sparse quasidefinite matrices, and the diagonal of the inverse without the inverse.

Takahashi, Fagan and Chin (1973), 8th PICA Conference; Erisman and Tinney (1975), Comm. ACM 18.
From ``A = L D Lᵀ`` the entries of ``Z = A⁻¹`` on the pattern of L follow from the last columns J to the
first. With the rows s below them and ``M = L[s, J] L[J, J]⁻¹``: ``Z[s, J] = −Z[s, s] M`` and
``Z[J, J] = (L[J, J] D[J] L[J, J]ᵀ)⁻¹ − Mᵀ Z[s, J]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_array

from flowsim.studies.solve import threadpools

SYMMETRIC = {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}


def one_thread() -> Any:
    """A context in which BLAS keeps to one thread: its blocks here are small."""
    return threadpools().limit(limits=1, user_api="blas")


def least_fill(matrix: csc_array) -> np.ndarray:
    """Order of rows and columns by multiple minimum degree (Liu, 1985, ACM TOMS 11)."""
    from scipy.sparse.linalg import splu

    return np.argsort(splu(matrix, permc_spec="MMD_AT_PLUS_A", **SYMMETRIC).perm_c)


class Quasidefinite:
    """``L D Lᵀ`` of a symmetric quasidefinite matrix in a given order, unpivoted, on one BLAS thread."""

    def __init__(self, matrix: csc_array, order: np.ndarray):
        from scipy.sparse.linalg import splu

        self.order = order
        self.back = np.argsort(order)
        with one_thread():
            self.lu = splu(csc_array(matrix[order][:, order]), permc_spec="NATURAL", **SYMMETRIC)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self.lu.solve(rhs[self.order])[self.back]

    def inverse_diagonal(self) -> np.ndarray:
        """Diagonal of the inverse.

        Raises
        ------
        RuntimeError : the factorisation had to leave the diagonal
        """
        if not np.array_equal(self.lu.perm_r, np.arange(len(self.order))):
            raise RuntimeError("the factorisation left the diagonal")
        with one_thread():
            return _sweep(_columns_below(csc_array(self.lu.L)), self.lu.U.diagonal())[self.back]


def _columns_below(lower: csc_array) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and entries below the diagonal of each column; rows of a column are rows of its parent too."""
    lower.sort_indices()
    starts, rows, entries = lower.indptr, lower.indices, lower.data
    columns = [(rows[a + 1 : b], entries[a + 1 : b]) for a, b in zip(starts[:-1], starts[1:], strict=True)]
    for below, _ in columns:
        if len(below) < 2:
            continue
        parent = int(below[0])
        have, values = columns[parent]
        at = np.searchsorted(have, below[1:])
        if len(have) and at[-1] < len(have) and np.array_equal(have[at], below[1:]):
            continue
        merged = np.union1d(have, below[1:])
        filled = np.zeros(len(merged))
        filled[np.searchsorted(merged, have)] = values
        columns[parent] = (merged, filled)
    return columns


def _sweep(columns: list[tuple[np.ndarray, np.ndarray]], pivots: np.ndarray) -> np.ndarray:
    """From the last group of columns to the first; each keeps its square of Z until its last child read it.

    A group is a run of columns that have the same rows below them (a supernode), worked as one block.
    """
    starts = _groups(columns)
    ends = np.append(starts[1:], len(columns))
    group_of = np.repeat(np.arange(len(starts)), ends - starts)
    rows = [np.append(np.arange(a, b), columns[b - 1][0]) for a, b in zip(starts, ends, strict=True)]
    parent = np.array([group_of[one[0]] if len(one := columns[end - 1][0]) else -1 for end in ends])
    children = np.bincount(parent[parent >= 0], minlength=len(starts))
    squares: dict[int, np.ndarray] = {}
    diagonal = np.empty(len(columns))
    for group in range(len(starts) - 1, -1, -1):
        start, end, above = starts[group], ends[group], parent[group]
        below = rows[group][end - start :]
        inner = np.zeros((0, 0))
        if len(below):
            at = np.searchsorted(rows[above], below)
            inner = squares[above][at[:, None], at]
            children[above] -= 1
            if not children[above]:
                del squares[above]
        square = _square(columns[start:end], pivots[start:end], inner)
        diagonal[start:end] = np.diag(square)[: end - start]
        if children[group]:
            squares[group] = square
    return diagonal


def _groups(columns: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """First columns of the runs in which each column has just the next one and its rows below."""
    starts = [0] if columns else []
    for column in range(1, len(columns)):
        below = columns[column - 1][0]
        if not (len(below) == len(columns[column][0]) + 1 and below[0] == column):
            starts.append(column)
    return np.array(starts, dtype=np.int64)


def _square(group: list[tuple[np.ndarray, np.ndarray]], pivots: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Z over the columns of a group and the rows below them, from Z over those rows."""
    count, below = len(group), len(inner)
    square = np.empty((count + below,) * 2)
    square[count:, count:] = inner
    if count == 1:
        entries = group[0][1]
        pull = inner @ -entries
        square[0, 0] = 1.0 / pivots[0] - entries @ pull
        square[0, 1:] = square[1:, 0] = pull
        return square
    lower, under = np.eye(count), np.empty((below, count))
    for at, (_, entries) in enumerate(group):
        lower[at + 1 :, at] = entries[: count - at - 1]
        under[:, at] = entries[count - at - 1 :]
    inverse = np.linalg.inv(lower)
    under = under @ inverse
    pull = -(inner @ under)
    square[count:, :count] = pull
    square[:count, count:] = pull.T
    square[:count, :count] = inverse.T @ (inverse / pivots[:, None]) - under.T @ pull
    return square
