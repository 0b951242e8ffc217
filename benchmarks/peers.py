"""Floors and peers: the least work that gives the same answer, and other tools on the same graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from benchmarks.inputs import Tables


@dataclass(frozen=True)
class Graph:
    """The mass layer of splitting parks as a graph of processes: what they pass on, and what they are fed."""

    source: np.ndarray
    target: np.ndarray
    share: np.ndarray
    feed: np.ndarray


def graph_of(tables: Tables) -> Graph:
    """The processes, their links with the mass share of each, and the feed."""
    at = pd.Index(tables["processes"]["id"])
    flows, facts = tables["flows"], tables["facts"]
    count = len(at)
    mass = facts[facts["layer"] == "mass"]
    links = flows.set_index("id").loc[mass["transfer"]]
    feed = flows[flows["from"] == "market"]
    return Graph(
        source=at.get_indexer(links["from"]),
        target=at.get_indexer(links["to"]),
        share=mass["value"].to_numpy(),
        feed=np.bincount(at.get_indexer(feed["to"]), feed["amount"], count),
    )


def bare_solve(matrix: Any, rhs: np.ndarray) -> np.ndarray:
    """SciPy alone on a CSC matrix: SuperLU with its own settings, and the triangular solves."""
    from scipy.sparse.linalg import splu

    return splu(matrix).solve(rhs)


def bare_programme(system: Any) -> Callable[[], Any]:
    """HiGHS alone: the least purchases that the rows and bounds of a system allow, in one stage."""
    from scipy.optimize import linprog

    cost = np.zeros(system.matrix.shape[1])
    cost[np.flatnonzero(system.flows["from"] == "market")] = 1.0
    bounds = np.column_stack([system.lower, system.upper])
    return lambda: linprog(cost, A_eq=system.matrix, b_eq=system.rhs, bounds=bounds, method="highs")


def brightway(graph: Graph) -> Callable[[], np.ndarray] | None:
    """bw2calc on the technosphere matrix of the processes, arrays in memory; None if it is not installed."""
    try:
        with warnings.catch_warnings(action="ignore"):  # it advises another solver, a download of 600 MB
            import bw2calc
            import bw_processing
    except ImportError:
        return None
    count = len(graph.feed)
    nodes = np.arange(count)
    row, column = np.append(nodes, graph.target), np.append(nodes, graph.source)
    indices = np.zeros(len(row), dtype=bw_processing.INDICES_DTYPE)
    indices["row"], indices["col"] = row, column
    package = bw_processing.create_datapackage()
    package.add_persistent_vector(
        matrix="technosphere_matrix",
        name="links",
        indices_array=indices,
        data_array=np.append(np.ones(count), graph.share),
        flip_array=np.append(np.zeros(count, dtype=bool), np.ones(len(graph.share), dtype=bool)),
    )
    package.add_persistent_vector(
        matrix="biosphere_matrix", name="none", indices_array=indices[:1], data_array=np.ones(1)
    )
    demand = {int(at): float(graph.feed[at]) for at in np.flatnonzero(graph.feed)}

    def work() -> np.ndarray:
        lca = bw2calc.LCA(demand=demand, data_objs=[package])
        lca.lci()
        order = np.array([lca.dicts.activity[at] for at in range(count)])
        return lca.supply_array[order]

    return work


def fixed_point(graph: Graph) -> Callable[[], np.ndarray]:
    """The usual script: pass amounts along the edges of a networkx graph until nothing changes."""
    import networkx as nx

    count = len(graph.feed)
    network = nx.MultiDiGraph()
    network.add_nodes_from(range(count))
    links = zip(graph.source.tolist(), graph.target.tolist(), graph.share.tolist(), strict=True)
    network.add_weighted_edges_from(links)
    feed = graph.feed.tolist()

    def work() -> np.ndarray:
        amount, change = feed, 1.0
        while change > 1e-9 * max(feed):
            ahead = list(feed)
            for source, target, share in network.edges(data="weight"):
                ahead[target] += amount[source] * share
            change = max(abs(a - b) for a, b in zip(ahead, amount, strict=True))
            amount = ahead
        return np.array(amount)

    return work


def linopy_rows(model: Any, matrix: csr_array, variables: Any) -> Any:
    """``A x`` as an expression of linopy, from the arrays of a sparse matrix."""
    import linopy
    import xarray

    length = np.diff(matrix.indptr)
    row = np.repeat(np.arange(len(length)), length)
    term = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], length)
    shape = (len(length), int(length.max()))
    entries, columns = np.zeros(shape), np.full(shape, -1)
    entries[row, term], columns[row, term] = matrix.data, variables.labels.to_numpy()[matrix.indices]
    data = {"coeffs": (("row", "_term"), entries), "vars": (("row", "_term"), columns)}
    rows = pd.RangeIndex(shape[0], name="row")
    made = xarray.Dataset({**data, "const": ("row", np.zeros(shape[0]))}, coords={"row": rows})
    return linopy.LinearExpression(made, model)
