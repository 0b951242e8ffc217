"""Diagonal of the inverse of a sparse symmetric matrix, without the inverse.

Takahashi, Fagan and Chin (1973), 8th PICA Conference; Erisman and Tinney (1975), Communications of the ACM 18.
From ``A = L D Lᵀ`` the entries of ``Z = A⁻¹`` on the pattern of L follow from the last column to the first:
``Z[s, j] = −Z[s, s] l`` and ``Z[j, j] = 1/d − lᵀ Z[s, j]``, where ``l`` is column j of L and ``s`` its rows.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_array


def inverse_diagonal(matrix: csc_array) -> np.ndarray:
    """Diagonal of the inverse of a quasidefinite matrix, factorised without pivoting.

    Raises
    ------
    RuntimeError : a pivot is zero, or the factorisation had to leave the diagonal
    """
    from scipy.sparse.linalg import splu
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        lu = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        if not np.array_equal(lu.perm_r, lu.perm_c):
            raise RuntimeError("the factorisation left the diagonal")
        lower, pivots = csc_array(lu.L), lu.U.diagonal()
        columns = _columns_below(lower)
        return _sweep(columns, pivots)[lu.perm_c]


def _columns_below(lower: csc_array) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and entries below the diagonal of each column; rows of a column are rows of its parent too."""
    lower.sort_indices()
    starts, rows, entries = lower.indptr, lower.indices, lower.data
    columns = [(rows[a + 1 : b], entries[a + 1 : b]) for a, b in zip(starts[:-1], starts[1:], strict=True)]
    for column, (below, _) in enumerate(columns):
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
    """From the last column to the first; each keeps its square of Z until its last child has read it."""
    count = len(columns)
    parent = np.array([int(below[0]) if len(below) else -1 for below, _ in columns])
    children = np.bincount(parent[parent >= 0], minlength=count)
    squares: dict[int, np.ndarray] = {}
    diagonal = 1.0 / pivots
    for column in range(count - 1, -1, -1):
        below, entries = columns[column]
        if not len(below):
            if children[column]:
                squares[column] = np.array([[diagonal[column]]])
            continue
        above = int(below[0])
        at = np.append(0, 1 + np.searchsorted(columns[above][0], below[1:]))
        inner = squares[above][at[:, None], at]
        pull = -(inner @ entries)
        diagonal[column] -= entries @ pull
        if children[column]:
            square = np.empty((len(below) + 1,) * 2)
            square[0, 0] = diagonal[column]
            square[0, 1:] = square[1:, 0] = pull
            square[1:, 1:] = inner
            squares[column] = square
        children[above] -= 1
        if not children[above]:
            del squares[above]
    return diagonal
