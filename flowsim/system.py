"""A `System`: everything that a scenario says, as labelled rows of one sparse linear system.

The unknowns are the amounts of the flows (in the unit of their good, per year), of active layers in
flows, the activities of processes with a recipe, and the stock changes of stores. Every row knows its
kind, what it is about, and the file and line that it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.display import Displayed

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from scipy.sparse import csr_array

    from flowsim.scenario import Scenario

ROW_KINDS = {
    "balance": ("balance", "平衡"),
    "recipe": ("recipe line", "单耗"),
    "closing": ("closing line", "平衡项"),
    "given": ("given", "给定"),
    "transfer": ("transfer coefficient", "转移系数"),
    "share": ("share", "占比"),
    "content": ("content", "含量"),
    "lifetime": ("lifetime", "寿命"),
    "level": ("stock level", "存量水平"),
    "space": ("space", "库容"),
    "mining": ("what is there to take", "可取存量"),
    "stock": ("stock", "存量"),
    "limit": ("limit", "上限"),
    "ceiling": ("content ceiling", "含量上限"),
}
"""Kinds of row, with their English and Chinese names."""

BASE_UNITS = {"mass": "t", "water": "m3", "energy": "GJ"}
"""Unit of each base layer; every other layer is a substance, counted in t."""


@dataclass(frozen=True)
class Rows:
    """The labels of the rows of the system, one array entry a row.

    ``process``, ``flow`` and ``good`` are positions in the tables of the system, -1 where none is meant.
    ``value`` is the number that a row states: its right-hand side where it is a given amount, else its
    coefficient; NaN where it states none. ``sd`` is its standard uncertainty (NaN: exact), ``low``, ``high``,
    ``distribution`` and ``quality`` what else was said of it. Rows with the same ``datum`` state one number;
    ``said`` is the id of the flow or fact that does, or ``GOOD.LAYER`` of a content.
    """

    kind: np.ndarray = field(metadata={"of": "text"})
    process: np.ndarray = field(metadata={"of": "int"})
    flow: np.ndarray = field(metadata={"of": "int"})
    good: np.ndarray = field(metadata={"of": "int"})
    layer: np.ndarray = field(metadata={"of": "text"})
    file: np.ndarray = field(metadata={"of": "text"})
    line: np.ndarray = field(metadata={"of": "int"})
    source: np.ndarray = field(metadata={"of": "text"})
    value: np.ndarray = field(metadata={"of": "float"})
    sd: np.ndarray = field(metadata={"of": "float"})
    low: np.ndarray = field(metadata={"of": "float"})
    high: np.ndarray = field(metadata={"of": "float"})
    distribution: np.ndarray = field(metadata={"of": "text"})
    quality: np.ndarray = field(metadata={"of": "text"})
    datum: np.ndarray = field(metadata={"of": "int"})
    said: np.ndarray = field(metadata={"of": "text"})


@dataclass(frozen=True)
class System(Displayed):
    """Labelled sparse rows ``A x = b`` and ``G x <= h`` with bounds on x; plain arrays and tables.

    Attributes
    ----------
    about : name, year, variant, file, digest, differences of the scenario
    processes, goods, flows : tables of labels; outside places stand in ``processes`` too
    prices, factors, targets, sources : reference tables that indicators read
    correlations : pairs of uncertain numbers whose errors go together: one, other, value
    contents : (goods, substances) mass fractions; ``substances`` names the columns
    layers : layers that have unknowns of their own
    unknown_kind, unknown_at, unknown_layer : kind of each unknown (flow, activity, stock_change), position
        of its flow or process, its layer (``base`` for the amount of a flow)
    matrix, rhs, rows : equality rows
    slope : derivative of each equality row by its coefficient, so that a row is ``(A + Δk · slope) x``
    upper_matrix, upper_rhs, upper_rows : inequality rows
    lower, upper : bounds of the unknowns
    scenario : what was said, for studies that ask about other years; None in a system that was loaded
    """

    about: Mapping[str, Any]
    processes: pd.DataFrame
    goods: pd.DataFrame
    flows: pd.DataFrame
    prices: pd.DataFrame
    factors: pd.DataFrame
    targets: pd.DataFrame
    sources: pd.DataFrame
    correlations: pd.DataFrame
    contents: csr_array
    substances: tuple[str, ...]
    layers: tuple[str, ...]
    unknown_kind: np.ndarray
    unknown_at: np.ndarray
    unknown_layer: np.ndarray
    matrix: csr_array
    slope: csr_array
    rhs: np.ndarray
    rows: Rows
    upper_matrix: csr_array
    upper_rhs: np.ndarray
    upper_rows: Rows
    lower: np.ndarray
    upper: np.ndarray
    scenario: Scenario | None = field(default=None, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Equality rows and unknowns."""
        return self.matrix.shape  # type: ignore[return-value]

    @property
    def stores(self) -> np.ndarray:
        """True for each process that keeps a stock, shape (processes,)."""
        keeps = np.zeros(len(self.processes), dtype=bool)
        keeps[self.unknown_at[self.unknown_kind == "stock_change"]] = True
        return keeps

    def group_name(self, kind: str, id: str, lang: str = "en") -> str:
        """Name of a firm, site or chain; its id where the scenario names none."""
        return str(self.about.get("groups", {}).get(kind, {}).get(id, {}).get(lang, id))

    def boundary_name(self, boundary: str, lang: str = "en") -> str:
        """A boundary such as ``firm:ID`` in words: the name of the group or process, with its id."""
        kind, _, id = boundary.partition(":")
        name = self.group_name(kind, id, lang)
        if kind == "process":
            name = str(self.processes.set_index("id")[lang].get(id, id))
        return boundary if name == id or not id else f"{name} ({boundary})"

    def flow_name(self, flow: int, lang: str = "en") -> str:
        """Good, from and to of one flow, in words."""
        return str(self.flow_names(lang, flow))

    def flow_names(self, lang: str = "en", at: Any = slice(None)) -> Any:
        """Good, from and to of every flow in words, shape (flows,); ``at`` picks some, or one."""
        columns = ((self.goods, "good_at"), (self.processes, "from_at"), (self.processes, "to_at"))
        good, source, target = (
            table[lang].to_numpy(dtype=object)[self.flows[place].to_numpy()[at]] for table, place in columns
        )
        return good + " (" + source + " → " + target + ")"

    def flow_mass(self, layer: str) -> np.ndarray:
        """Amount of a base layer or a substance per unit of each flow's good, shape (flows,)."""
        good = self.flows["good_at"].to_numpy()
        if layer in BASE_UNITS:
            return self.goods[layer].to_numpy()[good]
        if layer in self.substances:
            share = self.contents[:, [self.substances.index(layer)]].toarray()[:, 0]
            return (share * self.goods["mass"].to_numpy())[good]
        return np.full(len(good), np.nan)

    def row_text(self, row: int, upper: bool = False, lang: str = "en") -> str:
        """One row as a sentence, for example ``recipe line, nickel_sulfate of precursor: ...``, or in
        Chinese.
        """
        matrix, rhs, rows = (
            (self.upper_matrix, self.upper_rhs, self.upper_rows)
            if upper
            else (self.matrix, self.rhs, self.rows)
        )
        start, end = matrix.indptr[row], matrix.indptr[row + 1]
        plus: list[str] = []
        minus: list[str] = []
        for column, value in zip(matrix.indices[start:end], matrix.data[start:end], strict=True):
            name = self._short(int(column))
            term = name if abs(value) == 1 else f"{abs(value):.6g} × {name}"
            (plus if value > 0 else minus).append(term)
        left, right = plus, minus
        if not plus:
            left, right = minus, plus
        value = float(rhs[row]) if plus else -float(rhs[row])
        tail = [f"{value:.6g}"] if value or not right else []
        relation = "≤" if upper else "="
        where = [
            self.processes["id"].iloc[rows.process[row]] if rows.process[row] >= 0 else "",
            self.goods["id"].iloc[rows.good[row]] if rows.good[row] >= 0 else "",
        ]
        label = " of ".join(part for part in reversed(where) if part)
        if lang == "zh":
            label = " 的 ".join(part for part in where if part)
        layer = f" ({rows.layer[row]})" if rows.layer[row] not in ("", "base") else ""
        head = f"{ROW_KINDS[str(rows.kind[row])][lang == 'zh']}{', ' + label if label else ''}{layer}"
        return f"{head}: {' + '.join(left) or '0'} {relation} {' + '.join(right + tail)}"

    def names(self, columns: Iterable[int]) -> list[str]:
        """Id of each of some unknowns: that of its flow, or its kind and process, with the layer."""
        flows, processes = self.flows["id"].to_numpy(), self.processes["id"].to_numpy()

        def name(column: int) -> str:
            at, kind, layer = self.unknown_at[column], self.unknown_kind[column], self.unknown_layer[column]
            own = str(flows[at]) if kind == "flow" else f"{kind}({processes[at]})"
            return own if layer in ("", "base" if kind == "flow" else "mass") else f"{own}[{layer}]"

        return [name(column) for column in columns]

    def _short(self, column: int) -> str:
        return self.names([column])[0]

    def __repr__(self) -> str:
        variant = f", {self.about['variant']}" if self.about["variant"] else ""
        rows, unknowns = self.size
        return f"<System of {self.about['name']['en']}{variant}: {rows} rows, {unknowns} unknowns>"

    def text(self) -> str:
        """Every row as a sentence, one a line: what a reviewer reads to see what the tool understood."""
        lines = [self.row_text(row) for row in range(self.matrix.shape[0])]
        lines += [self.row_text(row, upper=True) for row in range(self.upper_matrix.shape[0])]
        for column in np.flatnonzero(np.isfinite(self.upper)):
            lines.append(f"limit: {self._short(int(column))} ≤ {self.upper[column]:.6g}")
        return "\n".join(lines)

    def graph(self, amounts: np.ndarray | None = None) -> nx.MultiDiGraph:
        """The flow graph for structure, paths, cycles and drawing; numbers live in arrays and tables.

        Nodes carry ``en, zh, kind, firm, site, chain``; edges are keyed by flow id and carry
        ``good, en, zh, unit, how`` and, when ``amounts`` (shape (flows,)) is given, ``amount``.
        """
        import networkx as nx

        graph = nx.MultiDiGraph()
        names = ("en", "zh", "kind", "firm", "site", "chain")
        used = set(self.flows["from_at"]) | set(self.flows["to_at"])
        for at, row in enumerate(self.processes.itertuples(index=False)):
            if at in used or row.kind != "outside":
                graph.add_node(row.id, **{name: getattr(row, name) for name in names})
        ids, goods = self.processes["id"].to_numpy(), self.goods
        for at, row in enumerate(self.flows.to_dict("records")):
            good = goods.iloc[row["good_at"]]
            extra = {} if amounts is None else {"amount": float(amounts[at])}
            graph.add_edge(
                ids[row["from_at"]],
                ids[row["to_at"]],
                key=row["id"],
                good=row["good"],
                en=good["en"],
                zh=good["zh"],
                unit=good["unit"] + "/a",
                how=row["how"],
                **extra,
            )
        return graph
