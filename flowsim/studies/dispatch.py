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
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array, eye_array, hstack, vstack

from flowsim.errors import Infeasible, Problem, Undetermined
from flowsim.network import LEVELS
from flowsim.result import Result
from flowsim.studies.solve import Singular, determine, undetermined_problems
from flowsim.studies.structure import decompose
from flowsim.system import System

REDUCED_COST = 1e-7
"""A reduced cost above this keeps a variable at its bound in later stages."""
SAME = 1e-6
"""Two end points are the same when no value differs by more than this share of the largest."""

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
    programme = _Programme(system)
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
    return Result(system, x, low, high, "dispatch", decided, {}, _binding_ceilings(system, x))


def _binding_ceilings(system: System, x: np.ndarray) -> tuple[str, ...]:
    """A remark for each ceiling of contents that a blend has reached."""
    rows, notes = system.upper_rows, []
    size = abs(system.upper_matrix) @ np.abs(x)
    slack = system.upper_rhs - system.upper_matrix @ x
    for row in np.flatnonzero((rows.kind == "ceiling") & (slack <= SAME * size) & (size > 0)):
        name = system.processes["id"].iloc[int(rows.process[row])]
        most = 100 * rows.value[row]
        notes.append(f"the blend of {name} has reached its ceiling of {most:.4g} % {rows.layer[row]}")
    return tuple(notes)


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


class _Programme:
    """The linear programme ``A x = b, G x + s = h`` with bounds that tighten from stage to stage."""

    def __init__(self, system: System):
        self.system = system
        self.size = system.matrix.shape[1]
        slack = system.upper_matrix.shape[0]
        top = hstack([system.matrix, csr_array((system.matrix.shape[0], slack))])
        bottom = hstack([system.upper_matrix, eye_array(slack)])
        self.matrix = csr_array(vstack([top, bottom]))
        self.rhs = np.concatenate([system.rhs, system.upper_rhs])
        self.lower = np.concatenate([system.lower, np.zeros(slack)])
        self.upper = np.concatenate([system.upper, np.full(slack, np.inf)])
        finite = np.concatenate([self.rhs, self.upper[np.isfinite(self.upper)]])
        self.scale = float(np.abs(finite).max(initial=1.0)) or 1.0
        self.values: np.ndarray | None = None

    def minimise(self, chosen: np.ndarray) -> None:
        """One stage: make the sum of the chosen flows least, and keep what that needs."""
        free = self.upper[chosen] - self.lower[chosen] > SAME * self.scale
        if not free.any() and self.values is not None:
            return
        cost = np.zeros(len(self.lower))
        cost[chosen] = 1.0
        self._run(cost, self.matrix, self.rhs, self.lower, self.upper)

    def _run(
        self, cost: np.ndarray, matrix: csr_array, rhs: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        """Solve and tighten the bounds of the programme's own columns by their reduced costs."""
        found = self._linprog(cost, matrix, rhs, lower, upper)
        if found.status == 2:
            raise Infeasible(infeasible_problems(self.system))
        if found.status != 0:
            raise Infeasible(Problem(f"HiGHS stopped: {found.message}"))
        mine = slice(0, len(self.lower))
        at_lower = found.lower.marginals[mine] > REDUCED_COST
        at_upper = found.upper.marginals[mine] < -REDUCED_COST
        self.upper[at_lower] = self.lower[at_lower]
        self.lower[at_upper] = self.upper[at_upper]
        self.values = found.x[mine] * self.scale
        return found.x * self.scale

    def _linprog(
        self, cost: np.ndarray, matrix: csr_array, rhs: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> Any:
        from scipy.optimize import linprog

        bounds = np.column_stack([lower, upper]) / self.scale
        options = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
        return linprog(
            cost, A_eq=matrix, b_eq=rhs / self.scale, bounds=bounds, method="highs", options=options
        )

    def share_ties(self, ties: list[tuple[np.ndarray, np.ndarray]]) -> None:
        """Flows of equal merit at one place carry the same share of what each can bring, within limits.

        For each tie the largest ratio of flow to weight is made least; the flows that this pins stay, and
        the rest is shared again.
        """
        for _ in range(8):
            loose = [
                (flows[free], weights[free])
                for flows, weights in ties
                if (free := self.upper[flows] - self.lower[flows] > SAME * self.scale).sum() > 1
            ]
            if not loose:
                return
            if not self._share_once(loose):
                return

    def _share_once(self, ties: list[tuple[np.ndarray, np.ndarray]]) -> bool:
        columns, count = len(self.lower), len(ties)
        row = np.arange(sum(len(flows) for flows, _ in ties))
        flow = np.concatenate([flows for flows, _ in ties])
        weight = np.concatenate([weights for _, weights in ties])
        ratio = columns + np.repeat(np.arange(count), [len(flows) for flows, _ in ties])
        slack = columns + count + row
        entries = np.concatenate([np.ones(len(row)), -weight, np.ones(len(row))])
        more = coo_array(
            (entries, (np.tile(row, 3), np.concatenate([flow, ratio, slack]))),
            shape=(len(row), columns + count + len(row)),
        )
        wide = hstack([self.matrix, csr_array((self.matrix.shape[0], count + len(row)))])
        cost = np.zeros(columns + count + len(row))
        cost[columns : columns + count] = 1.0
        extra = count + len(row)
        x = self._run(
            cost,
            csr_array(vstack([wide, more])),
            np.concatenate([self.rhs, np.zeros(len(row))]),
            np.concatenate([self.lower, np.zeros(extra)]),
            np.concatenate([self.upper, np.full(extra, np.inf)]),
        )
        reached = x[flow] >= weight * x[ratio] - SAME * self.scale
        pinned = flow[reached]
        before = self.upper[pinned] - self.lower[pinned]
        self.lower[pinned] = self.upper[pinned] = np.maximum(x[pinned], 0.0)
        return bool((before > SAME * self.scale).any())

    def exact(self) -> np.ndarray:
        """The end point by LU, not to simplex tolerances: variables at a bound stay, the rest is solved."""
        assert self.values is not None
        values = self.values
        near = 1e-9 * self.scale
        at_lower, at_upper = values <= self.lower + near, values >= self.upper - near
        held = at_lower | at_upper
        settled = np.where(at_lower, self.lower, self.upper)
        free = np.flatnonzero(~held)
        known = np.where(held, settled, 0.0)
        rhs = self.rhs - self.matrix @ known
        try:
            part = determine(csr_array(self.matrix[:, free]), rhs)
        except Singular:
            return values[: self.size]
        out = values.copy()
        out[held] = settled[held]
        out[free[part.columns]] = part.x
        return out[: self.size] if self._holds(out) else values[: self.size]

    def _holds(self, x: np.ndarray) -> bool:
        size = abs(self.matrix) @ np.abs(x) + np.abs(self.rhs)
        residual = np.abs(self.matrix @ x - self.rhs)
        return bool((residual <= 1e-9 * np.maximum(size, 1.0)).all())

    def spread(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far each value can still move: nothing if the answer is the only one.

        Two programmes with fixed pseudo-random weights find the far ends; they meet unless the answer is
        not unique (with probability one).
        """
        free = np.flatnonzero(self.upper - self.lower > SAME * self.scale)
        left = csr_array(self.matrix[:, free])
        if not len(decompose(left).under):
            try:
                determine(left, self.rhs)
                return x.copy(), x.copy()
            except Singular:
                pass
        weights = np.random.default_rng(0).uniform(1.0, 2.0, len(self.lower))
        ends = [x]
        for sign in (1.0, -1.0):
            found = self._linprog(
                sign * weights, self.matrix, self.rhs, self.lower, np.minimum(self.upper, 1e4 * self.scale)
            )
            if found.status == 0:
                ends.append(found.x[: self.size] * self.scale)
        stack = np.vstack(ends)
        return stack.min(axis=0), stack.max(axis=0)


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


def infeasible_problems(system: System) -> list[Problem]:
    """What lacks where, and what bounds it: found by letting inputs fall short and outputs stay over."""
    from scipy.optimize import linprog

    rows = system.rows
    soft = np.flatnonzero(np.isin(rows.kind, ["recipe", "balance"]))
    entries = system.matrix[soft]
    flows = len(system.flows)
    enters = np.zeros(len(soft))
    coo = entries[:, np.arange(flows)].tocoo()
    enters[coo.row] = np.where(
        system.flows["to_at"].to_numpy()[coo.col] == rows.process[soft][coo.row], 1.0, -1.0
    )
    recipe = rows.kind[soft] == "recipe"
    short = np.flatnonzero(~recipe | (enters > 0))
    over = np.flatnonzero(~recipe | (enters < 0))
    count = system.matrix.shape[0]
    relax = coo_array(
        (
            np.concatenate([np.ones(len(short)), np.where(recipe[over], 1.0, -1.0)]),
            (soft[np.concatenate([short, over])], np.arange(len(short) + len(over))),
        ),
        shape=(count, len(short) + len(over)),
    )
    scale = float(np.abs(system.rhs).max(initial=1.0)) or 1.0
    extra = relax.shape[1]
    bounds = np.column_stack(
        [
            np.append(system.lower, np.zeros(extra)) / scale,
            np.append(system.upper, np.full(extra, np.inf)) / scale,
        ]
    )
    found = linprog(
        np.append(np.zeros(system.matrix.shape[1]), np.ones(extra)),
        A_ub=hstack([system.upper_matrix, csr_array((system.upper_matrix.shape[0], extra))]),
        b_ub=system.upper_rhs / scale,
        A_eq=hstack([system.matrix, relax]),
        b_eq=system.rhs / scale,
        bounds=bounds,
        method="highs",
    )
    if found.status != 0:
        return _conflicting_bounds(system)
    x = found.x * scale
    lack = x[system.matrix.shape[1] :]
    problems = []
    for position in np.flatnonzero(lack > 1e-7 * scale)[:10]:
        row = int(soft[short[position]] if position < len(short) else soft[over[position - len(short)]])
        problems.append(_lack_in_words(system, row, x, float(lack[position]), position < len(short)))
    return problems or _conflicting_bounds(system)


def _lack_in_words(system: System, row: int, x: np.ndarray, lack: float, short: bool) -> Problem:
    """What a process needs or has, what its rivals bring or take, and what bounds each of them."""
    rows, flows = system.rows, system.flows
    start, end = system.matrix.indptr[row], system.matrix.indptr[row + 1]
    place = str(system.processes["id"].iloc[rows.process[row]])
    mine = [int(c) for c in system.matrix.indices[start:end] if c < len(flows)]
    side = "to_at" if short else "from_at"
    mine = [flow for flow in mine if flows[side].iat[flow] == rows.process[row]]
    good = str(flows["good"].iat[mine[0]]) if mine else ""
    unit = f"{system.goods['unit'].iat[flows['good_at'].iat[mine[0]]]}/a" if mine else ""
    ratio = flows["ratio"].to_numpy()
    moved = sum(float(x[flow] * (ratio[flow] if short else 1.0)) for flow in mine)
    parts = [_bound_in_words(system, flow, x, short) for flow in mine]
    if short:
        message = f"{place} needs {moved + lack:.6g} {unit} of {good}; {moved:.6g} can be supplied: "
        hint = "Raise one of these, draw another supplier (market), or lower what needs it."
    else:
        message = f"{place} has {moved + lack:.6g} {unit} of {good} to give; {moved:.6g} can be taken: "
        hint = "Draw another way out (market, treatment, landfill), or lower what makes it."
    message += f"{', '.join(parts)}."
    return Problem(message, str(rows.file[row]) or str(system.about["file"]), int(rows.line[row]), hint)


def _bound_in_words(system: System, flow: int, x: np.ndarray, short: bool) -> str:
    """One rival with what bounds it: its own limit, the capacity at its other end, or nothing."""
    flows = system.flows
    other = int(flows["from_at" if short else "to_at"].iat[flow])
    name = str(system.processes["id"].iat[other])
    value = f"{name} {x[flow]:.6g}"
    if np.isfinite(system.upper[flow]) and x[flow] >= system.upper[flow] * (1 - 1e-6):
        return f"{value} (limit)"
    rows = system.upper_rows
    space = np.flatnonzero((rows.kind == "space") & (rows.process == other))
    if any(system.upper_matrix[int(row), flow] > 0 for row in space):
        return f"{value} (no more room)"
    activity = np.flatnonzero((system.unknown_kind == "activity") & (system.unknown_at == other))
    if len(activity) and x[activity[0]] >= system.upper[activity[0]] * (1 - 1e-6):
        return f"{value} (capacity)"
    return value


def _conflicting_bounds(system: System) -> list[Problem]:
    message = "given amounts, shares and limits leave no answer, whatever is bought or thrown away."
    return [
        Problem(
            message,
            str(system.about["file"]),
            hint="`flowsim run --study solve` names the facts that conflict.",
        )
    ]
