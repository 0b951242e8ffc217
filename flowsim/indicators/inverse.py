"""The diagonal of the inverse of a large sparse matrix, without the inverse.

A node is eliminated as in Gaussian elimination; afterwards its entries of the inverse follow from those
of its neighbours (Takahashi, Fagan and Chin 1973; Erisman and Tinney 1975). Nodes that do not touch
each other are eliminated together, those with few neighbours first, so that each round is a few array
operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DENSE = 2000
"""Nodes that may be left to a dense inverse."""
FILLED = 0.03
"""A matrix with a larger share of entries is inverted as a dense one: elimination would only fill it up."""
LARGEST = 5000
"""Most nodes of a filled matrix; beyond it the memory would not do."""
BAND = 600
"""Width up to which a matrix that can be ordered into a band is inverted along it."""


@dataclass(frozen=True)
class _Entries:
    """A square matrix as entries sorted by row and column, every diagonal entry among them."""

    size: int
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class _Round:
    """One round of elimination: what is needed to come back from the smaller matrix."""

    before: _Entries
    kept: np.ndarray
    kept_at: np.ndarray
    enters: np.ndarray
    leaves: np.ndarray
    pair_at: np.ndarray


def inverse_diagonal(matrix: csr_array) -> np.ndarray:
    """Diagonal of the inverse of a matrix that needs no pivoting, shape (n,).

    Meant for ``I − G`` where the rows of ``G`` are shares of at most 1 (an M-matrix): there elimination
    on the diagonal is stable in any order.

    Raises
    ------
    ValueError : over 5,000 nodes are left that are all linked to each other
    """
    if matrix.shape[0] > DENSE:
        order, width = _band(matrix)
        if width <= BAND:
            return _along_band(matrix, order, max(width, 1))
    entries, rounds = _entries(matrix), []
    while entries.size > DENSE and not _is_filled(entries):
        done, entries = _eliminate(entries)
        rounds.append(done)
    if entries.size > LARGEST:
        raise ValueError(f"{entries.size} nodes are too densely linked")
    dense = np.zeros((entries.size, entries.size))
    dense[entries.row, entries.column] = entries.value
    inverse = np.linalg.inv(dense)[entries.column, entries.row]
    for done in reversed(rounds):
        entries, inverse = done.before, _restore(done, inverse)
    return inverse[entries.row == entries.column]


def _band(matrix: csr_array) -> tuple[np.ndarray, int]:
    """An order of the nodes that keeps linked ones close (Cuthill and McKee), and the width of the band."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    order = reverse_cuthill_mckee(csr_matrix(abs(matrix) + abs(matrix.T)), symmetric_mode=True)
    place = np.argsort(order)
    found = matrix.tocoo()
    return order, int(np.abs(place[found.row] - place[found.col]).max(initial=0))


def _along_band(matrix: csr_array, order: np.ndarray, width: int) -> np.ndarray:
    """Diagonal of the inverse of a matrix of blocks that touch only their neighbours: forth, then back."""
    size = matrix.shape[0]
    cuts = np.append(np.arange(0, size, width), size)
    ordered = matrix[order][:, order]

    def block(row: int, column: int) -> np.ndarray:
        return ordered[cuts[row] : cuts[row + 1], cuts[column] : cuts[column + 1]].toarray()

    count = len(cuts) - 1
    inverses = [np.linalg.inv(block(0, 0))]
    for at in range(1, count):
        through = block(at, at - 1) @ inverses[-1] @ block(at - 1, at)
        inverses.append(np.linalg.inv(block(at, at) - through))
    last = inverses[-1]
    diagonals = [last.diagonal()]
    for at in range(count - 2, -1, -1):
        own = inverses[at]
        last = own + own @ block(at, at + 1) @ last @ block(at + 1, at) @ own
        diagonals.append(last.diagonal())
    out = np.empty(size)
    out[order] = np.concatenate(diagonals[::-1])
    return out


def _is_filled(entries: _Entries) -> bool:
    return len(entries.value) > FILLED * entries.size**2


def _entries(matrix: csr_array) -> _Entries:
    size = matrix.shape[0]
    found = matrix.tocoo()
    every = np.arange(size)
    row, column = np.concatenate([found.row, every]), np.concatenate([found.col, every])
    return _summed(size, row, column, np.concatenate([found.data, np.zeros(size)]))[0]


def _summed(size: int, row: np.ndarray, column: np.ndarray, value: np.ndarray) -> tuple[_Entries, np.ndarray]:
    """Entries with the doubles added up, and where each entry given went."""
    keys, at = np.unique(row.astype(np.int64) * size + column, return_inverse=True)
    return _Entries(size, keys // size, keys % size, np.bincount(at, value, len(keys))), at


def _chosen(entries: _Entries) -> np.ndarray:
    """Nodes that do not touch each other, each with fewer links than all its neighbours."""
    size = entries.size
    off = entries.row != entries.column
    row, column = entries.row[off], entries.column[off]
    cost = np.bincount(row, minlength=size) * np.bincount(column, minlength=size)
    rank = cost * size + np.random.default_rng(0).permutation(size)
    lowest = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(lowest, row, rank[column])
    np.minimum.at(lowest, column, rank[row])
    return (rank < lowest) & (cost <= np.quantile(cost, 0.5))


def _eliminate(entries: _Entries) -> tuple[_Round, _Entries]:
    """The Schur complement after eliminating one set of nodes."""
    chosen = _chosen(entries)
    row, column, value = entries.row, entries.column, entries.value
    off = row != column
    kept = np.flatnonzero(~chosen[row] & ~chosen[column])
    into, out = np.flatnonzero(off & chosen[column]), np.flatnonzero(off & chosen[row])
    into = into[np.argsort(column[into], kind="stable")]
    enters, leaves = _pairs(column[into], row[out], entries.size)
    enters, leaves = into[enters], out[leaves]
    new = np.cumsum(~chosen) - 1
    pivot = value[~off][row[leaves]]
    smaller, at = _summed(
        int((~chosen).sum()),
        np.concatenate([new[row[kept]], new[row[enters]]]),
        np.concatenate([new[column[kept]], new[column[leaves]]]),
        np.concatenate([value[kept], -value[enters] * value[leaves] / pivot]),
    )
    return _Round(entries, kept, at[: len(kept)], enters, leaves, at[len(kept) :]), smaller


def _pairs(into: np.ndarray, out: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of an entering and a leaving entry of the same node, as positions; both are sorted by
    node.
    """
    count = np.bincount(into, minlength=size)
    start = np.cumsum(count) - count
    many = count[out]
    leaves = np.repeat(np.arange(len(out)), many)
    within = np.arange(len(leaves)) - np.repeat(np.cumsum(many) - many, many)
    return start[out[leaves]] + within, leaves


def _restore(done: _Round, smaller: np.ndarray) -> np.ndarray:
    """Entries of the transposed inverse on the pattern before the round, from those after it."""
    before = done.before
    value, count = before.value, len(before.value)
    diagonal = before.row == before.column
    pivot = value[diagonal]
    inverse, known = np.zeros(count), smaller[done.pair_at]
    inverse[done.kept] = smaller[done.kept_at]
    out = np.bincount(done.leaves, known * value[done.enters], count)
    into = np.bincount(done.enters, known * value[done.leaves], count)
    chosen = np.ones(before.size, dtype=bool)
    chosen[before.row[done.kept]] = False
    leaves, enters = chosen[before.row] & ~diagonal, chosen[before.column] & ~diagonal
    inverse[leaves] = -out[leaves] / pivot[before.row[leaves]]
    inverse[enters] = -into[enters] / pivot[before.column[enters]]
    returned = np.bincount(before.row[leaves], (value * inverse)[leaves], before.size)
    own = diagonal & chosen[before.row]
    inverse[own] = ((1 - returned) / pivot)[chosen]
    return inverse
