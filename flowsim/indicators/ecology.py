"""Ecological network analysis of one flow matrix: throughflow, cycling, information, structure.

Rows give, columns take: ``internal[i, j]`` flows from node i to node j. One material or unit per
matrix. Formulas after Finn (1976), Ulanowicz (1986, 2009), Allesina and Ulanowicz (2004), Layton, Bras
and Weissburg (2016), as the R packages enaR and NetIndices publish them. Throughflow is taken from the
inputs of each node.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.indicators.inverse import inverse_diagonal

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DENSE = 500
"""Nodes up to which a loop's eigenvalue is found by the dense solver."""
RESTARTS = 10
"""Restarts of the Arnoldi method before a loop counts as one that it does not suit."""
POWERS = 300
"""Plain steps before Noda's iteration, which factorises."""
SOLVES = 20
"""Steps of Noda's iteration with one factorisation, which costs as much as many of them."""
NEAR = 1e-9
"""Largest relative width of the bounds on an eigenvalue."""
FITTEST = 1.288
"""Exponent b of the fitness of a network: where the networks of nature stand (Ulanowicz et al. 2009)."""
CLOSED = 1e-12
"""A group of nodes that keeps all but this share of what it gets is a loop without an outlet."""


@dataclass(frozen=True)
class Network:
    """A flow matrix at steady state with what enters and leaves each node.

    Attributes
    ----------
    internal : (n, n) flows between nodes
    imports, exports, losses : shape (n,), over the boundary; exports stay useful, losses do not
    """

    internal: csr_array
    imports: np.ndarray
    exports: np.ndarray
    losses: np.ndarray

    @cached_property
    def throughflow(self) -> np.ndarray:
        """T of each node: all that enters it."""
        return self.imports + np.asarray(self.internal.sum(axis=0)).ravel()

    @cached_property
    def output(self) -> np.ndarray:
        """All that leaves each node."""
        return self.exports + self.losses + np.asarray(self.internal.sum(axis=1)).ravel()

    @property
    def boundary(self) -> float:
        """All that enters over the boundary."""
        return float(self.imports.sum())

    @property
    def total_throughflow(self) -> float:
        """TST: the sum of T."""
        return float(self.throughflow.sum())

    @property
    def total_throughput(self) -> float:
        """TSTp: the sum of all flows, those over the boundary too."""
        return float(self.internal.sum() + self.imports.sum() + self.exports.sum() + self.losses.sum())

    @property
    def path_length(self) -> float:
        """APL: nodes that a unit passes on average, TST / imports."""
        return self.total_throughflow / self.boundary

    @cached_property
    def _shares(self) -> csr_array:
        """G: share of the throughflow of a node that goes to each other; nodes without throughflow give
        nothing.
        """
        from scipy.sparse import csr_array

        through = self.throughflow
        weights = np.divide(1.0, through, out=np.zeros(len(through)), where=through > 0)
        found = self.internal.tocoo()
        return csr_array((found.data * weights[found.row], (found.row, found.col)), shape=found.shape)

    @cached_property
    def returns(self) -> np.ndarray:
        """Share of the throughflow of each node that has been there before, (N_jj − 1) / N_jj.

        Raises
        ------
        InputError : a loop without an outlet, which is no steady state
        """
        from scipy.sparse import csr_array, eye_array

        loops, inside = _loops(self._shares)
        out = np.zeros(len(self.throughflow))
        if not len(loops):
            return out
        kept = csr_array(inside[loops][:, loops])
        self._check_outlets(loops, kept)
        diagonal = inverse_diagonal(csr_array(eye_array(len(loops)) - kept))
        out[loops] = 1.0 - 1.0 / diagonal
        return out

    def _check_outlets(self, loops: np.ndarray, kept: csr_array) -> None:
        from scipy.sparse.csgraph import connected_components

        count, group = connected_components(kept, connection="strong")
        lost = np.bincount(group, np.maximum(1.0 - np.asarray(kept.sum(axis=1)).ravel(), 0.0), count)
        closed = np.flatnonzero(lost <= CLOSED)
        if len(closed):
            nodes = ", ".join(str(node) for node in loops[group == closed[0]][:5])
            hint = "A steady state needs a way out: draw what leaves the loop."
            raise InputError(Problem(f"nodes {nodes} form a loop without an outlet.", hint=hint))

    @property
    def cycled(self) -> float:
        """Throughflow that returns to a node where it has been."""
        return float(self.throughflow @ self.returns)

    @property
    def finn_index(self) -> float:
        """FCI: cycled / TST."""
        return self.cycled / self.total_throughflow

    @property
    def finn_index_throughput(self) -> float:
        """FCIb: cycled / TSTp."""
        return self.cycled / self.total_throughput

    @property
    def first_passage(self) -> float:
        """Throughflow that comes to a node from another for the first time."""
        return self.total_throughflow - self.boundary - self.cycled

    @property
    def direct(self) -> float:
        """Throughflow that came over the boundary one step before."""
        return float((self.imports @ self._shares).sum())

    @property
    def indirect_to_direct(self) -> float:
        """Throughflow that came by two and more steps over that of one step."""
        return (self.total_throughflow - self.boundary - self.direct) / self.direct

    @cached_property
    def _joint(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Every flow, and the sums of its row and column, with a row of imports and two columns of sinks."""
        found = self.internal.tocoo()
        size = len(self.imports)
        nodes, origin, sink = np.arange(size), np.full(size, size), np.full(size, size)
        row = np.concatenate([found.row, origin, nodes, nodes])
        column = np.concatenate([found.col, nodes, sink, sink + 1])
        value = np.concatenate([found.data, self.imports, self.exports, self.losses])
        rows, columns = np.bincount(row, value, size + 2), np.bincount(column, value, size + 2)
        some = value > 0
        return value[some], rows[row[some]], columns[column[some]]

    @property
    def entropy(self) -> float:
        """H, bits: diversity of the flows."""
        share = self._joint[0] / self.total_throughput
        return float(-(share * np.log2(share)).sum())

    @property
    def mutual_information(self) -> float:
        """AMI, bits: how much the origin of a unit tells of its target."""
        value, rows, columns = self._joint
        total = self.total_throughput
        return float((value / total * np.log2(value * total / (rows * columns))).sum())

    @property
    def ascendency(self) -> float:
        """A = TSTp × AMI."""
        return self.total_throughput * self.mutual_information

    @property
    def capacity(self) -> float:
        """C = TSTp × H."""
        return self.total_throughput * self.entropy

    @property
    def overhead(self) -> float:
        """C − A."""
        return self.capacity - self.ascendency

    @property
    def relative_ascendency(self) -> float:
        """a = A / C; not a number where one flow is all."""
        return self.mutual_information / self.entropy if self.entropy > 0 else float("nan")

    @property
    def robustness(self) -> float:
        """−a ln a, at most 1/e."""
        order = self.relative_ascendency
        return float(-order * np.log(order)) if order > 0 else float("nan")

    @property
    def fitness(self) -> float:
        """−e aᵇ ln(aᵇ), at most 1, at a = e^(−1/b) = 0.460 (Ulanowicz et al. 2009)."""
        order = self.relative_ascendency**FITTEST
        return float(-np.e * order * np.log(order)) if order > 0 else float("nan")

    @property
    def effective_link_density(self) -> float:
        """2 to the half of H − AMI."""
        return float(2 ** ((self.entropy - self.mutual_information) / 2))

    @property
    def effective_depth(self) -> float:
        """2 to the AMI."""
        return float(2**self.mutual_information)

    @property
    def links(self) -> int:
        """L: ordered pairs of different nodes that a flow joins."""
        found = self.internal.tocoo()
        return int(((found.data > 0) & (found.row != found.col)).sum())

    @property
    def link_density(self) -> float:
        """L / n."""
        return self.links / len(self.imports)

    @property
    def connectance(self) -> float:
        """L / (n (n − 1)); not a number for one node."""
        size = len(self.imports)
        return self.links / (size * (size - 1)) if size > 1 else float("nan")

    @property
    def cyclicity(self) -> float:
        """Largest real eigenvalue of the 0-1 link matrix: 0 no cycle, 1 simple cycles, more: linked
        cycles.
        """
        from scipy.sparse import csr_array

        found = self.internal.tocoo()
        some = found.data > 0
        ones = np.ones(int(some.sum()))
        return _spectral_radius(csr_array((ones, (found.row[some], found.col[some])), shape=found.shape))

    @property
    def symmetry(self) -> float:
        """Share of the exchange between nodes that a flow the other way answers: Σ min(F_ij, F_ji) / Σ
        F_ij.
        """
        away = self.internal - _diagonal(self.internal)
        total = float(away.sum())
        return float(away.minimum(away.T.tocsr()).sum()) / total if total else float("nan")


def _diagonal(matrix: csr_array) -> csr_array:
    from scipy.sparse import csr_array, diags_array

    return csr_array(diags_array(matrix.diagonal()))


def _loops(matrix: csr_array) -> tuple[np.ndarray, csr_array]:
    """Nodes that lie on a cycle, and the matrix without the entries that lie on none."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    _, group = connected_components(matrix, connection="strong")
    found = matrix.tocoo()
    same = (group[found.row] == group[found.col]) & (found.data != 0)
    row, column = found.row[same], found.col[same]
    return np.unique(row), csr_array((found.data[same], (row, column)), shape=matrix.shape)


def _spectral_radius(links: csr_array) -> float:
    """Largest eigenvalue over the strongly connected groups of a matrix of no negative entries."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    loops, inside = _loops(links)
    if not len(loops):
        return 0.0
    kept = csr_array(inside[loops][:, loops])
    count, group = connected_components(kept, connection="strong")
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    return max(_perron(csr_array(kept[part][:, part])) for part in parts) if count else 0.0


def _perron(links: csr_array) -> float:
    """Largest eigenvalue of one strongly connected group; a simple cycle has 1."""
    size = links.shape[0]
    if links.nnz == size and links.max() == 1:
        return 1.0
    if size <= DENSE:
        return float(np.linalg.eigvals(links.toarray()).real.max())
    from scipy.sparse import csr_array, eye_array
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    shifted = csr_array(links + eye_array(size))
    try:
        found = eigs(shifted, k=1, which="LR", v0=np.ones(size), maxiter=RESTARTS, return_eigenvectors=False)
    except ArpackNoConvergence:
        return _noda(links)
    return float(found.real[0]) - 1.0


def _noda(links: csr_array) -> float:
    """The same by Noda's iteration (1971), which closes in from above on long rings too."""
    from scipy.sparse import csc_array, eye_array
    from scipy.sparse.linalg import splu

    vector = np.ones(links.shape[0])
    for _ in range(POWERS):
        vector = links @ vector + vector
        vector /= vector.max()
    bounds = (links @ vector) / vector
    while bounds.max() - bounds.min() > NEAR * bounds.max():
        factor = splu(csc_array((1 + NEAR / 10) * bounds.max() * eye_array(len(vector)) - links))
        before = bounds
        for _ in range(SOLVES):
            vector = factor.solve(vector)
            vector /= vector.max()
            bounds = (links @ vector) / vector
            if bounds.max() - bounds.min() <= NEAR * bounds.max():
                break
        if bounds.max() >= before.max():
            break
    return float(bounds.max())


def network_of_matrix(
    internal: np.ndarray | csr_array, imports: np.ndarray, exports: np.ndarray, losses: np.ndarray
) -> Network:
    """A network from a dense or sparse matrix, rows giving and columns taking.

    Raises
    ------
    InputError : shapes that do not fit, or a negative or missing flow
    """
    from scipy.sparse import csr_array

    matrix = csr_array(internal, dtype=float)
    sides = [np.asarray(side, dtype=float) for side in (imports, exports, losses)]
    size = matrix.shape[0]
    if matrix.shape != (size, size) or any(side.shape != (size,) for side in sides):
        raise InputError(f"a network of {size} nodes needs a square matrix and vectors of {size} entries.")
    if any(not (values >= 0).all() for values in (matrix.data, *sides)):
        raise InputError("a network takes no negative or missing flows.")
    return Network(matrix, *sides)


def eco_connectance(links: csr_array) -> float:
    """2 L / (S (S − 1)) with L the unordered pairs of S firms that an exchange joins; NaN for fewer
    than two.
    """
    size = links.shape[0]
    if size < 2:
        return float("nan")
    found = links.tocoo()
    some = (found.data != 0) & (found.row != found.col)
    low, high = np.minimum(found.row, found.col)[some], np.maximum(found.row, found.col)[some]
    pairs = len(np.unique(low.astype(np.int64) * size + high))
    return 2 * pairs / (size * (size - 1))
