"""`dispatch`: the merit order decides what the facts leave free.

A lexicographic linear programme (Isermann, 1982, OR Spektrum 4) on HiGHS, in this order:

1. from final demand backwards, so that what a choice asks of the chain behind it does not count against it:
   every user chooses among its suppliers, least from the market, then from the network, then by symbiosis,
   then what has a higher ``prefer``; ties are shared in proportion to what each can bring; networks give
   away no more than they must; and what the users leave over finds its way out, least disposed of, then
   treated, then sold, the best way out of each place taking the rest;
2. plants that live on waste choose among the suppliers of their other inputs.

After each stage the variables whose reduced cost is not zero stay at their bound, so later stages keep
what earlier ones reached. The end point is solved again by LU, to the same digits as `solve`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array, csr_array, vstack

from flowsim.errors import Problem, Undetermined
from flowsim.network import LEVELS
from flowsim.result import Result
from flowsim.studies.blends import ceiling_notes
from flowsim.studies.solve import undetermined_problems
from flowsim.studies.stages import SAME, Stages
from flowsim.studies.structure import decompose
from flowsim.system import System

MOST_DEPTHS = 12
"""Choices farther than this from final demand are made together."""


def dispatch(system: System, *, throw: bool = True) -> Result:
    """The flows that the facts leave free, by merit order.

    Parameters
    ----------
    throw : raise when the merit order does not decide some flows; otherwise report their interval

    Raises
    ------
    Infeasible : limits and capacities leave no answer; the message says what lacks and which limits bind
    Undetermined : nothing drives a process, or neither facts nor merit order decide some flows
    """
    free = undriven(system)
    if len(free):
        raise Undetermined(undetermined_problems(system, free))
    flows = system.flows
    programme = Stages(system)
    programme.start()
    ties = [*_ties(system, "in_node"), *_ties(system, "out_node")]
    for action, mine in _stages(system):
        if action == "least":
            programme.minimise(mine)
        else:
            programme.share_ties([tie for tie in ties if np.isin(tie[0], mine).all()])
    programme.share_ties(ties)
    x = programme.exact()
    low, high = programme.spread(x)
    loose = high - low > SAME * programme.scale
    if loose.any() and throw:
        raise Undetermined(_undecided_problems(system, np.flatnonzero(loose), low, high))
    decided = np.zeros(len(x), dtype=bool)
    decided[: len(flows)] = flows["contested"].to_numpy()
    x = np.where(loose, np.nan, x)
    low, high = (np.where(loose, bound, np.nan) for bound in (low, high))
    notes, notes_zh = ceiling_notes(system, x)
    return Result(system, x, low, high, "dispatch", decided, {}, notes, notes_zh=notes_zh)


def _stages(system: System) -> Iterator[tuple[str, np.ndarray]]:
    """The flows that each stage makes least, or among which it shares ties, in order.

    From final demand backwards: what users at one distance ask for, then where what they leave goes. A
    plant that lives on waste asks for its other inputs last, else it would be idled to save them.
    """
    flows = system.flows
    contested, level = flows["contested"].to_numpy(), flows["level"].to_numpy()
    far = _depth(system)
    given_away = contested & _chosen_by_supplier(system)
    surplus = given_away & (level == LEVELS["surplus"])
    _, group, size = np.unique(flows["in_node"].to_numpy(), return_inverse=True, return_counts=True)
    asked = contested & ~given_away & (size[group] > 1)
    for_waste = asked & system.processes["fed"].to_numpy()[flows["to_at"].to_numpy()]
    asked &= ~for_waste
    to_far, from_far = far[flows["to_at"].to_numpy()], far[flows["from_at"].to_numpy()]
    left = given_away & ~surplus
    worse = left & (level > best_level(level, flows["out_node"].to_numpy(), left))
    for distance in range(MOST_DEPTHS):
        yield from _by_merit(level, asked & (to_far == distance), keep_best=True)
        yield "share", np.flatnonzero(asked & (to_far == distance))
        yield "least", np.flatnonzero(surplus & (from_far == distance))
        yield from _by_merit(level, worse & (from_far == distance), keep_best=False)
    yield from _by_merit(level, for_waste, keep_best=True)
    yield "share", np.flatnonzero(for_waste | left)


def best_level(level: np.ndarray, node: np.ndarray, mine: np.ndarray) -> np.ndarray:
    """For each flow the best level among those of its place: what takes the rest is nothing to avoid."""
    _, place = np.unique(node, return_inverse=True)
    best = np.full(place.max(initial=-1) + 1, np.inf)
    np.minimum.at(best, place[mine], level[mine])
    return best[place]


def _by_merit(level: np.ndarray, mine: np.ndarray, keep_best: bool) -> Iterator[tuple[str, np.ndarray]]:
    """The worst level first; users need no stage for their best one, for it takes the rest."""
    levels = sorted(set(level[mine]), reverse=True)
    for merit in levels[:-1] if keep_best else levels:
        yield "least", np.flatnonzero(mine & (level == merit))


def _chosen_by_supplier(system: System) -> np.ndarray:
    """Flows that their supplier decides on: ways out of the system, what feeds a plant with waste, and what
    goes into a store that asks for no level. What is mined from a store is asked for."""
    mined = np.isin(system.flows["from_at"], system.upper_rows.process[system.upper_rows.kind == "mining"])
    outside = system.processes["outside"].to_numpy()
    source, target = system.flows["from_at"].to_numpy(), system.flows["to_at"].to_numpy()
    return outside[target] | ((feeds(system) & ~mined | _stored(system)) & ~outside[source])


def _stored(system: System) -> np.ndarray:
    """Flows into a store that keeps what it is given."""
    flows, rows, goods = system.flows, system.rows, len(system.goods)
    asks = rows.kind == "level"
    asked = np.isin(flows["to_at"] * goods + flows["good_at"], rows.process[asks] * goods + rows.good[asks])
    return system.stores[flows["to_at"].to_numpy()] & ~asked


def undriven(system: System) -> np.ndarray:
    """Unknowns that would stay free even if every choice between rivals were made.

    Each choice gets a row that would state it: a receiver chooses among its suppliers, a supplier among
    the plants that live on what they are given; what leaves the system takes the rest.
    """
    flows, processes = system.flows, system.processes
    outside = processes["outside"].to_numpy()
    source, target = flows["from_at"].to_numpy(), flows["to_at"].to_numpy()
    out_node = np.unique(flows["out_node"].to_numpy(), return_inverse=True)[1]
    in_node = np.unique(flows["in_node"].to_numpy(), return_inverse=True)[1] + out_node.max(initial=-1) + 1
    by_supplier = _chosen_by_supplier(system)
    inner = np.bincount(out_node, ~outside[target])[out_node] > 0
    pool = (processes["kind"] == "pool").to_numpy()[source]
    rest = outside[target] & inner & ~pool
    chosen = flows["contested"].to_numpy() & ~rest
    node = np.where(by_supplier, out_node, in_node)
    pairs = [(node[chosen], np.flatnonzero(chosen))]
    for side, chooses in ((out_node, by_supplier), (in_node, ~by_supplier)):
        others = np.flatnonzero(~(chosen & chooses))
        _, first = np.unique(side[others], return_index=True)
        pairs.append((side[others[first]], others[first]))
    way_out = out_node[rest] + in_node.max(initial=-1) + 1
    pairs.append((way_out, np.flatnonzero(rest)))
    nodes, members = (np.concatenate(part) for part in zip(*pairs, strict=True))
    order = np.argsort(nodes, kind="stable")
    nodes, members = nodes[order], members[order]
    of_choice = np.isin(nodes, np.concatenate([node[chosen], way_out]))
    next_too = np.flatnonzero((nodes[:-1] == nodes[1:]) & of_choice[:-1])
    row = np.tile(np.arange(len(next_too)), 2)
    column = np.concatenate([members[next_too], members[next_too + 1]])
    stated = coo_array((np.ones(len(row)), (row, column)), shape=(len(next_too), system.matrix.shape[1]))
    return decompose(csr_array(vstack([system.matrix, stated]))).under


def feeds(system: System) -> np.ndarray:
    """Flows that feed a plant whose activity counts what it takes, such as a kiln for waste."""
    flows, processes = system.flows, system.processes
    target = flows["to_at"].to_numpy()
    good = np.where(flows["replaces"] != "", flows["replaces"], flows["good"])
    return processes["fed"].to_numpy()[target] & (processes["good"].to_numpy()[target] == good)


def _depth(system: System) -> np.ndarray:
    """For each process how far it stands from final demand: its users choose before it does.

    The longest path along the flows that are asked for (not those that feed a plant with waste), loops
    counted as one; at most `MOST_DEPTHS` different depths, the far ones taken together.
    """
    from scipy.sparse.csgraph import connected_components

    flows, outside = system.flows, system.processes["outside"].to_numpy()
    source, target = flows["from_at"].to_numpy(), flows["to_at"].to_numpy()
    asked = ~feeds(system) & ~outside[source] & ~outside[target]
    count = len(outside)
    graph = csr_array((np.ones(asked.sum()), (target[asked], source[asked])), shape=(count, count))
    number, label = connected_components(graph, connection="strong")
    user, supplier = label[target[asked]], label[source[asked]]
    between = user != supplier
    edges = np.unique(np.column_stack([user[between], supplier[between]]), axis=0)
    depth = np.zeros(number, dtype=np.int64)
    waiting = np.bincount(edges[:, 1], minlength=number)
    start = np.searchsorted(edges[:, 0], np.arange(number + 1))
    ready = list(np.flatnonzero(waiting == 0))
    while ready:
        node = ready.pop()
        for other in edges[start[node] : start[node + 1], 1]:
            depth[other] = max(depth[other], depth[node] + 1)
            waiting[other] -= 1
            if waiting[other] == 0:
                ready.append(other)
    return np.minimum(depth[label], MOST_DEPTHS - 1)


def _ties(system: System, node: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Groups of flows of equal merit at one place, with what each can bring: limit or capacity, else equal.

    ``node`` is ``in_node`` for the suppliers of one user, ``out_node`` for the takers of one supplier.
    """
    flows = system.flows
    contested, level = flows["contested"].to_numpy(), flows["level"].to_numpy()
    end, other, there = (
        ("to_at", "from_at", "out_node") if node == "in_node" else ("from_at", "to_at", "in_node")
    )
    most = reach(system, other, there)
    keys = np.column_stack([flows[node].to_numpy(), level])
    _, group, size = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    rivals = np.flatnonzero(contested & (size[group] > 1))
    rivals = rivals[~system.processes["outside"].to_numpy()[flows[end].to_numpy()[rivals]]]
    order = rivals[np.argsort(group[rivals], kind="stable")]
    ties = []
    for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        if len(members) > 1:
            known = np.isfinite(most[members]).all() and (most[members] > 0).all()
            ties.append((members, most[members] if known else np.ones(len(members))))
    return ties


def reach(system: System, end: str, node: str) -> np.ndarray:
    """The most that one end of each flow could bring or take, by limit and capacity; infinite if unknown."""
    flows, rows = system.flows, system.rows
    most = system.upper[: len(flows)].copy()
    recipe = np.flatnonzero(rows.kind == "recipe")
    entries = system.matrix[recipe].tocoo()
    activity = system.unknown_kind[entries.col] == "activity"
    capacity = np.full(len(recipe), np.inf)
    capacity[entries.row[activity]] = -entries.data[activity] * system.upper[entries.col[activity]]
    own = entries.col < len(flows)
    line, flow = entries.row[own], entries.col[own]
    at_end = rows.process[recipe[line]] == flows[end].to_numpy()[flow]
    there = at_end & (flows[node].to_numpy()[flow] >= 0)
    np.minimum.at(most, flow[there], capacity[line[there]])
    return most


def _undecided_problems(
    system: System, columns: np.ndarray, low: np.ndarray, high: np.ndarray
) -> list[Problem]:
    listed = [f"{system._short(int(c))} [{low[c]:.6g}, {high[c]:.6g}]" for c in columns[:12]]
    more = f" and {len(columns) - 12} more" if len(columns) > 12 else ""
    message = f"neither facts nor merit order decide {len(columns)} values: {', '.join(listed)}{more}."
    hint = "Give rivals different `prefer`, a limit, or state one of the amounts."
    return [Problem(message, str(system.about["file"]), hint=hint)]
