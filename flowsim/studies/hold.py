"""What an optimisation must leave as the balanced base has it, so that it cannot cheat.

Facts, given activities and drawn amounts are rows of the system and hold anyway. What the merit order
decides would be free: a plant could be idled to save its waste, and its product be bought instead. So:

1. users inside keep their suppliers inside: nobody buys more from outside of what is also made inside, save
   what the need grows by where something was bought before;
2. plants inside that use a waste keep it; what is treated or disposed of may be taken by a new link;
3. nobody sends more on a worse way out (treatment, landfill) while a better one has room, save what more is
   made where something went there before;
4. no plant without a stated activity sells more of its main product, no plant that lives on waste buys
   more waste, no network gives away more.

The base itself always keeps these, so an optimum under them is never worse than the base. A new link moves
what was bought, sold, treated or thrown away, or what is made for it.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array, vstack

from flowsim.network import LEVELS
from flowsim.studies.dispatch import best_level, feeds
from flowsim.system import System

RUNS = 1e-9
"""A flow below this share of the largest counts as nothing."""


def hold(system: System, base: np.ndarray, new: np.ndarray) -> tuple[csr_array, np.ndarray, np.ndarray]:
    """Rows ``G x <= h`` and upper bounds that keep the base's order of things.

    Parameters
    ----------
    base : shape (unknowns,), an answer of the same rows with all new links at 0
    new : shape (flows,), the links that may be opened

    Returns
    -------
    G of shape (rows, unknowns), h of shape (rows,), upper bounds of shape (unknowns,)
    """
    sides = _Sides(system, base, new)
    parts = [sides.bought(), sides.thrown(), sides.fed()]
    upper = system.upper.copy()
    capped = sides.capped()
    upper[capped] = np.minimum(upper[capped], base[capped])
    rows = csr_array(vstack([rows for rows, _ in parts]))
    size = abs(rows) @ np.abs(base)
    # what the base reaches is allowed to the last digit
    slack = 1e-9 * np.maximum(size, 1.0)
    return rows, np.maximum(np.concatenate([limit for _, limit in parts]), rows @ base) + slack, upper


class _Sides:
    """The flows of a system at their two ends, with the rows that tie them to activities."""

    def __init__(self, system: System, base: np.ndarray, new: np.ndarray):
        self.system, self.base, self.new = system, base, new
        flows, processes = system.flows, system.processes
        self.count, self.unknowns = len(flows), len(base)
        self.source, self.target = flows["from_at"].to_numpy(), flows["to_at"].to_numpy()
        self.outside = processes["outside"].to_numpy()
        self.pool = (processes["kind"] == "pool").to_numpy()
        self.level, self.ratio = flows["level"].to_numpy(), flows["ratio"].to_numpy()
        self.runs = base[: self.count] > RUNS * max(1.0, float(np.abs(base).max(initial=0.0)))
        self.activity = np.full(len(processes), -1)
        acts = np.flatnonzero(system.unknown_kind == "activity")
        self.activity[system.unknown_at[acts]] = acts
        mass = system.goods["mass"].to_numpy()[flows["good_at"].to_numpy()]
        self.weight = np.where(mass > 0, mass, 1.0)
        self.in_node, self.out_node = (_codes(flows[name].to_numpy()) for name in ("in_node", "out_node"))
        self.nodes = int(max(self.in_node.max(initial=0), self.out_node.max(initial=0))) + 1
        self.inner = ~self.outside[self.source] & ~self.outside[self.target]
        self.fed_by = feeds(system)

    def bought(self) -> tuple[csr_array, np.ndarray]:
        """Purchases beside suppliers inside: at most as before, or as the need grows."""
        kept = self.inner & self.runs & ~self.new
        beside = np.bincount(self.in_node, kept, minlength=self.nodes) > 0
        chosen = np.flatnonzero(self.outside[self.source] & ~self.outside[self.target] & beside[self.in_node])
        grown = self._throughput(chosen, self.target)
        grown = csr_array(diags_array(1.0 * self.runs[chosen]) @ grown)
        return csr_array(self._one(chosen) - grown), self.base[chosen] - grown @ self.base

    def thrown(self) -> tuple[csr_array, np.ndarray]:
        """Worse ways out where a better one has room: at most as before, or as more is made."""
        out = ~self.outside[self.source] & self.outside[self.target] & ~self.pool[self.source]
        better = out | (self.inner & self.fed_by & self.runs)
        worse = out & (self.level > best_level(self.level, self.out_node, better))
        room = np.bincount(self.out_node, better & ~self._full() & ~worse, minlength=self.nodes) > 0
        chosen = np.flatnonzero(worse & room[self.out_node])
        made = self._throughput(chosen, self.source)
        made = csr_array(diags_array(1.0 * self.runs[chosen]) @ made)
        return csr_array(self._one(chosen) - made), self.base[chosen] - made @ self.base

    def fed(self) -> tuple[csr_array, np.ndarray]:
        """Waste that plants inside use: at least as before, or its share where less (or more) is made."""
        kinds = self.system.processes["kind"].isin(["treat", "dispose", "collect"]).to_numpy()
        chosen = np.flatnonzero(self.inner & self.runs & ~self.new & self.fed_by)
        made = self._throughput(chosen, self.source)
        share = np.divide(
            self.base[chosen], made @ self.base, out=np.zeros(len(chosen)), where=made @ self.base > 0
        )
        share = np.where(self._full()[chosen], 0.0, share)
        kept = csr_array(diags_array(share) @ made) - self._one(chosen)
        links = _incidence(self.out_node, np.flatnonzero(self.new), self.count, self.nodes)
        loses = diags_array(1.0 * kinds[self.target[chosen]]) @ links[self.out_node[chosen]]
        loses = csr_array(loses)
        loses.resize((len(chosen), self.unknowns))
        return csr_array(kept - loses), np.where(share > 0, 0.0, -self.base[chosen])

    def _full(self) -> np.ndarray:
        """Flows that carry all that they or the plant that they enter can take."""
        upper = self.system.upper
        busy = np.append(self.base >= upper * (1 - RUNS), False)
        return busy[: self.count] | busy[self.activity[self.target]]

    def capped(self) -> np.ndarray:
        """Flows over the boundary that may not grow at all."""
        good = self.system.processes["good"].to_numpy(dtype=object)
        fed = self.system.processes["fed"].to_numpy(dtype=bool)
        main = self.system.flows["good"].to_numpy(dtype=object) == good[self.source]
        stated = np.zeros(len(good), dtype=bool)
        rows = self.system.rows
        stated[rows.process[(rows.kind == "given") & (rows.process >= 0)]] = True
        sold = main & ~fed[self.source] & (self.activity[self.source] >= 0) & ~stated[self.source]
        away = (sold | (self.level == LEVELS["surplus"])) & self.outside[self.target]
        imported = self.fed_by & self.outside[self.source] & ~stated[self.target]
        return np.flatnonzero((away | imported) & ~self.new)

    def _throughput(self, chosen: np.ndarray, place: np.ndarray) -> csr_array:
        """What the place of each chosen flow needs (or makes) of it in all, as weights on the unknowns."""
        line, entry = self._line(chosen, place)
        recipe = np.flatnonzero(line >= 0)
        plain = np.flatnonzero(self.activity[place[chosen]] < 0)
        other = self.target if place is self.source else self.source
        through = _incidence(other, np.flatnonzero(self.inner), self.count, len(self.outside))
        through = through[place[chosen[plain]]].tocoo()
        weight = self.weight[through.col] / self.weight[chosen[plain[through.row]]]
        row = np.concatenate([recipe, plain[through.row]])
        column = np.concatenate([self.activity[place[chosen[recipe]]], through.col])
        value = np.concatenate([entry[recipe], weight])
        return csr_array((value, (row, column)), shape=(len(chosen), self.unknowns))

    def _line(self, chosen: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Recipe row of each chosen flow at its place (-1: none), and the amount per unit of activity."""
        rows = self.system.rows
        recipe = np.flatnonzero(rows.kind == "recipe")
        entries = self.system.matrix[recipe].tocoo()
        per_run = np.zeros(len(recipe))
        is_activity = self.system.unknown_kind[entries.col] == "activity"
        per_run[entries.row[is_activity]] = -entries.data[is_activity]
        own = entries.col < self.count
        line, flow = entries.row[own], entries.col[own]
        here = rows.process[recipe[line]] == place[flow]
        found = np.full(self.count, -1)
        found[flow[here]] = line[here]
        line = found[chosen]
        ratio = self.ratio if place is self.target else np.ones(self.count)
        return line, np.where(line >= 0, per_run[line] / ratio[chosen], 0.0)

    def _one(self, chosen: np.ndarray) -> csr_array:
        at = np.arange(len(chosen))
        return csr_array((np.ones(len(chosen)), (at, chosen)), shape=(len(chosen), self.unknowns))


def _codes(node: np.ndarray) -> np.ndarray:
    return np.unique(node, return_inverse=True)[1]


def _incidence(node: np.ndarray, members: np.ndarray, count: int, nodes: int) -> csr_array:
    """Which of the member flows stand at which node, shape (nodes, flows)."""
    return csr_array((np.ones(len(members)), (node[members], members)), shape=(nodes, count))
