"""`assemble`: a scenario becomes a `System`, one small function for each kind of row.

All work is done on arrays: recipes are expanded into *ports* (one good on one side of one process),
flows are attached to ports, what no flow covers gets an implied flow, and rows are emitted kind by kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.checks import MASS, pool_id, subjects
from flowsim.errors import InputError, Problem
from flowsim.schema import GOOD_KINDS, OUTSIDE
from flowsim.series import in_year
from flowsim.stocks import GOOD, Leaving, first_step
from flowsim.system import BASE_UNITS, Rows, System
from flowsim.tables import nearest
from flowsim.uncertainty import FORMS, NOT_STATED, stated

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.scenario import Scenario

LEVELS = {
    "chain": 1,
    "link": 2,
    "pool": 3,
    "sale": 4,
    "purchase": 5,
    "treatment": 6,
    "disposal": 7,
    "surplus": 8,
}
"""Merit order of flows that state no ``prefer``: the own chain, symbiosis, the site's network, the market,
treatment, disposal. Surplus is what a pool gives away because its users leave it."""


@dataclass
class _Ports:
    """Recipe lines of the processes of a scenario: one good on one side of one process.

    ``coefficient`` is the amount per unit of activity. ``key`` is unique and ascending.
    """

    process: np.ndarray
    good: np.ndarray
    incoming: np.ndarray
    coefficient: np.ndarray
    closing: np.ndarray
    reference: np.ndarray
    file: np.ndarray
    line: np.ndarray
    source: np.ndarray
    recipe_line: np.ndarray
    key: np.ndarray

    def find(self, process: np.ndarray, good: np.ndarray, incoming: bool, goods: int) -> np.ndarray:
        """Position of each port, -1 where there is none."""
        wanted = _port_key(process, good, np.full(len(process), incoming), goods)
        if not len(self.key):
            return np.full(len(wanted), -1)
        at = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        return np.where(self.key[at] == wanted, at, -1)


def _port_key(process: np.ndarray, good: np.ndarray, incoming: np.ndarray, goods: int) -> np.ndarray:
    return (process.astype(np.int64) * goods + good) * 2 + incoming


TYPES = {"int": np.int64, "float": np.float64, "text": object}
LABELS = {label.name: TYPES[label.metadata["of"]] for label in fields(Rows)}
"""Labels of a row → the type of their arrays."""


class _Builder:
    """Collects the entries and labels of rows as arrays."""

    def __init__(self) -> None:
        self.count = 0
        self.parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.labels: list[dict[str, np.ndarray]] = []
        self.rhs: list[np.ndarray] = []
        self.slopes: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.data = 0

    def number(self, count: int) -> np.ndarray:
        """Labels for ``count`` stated numbers, so that rows of one number can be told."""
        self.data += count
        return np.arange(self.data - count, self.data)

    def add(
        self,
        kind: str,
        count: int,
        row: Any,
        column: Any,
        entry: Any,
        rhs: Any = 0.0,
        slope: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
        **labels: Any,
    ) -> None:
        """Add ``count`` rows of one kind; ``row`` counts from 0 within them.

        ``slope`` holds the row, column and value of the entries that the coefficient of a row multiplies.
        """
        if count == 0:
            return
        self.parts.append((np.asarray(row) + self.count, np.asarray(column), np.asarray(entry, dtype=float)))
        if slope is not None:
            self.slopes.append((slope[0] + self.count, slope[1], slope[2]))
        self.rhs.append(np.broadcast_to(np.asarray(rhs, dtype=float), count))
        blank = {"kind": kind, "process": -1, "flow": -1, "good": -1, "datum": -1}
        blank.update(layer="", file="", line=0, source="")
        made = {}
        for key, label in {**blank, **NOT_STATED, **labels}.items():
            made[key] = np.broadcast_to(np.asarray(label, dtype=LABELS[key]), count)
        self.labels.append(made)
        self.count += count

    def matrix(self, columns: int) -> tuple[Any, np.ndarray, Rows]:
        """The rows as a CSR matrix, their right-hand sides and labels."""
        from scipy.sparse import csr_array

        empty = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
        row, column, value = (np.concatenate(part) for part in zip(*self.parts, empty, strict=True))
        matrix = csr_array((value, (row, column)), shape=(self.count, columns))
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        labels = {
            name: np.concatenate([part[name] for part in self.labels] or [np.empty(0, dtype=dtype)])
            for name, dtype in LABELS.items()
        }
        return matrix, np.concatenate([*self.rhs, np.empty(0)]), Rows(**labels)

    def slope(self, columns: int) -> Any:
        """Derivative of the matrix by the coefficient of each row, as a CSR matrix."""
        from scipy.sparse import csr_array

        empty = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
        row, column, value = (np.concatenate(part) for part in zip(*self.slopes, empty, strict=True))
        return csr_array((value, (row, column)), shape=(self.count, columns))


def assemble(scenario: Scenario, leaving: Mapping[str, Leaving] | None = None) -> System:
    """Turn a scenario into labelled sparse rows.

    Parameters
    ----------
    leaving : what leaves each stock of the scenario in its year; without it the year is the first, and the
        numbers that change over the years are those of this year

    Raises
    ------
    InputError : a flow that its ends cannot make or take, a substitution that cannot close, or a stock that
        nothing enters or leaves
    """
    if leaving is None:
        scenario = in_year(scenario, scenario.year)
        leaving = first_step(scenario)
    work = _Work(scenario)
    work.place_drawn_flows()
    work.place_pool_flows()
    work.place_implied_flows()
    work.finish_flows()
    equal, limits = _Builder(), _Builder()
    columns = _columns(work)
    _recipe_rows(work, columns, equal)
    _balance_rows(work, columns, equal)
    _layer_rows(work, columns, equal, leaving)
    _given_rows(work, columns, equal)
    _transfer_rows(work, columns, equal)
    _share_rows(work, columns, equal)
    _limit_rows(work, columns, limits)
    _stock_rows(work, columns, equal, limits, leaving)
    return _system(work, columns, equal, limits)


class _Work:
    """The scenario as index arrays while it is being assembled."""

    def __init__(self, scenario: Scenario):
        import pandas as pd

        self.scenario = scenario
        self.tables = scenario.tables
        self.processes = _process_table(scenario)
        self.process_at = pd.Index(self.processes["id"])
        self.goods = _good_table(scenario, self.processes)
        self.good_at = pd.Index(self.goods["id"])
        self.ports = _expand_recipes(self)
        self.outside = self.processes["outside"].to_numpy()
        self.pool = (self.processes["kind"] == "pool").to_numpy()
        self.has_recipe = np.isin(np.arange(len(self.processes)), self.ports.process)
        self.parts: list[dict[str, np.ndarray]] = []
        self.transfers = _transfers(self)

        reference = self.ports.reference
        runs = self.ports.process[reference]
        goods = self.good_at.to_numpy()
        named = self.processes["good"].to_numpy(dtype=object)
        named[runs] = goods[self.ports.good[reference]]
        fed = np.zeros(len(self.processes), dtype=bool)
        fed[runs] = self.ports.incoming[reference]
        self.processes["good"], self.processes["fed"] = named, fed

    @cached_property
    def subjects(self) -> dict[str, list[str]]:
        """What a fact may call a flow → the ids meant."""
        return subjects(self.tables)

    @cached_property
    def flow_at(self) -> pd.Index:
        """Ids of the flows; asked for when all flows are placed."""
        import pandas as pd

        return pd.Index(self.flow["id"])

    def place(self, name: str) -> int:
        return int(self.process_at.get_loc(name))

    def problem(self, frame: pd.DataFrame, row: int, message: str, hint: str = "") -> Problem:
        return Problem(message, str(frame["file"].iloc[row]), int(frame["line"].iloc[row]), hint)

    def place_drawn_flows(self) -> None:
        """Flows and open links, attached to the ports of their ends."""
        for name in ("flows", "links"):
            frame = self.tables[name]
            if name == "links":
                frame = frame[frame["open"].to_numpy()].reset_index(drop=True)
            if frame.empty:
                continue
            part = {
                "id": frame["id"].to_numpy(),
                "en": frame["en"].to_numpy(),
                "zh": frame["zh"].to_numpy(),
                "good_at": self.good_at.get_indexer(frame["good"]),
                "from_at": self.process_at.get_indexer(frame["from"]),
                "to_at": self.process_at.get_indexer(frame["to"]),
                "how": _filled(len(frame), "link" if name == "links" else "drawn"),
                "limit_of": frame["limit_of"].to_numpy(),
                "given": frame["amount"].to_numpy() if name == "flows" else np.full(len(frame), np.nan),
            }
            for column in ("prefer", "limit", "minimum", "file", "line", "source"):
                part[column] = frame[column].to_numpy()
            self._attach(frame, part)
            self.parts.append(part)

    def _attach(self, frame: pd.DataFrame, part: dict[str, np.ndarray]) -> None:
        """The port that each end of a drawn flow belongs to, with the ratio of a substitute."""
        goods = len(self.good_at)
        out_port = self.ports.find(part["from_at"], part["good_at"], False, goods)
        in_port = self.ports.find(part["to_at"], part["good_at"], True, goods)
        ratio, share = np.ones(len(frame)), np.full(len(frame), np.nan)
        problems = []
        for row in np.flatnonzero((out_port < 0) & self.has_recipe[part["from_at"]]):
            problems.append(self._no_port(frame, int(row), part, "from"))
        for row in np.flatnonzero((in_port < 0) & self.has_recipe[part["to_at"]]):
            found = self._substitute(part["good_at"][row], part["to_at"][row])
            if found is None:
                problems.append(self._no_port(frame, int(row), part, "to"))
            else:
                in_port[row], ratio[row], share[row] = found
        if problems:
            raise InputError(problems)
        part.update(out_port=out_port, in_port=in_port, ratio=ratio, max_share=share)

    def _substitute(self, good: int, process: int) -> tuple[int, float, float] | None:
        """Port of the recipe input that a good may fill, its ratio and largest share."""
        table = self.tables["substitutes"]
        name, recipe = self.good_at[good], self.processes["recipe"].iloc[process]
        fits = table[(table["good"] == name) & ((table["recipe"] == recipe) | (table["recipe"] == ""))]
        fits = fits.sort_values("recipe", ascending=False, kind="stable")
        for row in fits.to_dict("records"):
            replaces = self.good_at.get_indexer([row["replaces"]])
            port = self.ports.find(np.array([process]), replaces, True, len(self.good_at))[0]
            if replaces[0] >= 0 and port >= 0:
                return int(port), float(row["ratio"]), float(row["max_share"])
        return None

    def _no_port(self, frame: pd.DataFrame, row: int, part: dict[str, np.ndarray], end: str) -> Problem:
        process = int(part[f"{end}_at"][row])
        mine = (self.ports.process == process) & (self.ports.incoming == (end == "to"))
        known = [self.good_at[good] for good in self.ports.good[mine]]
        good = frame["good"].iloc[row]
        verb = "puts out" if end == "from" else "takes"
        extra = "" if end == "from" else ", and no substitute says what it may replace there"
        message = f"flow `{frame['id'].iloc[row]}`: {self.process_at[process]} {verb} no `{good}`{extra}."
        return self.problem(frame, row, message, nearest(good, known) or f"It {verb} {', '.join(known)}.")

    def place_pool_flows(self) -> None:
        """A flow between each pool and every port of its site and good that no drawn flow covers."""
        ports, goods = self.ports, len(self.good_at)
        if not self.pool.any() or not len(ports.key):
            return
        pools = np.flatnonzero(self.pool)
        site_codes = {site: code for code, site in enumerate(dict.fromkeys(self.processes["site"]))}
        code = np.array([site_codes[site] for site in self.processes["site"]])
        pool_good = self.good_at.get_indexer(self.processes["good"].iloc[pools])
        by_key = dict(zip((code[pools] * goods + pool_good).tolist(), pools.tolist(), strict=True))
        keys = code[ports.process] * goods + ports.good
        pool = np.array([by_key.get(key, -1) for key in keys.tolist()])
        wanted = np.flatnonzero((pool >= 0) & ~self._covered())
        into = ports.incoming[wanted]
        self._add_plain(
            good=ports.good[wanted],
            source=np.where(into, pool[wanted], ports.process[wanted]),
            target=np.where(into, ports.process[wanted], pool[wanted]),
            in_port=np.where(into, wanted, -1),
            out_port=np.where(into, -1, wanted),
            how="pool",
        )

    def _covered(self) -> np.ndarray:
        """Ports that a drawn flow without a limit, or a pool, brings or takes whole."""
        covered = np.zeros(len(self.ports.key), dtype=bool)
        for part in self.parts:
            whole = np.isnan(part["limit"]) & (part["how"] != "link") & ~(part["max_share"] < 1)
            for end in ("in_port", "out_port"):
                covered[part[end][whole & (part[end] >= 0)]] = True
        return covered

    def _add_plain(
        self,
        good: np.ndarray,
        source: np.ndarray,
        target: np.ndarray,
        in_port: np.ndarray,
        out_port: np.ndarray,
        how: str,
    ) -> None:
        count = len(good)
        if not count:
            return
        nothing = np.full(count, np.nan)
        blank = _filled(count, "")
        names = self.process_at.to_numpy()
        ids = self.good_at.to_numpy()[good] + "__" + names[source] + "__" + names[target]
        self.parts.append(
            dict(
                id=ids, en=blank, zh=blank, good_at=good, from_at=source, to_at=target,
                how=_filled(count, how),
                limit_of=blank, given=nothing, prefer=nothing, limit=nothing, minimum=nothing, file=blank,
                line=np.zeros(count, dtype=np.int64), source=blank, out_port=out_port, in_port=in_port,
                ratio=np.ones(count), max_share=nothing,
            )
        )  # fmt: skip

    def place_implied_flows(self) -> None:
        """What is not drawn closes by rule: from the good's origin, to its fate."""
        ports = self.ports
        origin = self.process_at.get_indexer(self.goods["origin"])
        fate = self.process_at.get_indexer(self.goods["fate"])
        closed = self._covered() | self._driven() | self._drawn_as_implied(origin, fate)
        open_ports = np.flatnonzero(~closed)
        into = ports.incoming[open_ports]
        good = ports.good[open_ports]
        self._add_plain(
            good=good,
            source=np.where(into, origin[good], ports.process[open_ports]),
            target=np.where(into, ports.process[open_ports], fate[good]),
            in_port=np.where(into, open_ports, -1),
            out_port=np.where(into, -1, open_ports),
            how="implied",
        )
        self._close_pools(origin, fate)

    def _drawn_as_implied(self, origin: np.ndarray, fate: np.ndarray) -> np.ndarray:
        """Ports whose good is drawn from its origin or to its fate already, with a limit of its own."""
        drawn = np.zeros(len(self.ports.key), dtype=bool)
        for part in self.parts:
            for end, other, place in (("in_port", "from_at", origin), ("out_port", "to_at", fate)):
                same = (
                    (part[end] >= 0) & (part[other] == place[part["good_at"]]) & np.isnan(part["max_share"])
                )
                drawn[part[end][same]] = True
        return drawn

    def _driven(self) -> np.ndarray:
        """Reference lines of plants that run on what is drawn alone: closed links leave such a plant idle."""
        ports = self.ports
        drawn = np.zeros(len(ports.key), dtype=bool)
        for name in ("flows", "links"):
            frame = self.tables[name]
            if frame.empty:
                continue
            good = self.good_at.get_indexer(frame["good"])
            for end, incoming in (("from", False), ("to", True)):
                process = self.process_at.get_indexer(frame[end])
                port = ports.find(process, good, incoming, len(self.good_at))
                for row in np.flatnonzero((port < 0) & incoming & self.has_recipe[process]):
                    found = self._substitute(int(good[row]), int(process[row]))
                    port[row] = found[0] if found else -1
                drawn[port[port >= 0]] = True
        stated = set(self.tables["facts"]["given"])
        table = self.processes
        free = table["activity"].isna() & table["load"].isna() & ~table["id"].isin(stated)
        return drawn & ports.reference & free.to_numpy()[ports.process]

    def _close_pools(self, origin: np.ndarray, fate: np.ndarray) -> None:
        """A pool buys what its producers lack and gives away what its users leave."""
        pools = np.flatnonzero(self.pool)
        if not len(pools):
            return
        good = self.good_at.get_indexer(self.processes["good"].iloc[pools])
        gives = np.isin(pools, np.concatenate([part["from_at"] for part in self.parts]))
        takes = np.isin(pools, np.concatenate([part["to_at"] for part in self.parts]))
        for some, source, target in (
            (gives, origin[good], pools),
            (takes, pools, fate[good]),
        ):
            none = np.full(int(some.sum()), -1)
            self._add_plain(good[some], source[some], target[some], none, none, "implied")

    def finish_flows(self) -> None:
        """One table of flows, each with its place in the merit order and whether it has rivals."""
        names = list(self.parts[0]) if self.parts else []
        self.flow = {name: np.concatenate([part[name] for part in self.parts]) for name in names}
        if not names:
            raise InputError(
                Problem("the scenario has no flows.", self.scenario.file, 1, "Draw one under `flows:`.")
            )
        flow = self.flow
        level = np.full(len(flow["id"]), LEVELS["chain"], dtype=float)
        level[flow["how"] == "link"] = LEVELS["link"]
        level[flow["how"] == "pool"] = LEVELS["pool"]
        places = {name: self.place(name) for name in OUTSIDE}
        level[flow["to_at"] == places["market"]] = LEVELS["sale"]
        level[np.isin(flow["from_at"], [places["market"], places["nature"]])] = LEVELS["purchase"]
        level[flow["to_at"] == places["treatment"]] = LEVELS["treatment"]
        level[np.isin(flow["to_at"], [places["landfill"], places["air"], places["water"]])] = LEVELS[
            "disposal"
        ]
        level[self.pool[flow["from_at"]] & self.outside[flow["to_at"]]] = LEVELS["surplus"]
        flow["level"] = np.where(np.isnan(flow["prefer"]), level, flow["prefer"])
        flow["in_node"] = np.where(flow["in_port"] >= 0, flow["in_port"], -2 - flow["to_at"])
        flow["out_node"] = np.where(flow["out_port"] >= 0, flow["out_port"], -2 - flow["from_at"])
        free_in, free_out = ~self.outside[flow["to_at"]], ~self.outside[flow["from_at"]]
        flow["contested"] = (_shared(flow["in_node"]) & free_in) | (_shared(flow["out_node"]) & free_out)


def _shared(node: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(node, return_inverse=True, return_counts=True)
    return counts[inverse] > 1


def _filled(count: int, value: str) -> np.ndarray:
    return np.full(count, value, dtype=object)


def _process_table(scenario: Scenario) -> pd.DataFrame:
    """Processes, then pools, then the places outside; what is not said comes from the recipe."""
    import pandas as pd

    frame = scenario.tables["processes"]
    recipes = scenario.tables["recipes"]
    heads = recipes[recipes["role"] == "reference"]
    head = pd.Index(heads["recipe"]).get_indexer(frame["recipe"])
    table = {
        name: frame[name].to_numpy().copy()
        for name in ("id", "recipe", "firm", "site", "plan", "file", "line", "source")
    }
    for name in ("activity", "capacity", "load"):
        table[name] = frame[name].to_numpy()
    for name in ("en", "zh", "kind", "chain"):
        of_recipe = np.append(heads[name].to_numpy(dtype=object), "")[head]
        default = frame["id"].to_numpy() if name in ("en", "zh") else "transform" if name == "kind" else ""
        said = frame[name].to_numpy()
        table[name] = np.where(said != "", said, np.where(of_recipe != "", of_recipe, default))
    made = pd.DataFrame(table)
    made["mixed"] = frame["mixed"].to_numpy(dtype=bool)
    made["good"] = ""
    made["outside"] = False
    extra = [_pool_row(scenario, row) for row in scenario.tables["pools"].to_dict("records")]
    extra += [
        {"id": name, "en": en, "zh": zh, "kind": "outside", "outside": True}
        for name, (en, zh) in OUTSIDE.items()
    ]
    blank: dict[str, Any] = {name: "" for name in made.columns}
    blank.update(activity=np.nan, capacity=np.nan, load=np.nan, mixed=False, outside=False, line=0)
    added = pd.DataFrame([{**blank, **row} for row in extra], columns=made.columns)
    return pd.concat([made, added], ignore_index=True)


def _pool_row(scenario: Scenario, row: dict[str, Any]) -> dict[str, Any]:
    goods = scenario.tables["goods"]
    good = goods[goods["id"] == row["good"]].iloc[0]
    return {
        "id": pool_id(row["site"], row["good"]),
        "en": f"{good['en']} network, {row['site']}",
        "zh": f"{good['zh']}管网（{row['site']}）",
        "kind": "pool",
        "site": row["site"],
        "good": row["good"],
        "file": row["file"],
        "line": row["line"],
    }


def _good_table(scenario: Scenario, processes: pd.DataFrame) -> pd.DataFrame:
    """The goods that the scenario uses, with their amount in each base layer per unit."""
    tables = scenario.tables
    recipes = tables["recipes"]
    used = set(recipes["good"][recipes["recipe"].isin(processes["recipe"].unique())])
    for name in ("flows", "links", "pools"):
        used |= set(tables[name]["good"].unique())
    goods = tables["goods"]
    goods = goods[goods["id"].isin(used)].reset_index(drop=True)
    kinds = goods["kind"].to_numpy()
    made = goods[
        ["id", "en", "zh", "kind", "class", "origin", "fate", "lhv", "basis", "file", "line", "source"]
    ].copy()
    made["unit"] = [GOOD_KINDS[kind] for kind in kinds]
    made["mass"] = np.array([MASS[kind] for kind in kinds], dtype=float)
    made["water"] = (kinds == "water").astype(float)
    made["energy"] = np.where(kinds == "energy", 1.0, np.nan_to_num(goods["lhv"].to_numpy()))
    return made


def _expand_recipes(work: _Work) -> _Ports:
    """Every line of every process's recipe, with its coefficient per unit of activity."""
    recipes = work.tables["recipes"]
    import pandas as pd

    codes, labels = pd.factorize(recipes["recipe"])
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(labels)))
    ends = np.searchsorted(codes[order], np.arange(len(labels)), side="right")
    recipe = (
        pd.Index(labels).get_indexer(work.processes["recipe"])
        if len(labels)
        else np.full(len(work.processes), -1)
    )
    runs = np.flatnonzero(recipe >= 0)
    process, row = _ranges(runs, starts[recipe[runs]], ends[recipe[runs]])
    row = order[row]
    amounts = recipes["amount"].to_numpy()
    is_reference = (recipes["role"] == "reference").to_numpy()
    reference = np.zeros(len(labels))
    reference[codes[is_reference]] = amounts[is_reference]
    incoming = (recipes["direction"] == "in").to_numpy()[row]
    good = work.good_at.get_indexer(recipes["good"].to_numpy()[row])
    key = _port_key(process, good, incoming, len(work.good_at))
    sort = np.argsort(key, kind="stable")
    row, process = row[sort], process[sort]
    return _Ports(
        process=process,
        good=good[sort],
        incoming=incoming[sort],
        coefficient=amounts[row] / reference[codes[row]] if len(row) else np.empty(0),
        closing=(recipes["role"] == "closing").to_numpy()[row],
        reference=is_reference[row],
        file=recipes["file"].to_numpy()[row],
        line=recipes["line"].to_numpy()[row],
        source=recipes["source"].to_numpy()[row],
        recipe_line=row,
        key=key[sort],
    )


@dataclass
class _Transfers:
    """The transfer coefficients; ``layer`` counts along ``layers``, -1 where all layers are meant."""

    facts: pd.DataFrame
    at: np.ndarray
    good: np.ndarray
    layer: np.ndarray
    layers: list[str]
    numbers: dict[str, Any]

    def state(self, layer: str) -> np.ndarray:
        """Which of them speak of a layer; ``all`` means mass and every declared substance."""
        own = self.layer == self.layers.index(layer)
        return own if layer in ("water", "energy") else own | (self.layer < 0)


def _transfers(work: _Work) -> _Transfers:
    import pandas as pd

    facts = work.tables["facts"]
    names = ["transfer", "origin", "at", "layer", "value", *FORMS, "quality", "file", "line", "source"]
    facts = facts.loc[facts["transfer"].to_numpy() != "", names]
    layers = [*BASE_UNITS, *work.tables["layers"]["id"]]
    return _Transfers(
        facts=facts,
        at=work.process_at.get_indexer(facts["at"]),
        good=work.good_at.get_indexer(facts["transfer"]),
        layer=pd.Index(layers).get_indexer(facts["layer"]),
        layers=layers,
        numbers=stated(facts, facts["value"].to_numpy()),
    )


def _ranges(label: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each label repeated over the integers of its range ``start..end-1``."""
    length = end - start
    repeated = np.repeat(label, length)
    offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    return repeated, np.repeat(start, length) + offset


@dataclass
class _Columns:
    """Where each unknown stands: flows first, then activities, stock changes, active substances."""

    flows: int
    activity: np.ndarray
    stock: dict[tuple[int, str], int]
    substance: dict[str, int]
    kind: np.ndarray
    at: np.ndarray
    layer: np.ndarray

    def term(self, work: _Work, flow: np.ndarray, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Column and coefficient of a layer in flows."""
        if layer in self.substance:
            return self.substance[layer] + flow, np.ones(len(flow))
        if layer == "base":
            return flow, np.ones(len(flow))
        return flow, work.goods[layer].to_numpy()[work.flow["good_at"][flow]]


def _columns(work: _Work) -> _Columns:
    flows = len(work.flow["id"])
    runs = np.flatnonzero(work.has_recipe)
    activity = np.full(len(work.processes), -1)
    activity[runs] = flows + np.arange(len(runs))
    kind = [_filled(flows, "flow"), _filled(len(runs), "activity")]
    at = [np.arange(flows), runs]
    layer = [_filled(flows, "base"), _filled(len(runs), "")]
    count = flows + len(runs)
    substances = list(work.tables["layers"]["id"])
    stock: dict[tuple[int, str], int] = {}
    used = np.isin(np.arange(len(work.processes)), np.concatenate([work.flow["from_at"], work.flow["to_at"]]))
    stores = np.flatnonzero((work.processes["kind"] == "store").to_numpy() & ~work.has_recipe & used)
    for name in ("mass", *substances):
        stock.update({(int(store), name): count + position for position, store in enumerate(stores)})
        kind.append(_filled(len(stores), "stock_change"))
        at.append(stores)
        layer.append(_filled(len(stores), name))
        count += len(stores)
    starts = {}
    for name in substances:
        starts[name] = count
        kind.append(_filled(flows, "flow"))
        at.append(np.arange(flows))
        layer.append(_filled(flows, name))
        count += flows
    return _Columns(
        flows, activity, stock, starts, np.concatenate(kind), np.concatenate(at), np.concatenate(layer)
    )


def _recipe_rows(work: _Work, columns: _Columns, rows: _Builder) -> None:
    """Σ flows of a line − coefficient × activity = 0; the closing line is the mass balance of the process."""
    ports, flow = work.ports, work.flow
    plain = np.flatnonzero(~ports.closing)
    at = np.full(len(ports.key), -1)
    at[plain] = np.arange(len(plain))
    parts = []
    for end, ratio in (("in_port", flow["ratio"]), ("out_port", np.ones(columns.flows))):
        mine = np.flatnonzero(flow[end] >= 0)
        mine = mine[at[flow[end][mine]] >= 0]
        parts.append((at[flow[end][mine]], mine, ratio[mine]))
    parts.append((np.arange(len(plain)), columns.activity[ports.process[plain]], -ports.coefficient[plain]))
    row, column, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    uses = np.arange(len(plain)), columns.activity[ports.process[plain]], -np.ones(len(plain))
    rows.add(
        "recipe", len(plain), row, column, value,
        slope=uses, datum=rows.number(len(plain)), **_recipe_numbers(work, plain),
        process=ports.process[plain], good=ports.good[plain], layer="base",
        file=ports.file[plain], line=ports.line[plain], source=ports.source[plain],
    )  # fmt: skip
    closing = np.flatnonzero(ports.closing)
    _check_substitutes_close(work, set(ports.process[closing].tolist()))
    row, column, value = _balance_entries(work, columns, ports.process[closing], "mass")
    rows.add(
        "closing", len(closing), row, column, value,
        process=ports.process[closing], good=ports.good[closing], layer="mass",
        file=ports.file[closing], line=ports.line[closing], source=ports.source[closing],
    )  # fmt: skip


def _recipe_numbers(work: _Work, plain: np.ndarray) -> dict[str, Any]:
    """Coefficients of recipe lines with their range, per unit of activity; the reference line is 1."""
    ports, recipes = work.ports, work.tables["recipes"]
    lines = ports.recipe_line[plain]
    value = ports.coefficient[plain]
    amount = recipes["amount"].to_numpy()[lines]
    per_run = np.divide(value, amount, out=np.ones(len(plain)), where=amount != 0)
    numbers = stated(recipes.iloc[lines], value, per_run)
    numbers["sd"] = np.where(ports.reference[plain], np.nan, numbers["sd"])
    numbers["quality"] = np.where(ports.reference[plain], "", numbers["quality"])
    return numbers


def _check_substitutes_close(work: _Work, closing: set[int]) -> None:
    """A substitute that weighs other than what it replaces needs a closing line to take the difference."""
    flow, mass, problems = work.flow, work.goods["mass"].to_numpy(), []
    for at in np.flatnonzero(~np.isnan(flow["max_share"])):
        replaced = work.ports.good[flow["in_port"][at]]
        same = np.isclose(mass[flow["good_at"][at]], flow["ratio"][at] * mass[replaced], rtol=1e-9)
        process = int(flow["to_at"][at])
        if not same and process not in closing:
            name = work.process_at[process]
            message = f"flow `{flow['id'][at]}` weighs other than the `{work.good_at[replaced]}`"
            message += f" that it replaces in {name}."
            hint = f"Name a closing line in recipe `{work.processes['recipe'].iloc[process]}`."
            problems.append(Problem(message, str(flow["file"][at]), int(flow["line"][at]), hint))
    if problems:
        raise InputError(problems)


def _balance_entries(
    work: _Work, columns: _Columns, process: np.ndarray, layer: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entries of Σ in − Σ out of one layer at each process."""
    at = np.full(len(work.processes), -1)
    at[process] = np.arange(len(process))
    parts = []
    for end, sign in (("to_at", 1.0), ("from_at", -1.0)):
        mine = np.flatnonzero(at[work.flow[end]] >= 0)
        column, value = columns.term(work, mine, layer)
        keep = value != 0
        parts.append((at[work.flow[end][mine]][keep], column[keep], sign * value[keep]))
    row, column, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    return row, column, value


def _balance_rows(work: _Work, columns: _Columns, rows: _Builder) -> None:
    """Processes without a recipe conserve mass: pools their good, pure energy nodes energy; stores keep."""
    used = np.zeros(len(work.processes), dtype=bool)
    mass_at = np.zeros(len(work.processes), dtype=bool)
    mass = work.goods["mass"].to_numpy()[work.flow["good_at"]] > 0
    for end in ("from_at", "to_at"):
        used[work.flow[end]] = True
        mass_at[work.flow[end][mass]] = True
    plain = used & ~work.outside & ~work.has_recipe
    groups = (
        ("base", plain & work.pool),
        ("mass", plain & ~work.pool & mass_at),
        ("energy", plain & ~work.pool & ~mass_at),
    )
    for layer, chosen in groups:
        at = np.flatnonzero(chosen)
        _add_balance(work, columns, rows, at, layer)


def _add_balance(work: _Work, columns: _Columns, rows: _Builder, at: np.ndarray, layer: str) -> None:
    row, column, value = _balance_entries(work, columns, at, layer)
    place = {int(process): position for position, process in enumerate(at)} if columns.stock else {}
    stores = [(place[p], stock) for (p, name), stock in columns.stock.items() if name == layer and p in place]
    if stores:
        row = np.append(row, [position for position, _ in stores])
        column = np.append(column, [stock for _, stock in stores])
        value = np.append(value, np.full(len(stores), -1.0))
    table = work.processes
    rows.add(
        "balance", len(at), row, column, value, process=at, layer=layer,
        file=table["file"].to_numpy()[at], line=table["line"].to_numpy()[at],
    )  # fmt: skip


def _layer_rows(work: _Work, columns: _Columns, rows: _Builder, leaving: Mapping[str, Leaving]) -> None:
    """Active substances: contents that are known, and a balance wherever something is unknown."""
    contents = work.tables["contents"]
    flow = work.flow
    for layer in columns.substance:
        known = contents[contents["layer"] == layer].set_index("good")
        value = known["value"].reindex(work.good_at).to_numpy()[flow["good_at"]]
        massless = work.goods["mass"].to_numpy()[flow["good_at"]] == 0
        value = np.where(massless, 0.0, value)
        measured = known[["sd", "cv", "ci95", "low"]].notna().any(axis=1)
        measured = work.good_at[flow["good_at"]].isin(known.index[measured])
        value[_split_outputs(work, layer) & ~measured] = np.nan
        value[_of_cohorts(work, layer, leaving)] = np.nan
        fixed = np.flatnonzero(~np.isnan(value))
        column, one = columns.term(work, fixed, layer)
        _, mass = columns.term(work, fixed, "mass")
        good = flow["good_at"][fixed]
        place = known.reindex(work.good_at)
        rows.add(
            "content", len(fixed),
            np.tile(np.arange(len(fixed)), 2), np.concatenate([column, fixed]),
            np.concatenate([one, -value[fixed] * mass]), flow=fixed, good=good, layer=layer,
            slope=(np.arange(len(fixed)), fixed, -mass), datum=rows.number(len(work.good_at))[good],
            **stated(place.iloc[good], np.where(mass == 0, np.nan, value[fixed])),
            file=place["file"].fillna("").to_numpy()[good],
            line=place["line"].fillna(0).to_numpy(dtype=np.int64)[good],
            source=place["source"].fillna("").to_numpy()[good],
        )  # fmt: skip
        unknown = np.isnan(value)
        touched = np.zeros(len(work.processes), dtype=bool)
        for end in ("from_at", "to_at"):
            touched[flow[end][unknown]] = True
        used = np.zeros(len(work.processes), dtype=bool)
        for end in ("from_at", "to_at"):
            used[flow[end]] = True
        at = np.flatnonzero(used & ~work.outside & (touched | ~work.has_recipe))
        _add_balance(work, columns, rows, at, layer)


def _split_outputs(work: _Work, layer: str) -> np.ndarray:
    """Flows whose share of a layer follows from transfer coefficients, so that no exact content fixes it."""
    at = work.transfers.at[work.transfers.state(layer)]
    mixed = np.flatnonzero(work.processes["mixed"].to_numpy())
    return np.isin(work.flow["from_at"], np.concatenate([at, mixed]))


def _of_cohorts(work: _Work, layer: str, leaving: Mapping[str, Leaving]) -> np.ndarray:
    """Flows that leave a stock with what its cohorts hold of a layer, so that no content fixes it."""
    chosen = [np.empty(0, dtype=np.int64)]
    for stock in work.tables["stocks"].to_dict("records"):
        if layer in leaving[stock["id"]].past:
            chosen.append(_stock_flows(work, stock)[1])
    return np.concatenate(chosen)


def _given_rows(work: _Work, columns: _Columns, rows: _Builder) -> None:
    """Stated amounts of flows, activities and stock changes."""
    flow, table = work.flow, work.processes
    fixed = np.flatnonzero(~np.isnan(flow["given"]))
    rows.add(
        "given", len(fixed), np.arange(len(fixed)), fixed, np.ones(len(fixed)), flow["given"][fixed],
        flow=fixed, good=flow["good_at"][fixed], layer="base", datum=rows.number(len(fixed)),
        file=flow["file"][fixed], line=flow["line"][fixed], source=flow["source"][fixed],
        **stated(work.tables["flows"].iloc[fixed], flow["given"][fixed]),
    )  # fmt: skip
    load = table["load"].to_numpy() * table["capacity"].to_numpy()
    value = np.where(np.isnan(load), table["activity"].to_numpy(), load)
    runs = np.flatnonzero(~np.isnan(value) & work.has_recipe)
    rows.add(
        "given", len(runs), np.arange(len(runs)), columns.activity[runs], np.ones(len(runs)), value[runs],
        process=runs,
        value=value[runs], datum=rows.number(len(runs)),
        file=table["file"].to_numpy()[runs], line=table["line"].to_numpy()[runs],
        source=table["source"].to_numpy()[runs],
    )  # fmt: skip
    for fact, number in _with_numbers(work, "given", ("activity", "stock_change", "amount")):
        column, label = _subject_column(work, columns, fact, "given")
        labels = dict(
            layer=fact["layer"], file=fact["file"], line=fact["line"], source=fact["source"], **label
        )
        rows.add("given", 1, [0], [column], [1.0], number["value"], datum=rows.number(1), **number, **labels)


def _with_numbers(
    work: _Work, kind: str, names: tuple[str, ...]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each fact of a kind with its number, the first that is stated of ``names``, and its uncertainty."""
    facts = work.tables["facts"]
    facts = facts[facts[kind].to_numpy() != ""]
    if facts.empty:
        return
    values = facts[list(names)].to_numpy()
    numbers = stated(facts, values[np.arange(len(facts)), (~np.isnan(values)).argmax(axis=1)])
    for row, fact in enumerate(facts.to_dict("records")):
        yield fact, {name: number[row] for name, number in numbers.items()}


def _facts(work: _Work, kind: str) -> list[dict[str, Any]]:
    facts = work.tables["facts"]
    return facts[facts[kind].to_numpy() != ""].to_dict("records")


def _subject_column(
    work: _Work, columns: _Columns, fact: dict[str, Any], kind: str
) -> tuple[int, dict[str, int]]:
    """Column of the flow, activity or stock change that a fact names."""
    subject, layer = fact[kind], fact["layer"]
    if subject in work.process_at:
        process = work.place(subject)
        if kind == "given" and not np.isnan(fact["stock_change"]):
            if (process, layer) not in columns.stock:
                hint = "Give it `kind: store`."
                raise InputError(Problem(f"`{subject}` keeps no stock.", fact["file"], fact["line"], hint))
            return columns.stock[process, layer], {"process": process}
        if columns.activity[process] < 0:
            hint = "State the amount of one of its flows instead."
            raise InputError(
                Problem(f"`{subject}` has no recipe, so no activity.", fact["file"], fact["line"], hint)
            )
        return int(columns.activity[process]), {"process": process}
    identity = work.subjects[subject][0]
    if identity not in work.flow_at:
        hint = "Open it, or drop the fact."
        raise InputError(
            Problem(f"link `{identity}` is closed, but a fact states it.", fact["file"], fact["line"], hint)
        )
    flow = int(work.flow_at.get_indexer_for([identity])[0])
    layer = layer if layer in columns.substance else "base"
    column, _ = columns.term(work, np.array([flow]), layer)
    return int(column[0]), {"flow": flow, "good": int(work.flow["good_at"][flow])}


def _transfer_rows(work: _Work, columns: _Columns, rows: _Builder) -> None:
    """Σ x[out] − coefficient × Σ x[in] = 0 in one layer, over all inputs or over one input good."""
    transfers, processes = work.transfers, work.processes
    if transfers.facts.empty:
        return
    outputs = _select(work, transfers, "transfer", "from_at")
    inputs = _select(work, transfers, "origin", "to_at")
    _check_transfers(work, transfers, outputs[0], inputs[0])
    mixed = processes["mixed"].to_numpy()[transfers.at]
    of_mass, data = transfers.state("mass"), rows.number(len(transfers.facts))
    for layer in transfers.layers:
        own = transfers.state(layer)
        if layer in columns.substance:
            stated = np.zeros(len(processes), dtype=bool)
            stated[transfers.at[own]] = True
            own |= mixed & of_mass & ~stated[transfers.at]
        if own.any():
            _transfers_of_layer(work, columns, rows, layer, own, outputs, inputs, data)


def _check_transfers(work: _Work, transfers: _Transfers, out_row: np.ndarray, in_row: np.ndarray) -> None:
    """Every transfer coefficient splits something that enters its process into something that leaves it."""
    facts = transfers.facts
    for found, column, side in ((out_row, "transfer", "leaves"), (in_row, "origin", "enters")):
        missing = np.flatnonzero(np.bincount(found, minlength=len(facts)) == 0)
        if len(missing):
            row = int(missing[0])
            what = facts[column].iloc[row] or "flow"
            message = f"transfer at `{facts['at'].iloc[row]}`: no `{what}` {side} it."
            raise InputError(work.problem(facts, row, message, "Draw the flow, or mend the name."))


def _transfers_of_layer(
    work: _Work,
    columns: _Columns,
    rows: _Builder,
    layer: str,
    own: np.ndarray,
    outputs: tuple[np.ndarray, np.ndarray],
    inputs: tuple[np.ndarray, np.ndarray],
    data: np.ndarray,
) -> None:
    """The rows of the chosen coefficients, whose flows are given as pairs of coefficient and flow."""
    facts, numbers = work.transfers.facts, work.transfers.numbers
    out_row, out_flow = (part[own[outputs[0]]] for part in outputs)
    in_row, in_flow = (part[own[inputs[0]]] for part in inputs)
    out_column, out_value = columns.term(work, out_flow, layer)
    in_column, in_value = columns.term(work, in_flow, layer)
    share = facts["value"].to_numpy()
    chosen, place = np.flatnonzero(own), np.cumsum(own) - 1
    rows.add(
        "transfer", len(chosen),
        place[np.concatenate([out_row, in_row])], np.concatenate([out_column, in_column]),
        np.concatenate([out_value, -share[in_row] * in_value]),
        process=work.transfers.at[chosen], good=work.transfers.good[chosen], layer=layer,
        slope=(place[in_row], in_column, -in_value), datum=data[chosen],
        **{name: numbers[name][chosen] for name in numbers},
        **{name: facts[name].to_numpy()[chosen] for name in ("file", "line", "source")},
    )  # fmt: skip


def _select(work: _Work, transfers: _Transfers, column: str, end: str) -> tuple[np.ndarray, np.ndarray]:
    """For each coefficient the flows at one end of its process: all, those of a good, or the one of an id."""
    flow, goods, at = work.flow, len(work.good_at), transfers.at
    names = transfers.facts[column].to_numpy()
    named = names != ""
    by_id, good = np.full(len(names), -1), np.full(len(names), -1)
    if work.flow_at.is_unique:
        by_id[named] = work.flow_at.get_indexer(names[named])
    by_id = np.where((by_id >= 0) & (flow[end][by_id] == at), by_id, -1)
    rest = named & (by_id < 0)
    good[rest] = work.good_at.get_indexer(names[rest])
    of_good, of_all = np.flatnonzero(good >= 0), np.flatnonzero(~named)
    rows, flows = [np.flatnonzero(by_id >= 0)], [by_id[by_id >= 0]]
    for mine, key, wanted in (
        (of_good, at[of_good] * goods + good[of_good], flow[end] * goods + flow["good_at"]),
        (of_all, at[of_all], flow[end]),
    ):
        if not len(mine):
            continue
        order = np.argsort(wanted, kind="stable")
        ordered = wanted[order]
        row, position = _ranges(
            mine, np.searchsorted(ordered, key), np.searchsorted(ordered, key, side="right")
        )
        rows.append(row)
        flows.append(order[position])
    return np.concatenate(rows), np.concatenate(flows)


def _share_rows(work: _Work, columns: _Columns, rows: _Builder) -> None:
    """x[subject] − share × Σ x[base] = 0, on one side of one process; the base is always stated."""
    flow = work.flow
    for fact, number in _with_numbers(work, "share", ("value",)):
        process, layer = work.place(fact["at"]), fact["layer"]
        mine = flow["to_at" if fact["into"] else "from_at"] == process
        good = work.good_at.get_indexer([fact["share"]])[0]
        subject = np.flatnonzero(mine & ((flow["id"] == fact["share"]) | (flow["good_at"] == good)))
        base = np.flatnonzero(mine & _in_base(work, fact["of"], subject))
        if not len(subject) or not len(base):
            hint = (
                "Say `into: true` for what enters."
                if not fact["into"]
                else "Leave `into` out for what leaves."
            )
            message = (
                f"share at `{fact['at']}`: no `{fact['share']}` {'enters' if fact['into'] else 'leaves'} it."
            )
            raise InputError(Problem(message, fact["file"], fact["line"], hint))
        top_column, top_value = columns.term(work, subject, layer)
        base_column, base_value = columns.term(work, base, layer)
        column = np.concatenate([top_column, base_column])
        value = np.concatenate([top_value, -fact["value"] * base_value])
        labels = dict(file=fact["file"], line=fact["line"], source=fact["source"])
        slope = np.zeros(len(base), dtype=int), base_column, -base_value
        rows.add(
            "share", 1, np.zeros(len(column), dtype=int), column, value, slope=slope, process=process,
            good=good,
            layer=layer, datum=rows.number(1), **number, **labels,
        )  # fmt: skip


def _in_base(work: _Work, base: tuple[str, ...], subject: np.ndarray) -> np.ndarray:
    flow = work.flow
    if base == ("all",):
        return np.ones(len(flow["id"]), dtype=bool)
    if base == ("same_good",):
        return np.isin(flow["good_at"], flow["good_at"][subject])
    return np.isin(flow["good_at"], work.good_at.get_indexer(list(base))) | np.isin(flow["id"], list(base))


def _stock_rows(
    work: _Work, columns: _Columns, rows: _Builder, limits: _Builder, leaving: Mapping[str, Leaving]
) -> None:
    """What leaves a stock by its lifetime, what its level asks for, and what may be mined."""
    for stock in work.tables["stocks"].to_dict("records"):
        said = leaving[stock["id"]]
        into, out = _stock_flows(work, stock)
        labels = {name: stock[name] for name in ("file", "line", "source")}
        labels.update(process=work.place(stock["at"]), good=work.good_at.get_loc(stock["good"]))
        if not np.isnan(said.asked):
            one = np.zeros(len(into), dtype=int)
            rows.add("level", 1, one, into, np.ones(len(into)), said.asked, layer="base", **labels)
        if said.unlimited and len(out):
            one = np.zeros(len(out), dtype=int)
            most = said.past[GOOD]
            limits.add("limit", 1, one, out, np.ones(len(out)), most, layer="base", **labels)
        for layer, past in said.past.items():
            if layer == GOOD and said.unlimited:
                continue
            name = "base" if layer == GOOD else layer
            left, value = columns.term(work, out, name)
            right, part = columns.term(work, *((out, "base") if said.unlimited else (into, name)))
            share, rhs = (_ratio(past, said.past[GOOD]), 0.0) if said.unlimited else (said.gone, past)
            column, entry = np.append(left, right), np.append(value, -share * part)
            rows.add("lifetime", int(len(out) > 0), 0 * column, column, entry, rhs, layer=name, **labels)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _stock_flows(work: _Work, stock: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The flows that bring a stock its good, and those that take it away."""
    flow, process = work.flow, work.place(stock["at"])
    names = [stock["good"], stock["becomes"] or stock["good"]]
    good, becomes = work.good_at.get_indexer(names)
    into = np.flatnonzero((flow["to_at"] == process) & (flow["good_at"] == good))
    out = np.flatnonzero((flow["from_at"] == process) & (flow["good_at"] == becomes))
    for found, verb, name in ((into, "enters", names[0]), (out, "leaves", names[1])):
        if not len(found) and stock["distribution"] != "unlimited":
            message = f"stock `{stock['id']}`: no `{name}` {verb} `{stock['at']}`."
            raise InputError(Problem(message, stock["file"], stock["line"], "Draw the flow under `flows:`."))
    return into, out


def _limit_rows(work: _Work, columns: _Columns, rows: _Builder) -> None:
    """Limits that depend on an activity: shares of a recipe input, largest shares of substitutes."""
    flow, ports = work.flow, work.ports
    port = flow["in_port"].copy()
    share = np.full(columns.flows, np.nan)
    weight = flow["ratio"].copy()
    of_good = np.flatnonzero(flow["limit_of"] != "")
    for at in of_good:
        good = work.good_at.get_indexer([flow["limit_of"][at]])
        found = ports.find(flow["to_at"][[at]], good, True, len(work.good_at))[0]
        if found < 0:
            name = work.process_at[flow["to_at"][at]]
            message = (
                f"flow `{flow['id'][at]}`: {name} takes no `{flow['limit_of'][at]}` to state a limit by."
            )
            raise InputError(
                Problem(message, str(flow["file"][at]), int(flow["line"][at]), "Name one of its inputs.")
            )
        if found != port[at]:
            weight[at] = 1.0
        port[at], share[at] = found, flow["limit"][at]
    bound = np.flatnonzero(~np.isnan(share))
    activity = columns.activity[ports.process[port[bound]]]
    rows.add(
        "limit", len(bound), np.tile(np.arange(len(bound)), 2), np.concatenate([bound, activity]),
        np.concatenate([weight[bound], -share[bound] * ports.coefficient[port[bound]]]),
        flow=bound, good=flow["good_at"][bound], process=flow["to_at"][bound], layer="base",
        file=flow["file"][bound], line=flow["line"][bound], source=flow["source"][bound],
    )  # fmt: skip
    _substitute_limits(work, columns, rows)


def _substitute_limits(work: _Work, columns: _Columns, rows: _Builder) -> None:
    """Σ ratio × flows of one substitute ≤ its largest share of the recipe input, whoever brings it.

    A substitute that may fill the whole input needs no row: the recipe line bounds it already.
    """
    flow, ports = work.flow, work.ports
    some = np.flatnonzero(flow["max_share"] < 1)
    slot = flow["in_port"][some] * len(work.good_at) + flow["good_at"][some]
    _, first, row = np.unique(slot, return_index=True, return_inverse=True)
    head = some[first]
    port = flow["in_port"][head]
    rows.add(
        "limit", len(head), np.concatenate([row, np.arange(len(head))]),
        np.concatenate([some, columns.activity[ports.process[port]]]),
        np.concatenate([flow["ratio"][some], -flow["max_share"][head] * ports.coefficient[port]]),
        flow=head, good=flow["good_at"][head], process=flow["to_at"][head], layer="base",
        file=flow["file"][head], line=flow["line"][head], source=flow["source"][head],
    )  # fmt: skip


def _bounds(work: _Work, columns: _Columns, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds: flows and activities are not negative; limits and capacities."""
    lower, upper = np.zeros(total), np.full(total, np.inf)
    lower[columns.kind == "stock_change"] = -np.inf
    flow = work.flow
    amount = (flow["limit_of"] == "") & ~np.isnan(flow["limit"])
    upper[: columns.flows][amount] = flow["limit"][amount]
    stated = ~np.isnan(flow["minimum"])
    lower[: columns.flows][stated] = flow["minimum"][stated]
    capacity = work.processes["capacity"].to_numpy()
    runs = np.flatnonzero((columns.activity >= 0) & ~np.isnan(capacity))
    upper[columns.activity[runs]] = capacity[runs]
    for fact in _facts(work, "limit"):
        column, _ = _subject_column(work, columns, fact, "limit")
        if not np.isnan(fact["max"]):
            upper[column] = min(upper[column], fact["max"])
        if not np.isnan(fact["min"]):
            lower[column] = max(lower[column], fact["min"])
    return lower, upper


def _system(work: _Work, columns: _Columns, equal: _Builder, limits: _Builder) -> System:
    total = len(columns.kind)
    matrix, rhs, rows = equal.matrix(total)
    upper_matrix, upper_rhs, upper_rows = limits.matrix(total)
    lower, upper = _bounds(work, columns, total)
    scenario = work.scenario
    contents, substances = _contents(work)
    about = {
        "name": scenario.name,
        "description": scenario.description,
        "year": scenario.year,
        "variant": scenario.variant,
        "variant_name": scenario.variant_names.get(scenario.variant, scenario.name),
        "file": scenario.file,
        "digest": scenario.digest,
        "target_set": scenario.target_set,
        "differences": [vars(difference) for difference in scenario.differences],
    }
    tables = scenario.tables
    used = tables["prices"]["good"].isin(work.good_at)
    return System(
        about=about,
        processes=work.processes,
        goods=work.goods,
        flows=_flow_table(work),
        prices=tables["prices"][used].reset_index(drop=True),
        factors=tables["factors"][tables["factors"]["good"].isin(work.good_at)].reset_index(drop=True),
        targets=tables["targets"],
        sources=tables["sources"],
        contents=contents,
        substances=substances,
        layers=tuple(columns.substance),
        unknown_kind=columns.kind,
        unknown_at=columns.at,
        unknown_layer=columns.layer,
        matrix=matrix,
        slope=equal.slope(total),
        rhs=rhs,
        rows=rows,
        upper_matrix=upper_matrix,
        upper_rhs=upper_rhs,
        upper_rows=upper_rows,
        lower=lower,
        upper=upper,
    )


def _contents(work: _Work) -> tuple[Any, tuple[str, ...]]:
    """Mass fractions of the substances in the goods used, as a sparse matrix (goods, substances)."""
    from scipy.sparse import csr_array

    table = work.tables["contents"]
    table = table[table["good"].isin(work.good_at)]
    names = tuple(sorted(set(table["layer"]) | set(work.tables["layers"]["id"])))
    row = work.good_at.get_indexer(table["good"])
    column = np.array([names.index(layer) for layer in table["layer"]], dtype=np.int64)
    shape = (len(work.good_at), len(names))
    return csr_array((table["value"].to_numpy(dtype=float), (row, column)), shape=shape), names


def _flow_table(work: _Work) -> pd.DataFrame:
    import pandas as pd

    flow = work.flow
    names = work.process_at.to_numpy()
    return pd.DataFrame(
        {
            "id": flow["id"],
            "from": names[flow["from_at"]],
            "to": names[flow["to_at"]],
            "good": work.good_at.to_numpy()[flow["good_at"]],
            "en": flow["en"],
            "zh": flow["zh"],
            "how": flow["how"],
            "level": flow["level"],
            "contested": flow["contested"],
            "in_node": flow["in_node"],
            "out_node": flow["out_node"],
            "replaces": _replaced(work),
            "ratio": flow["ratio"],
            "from_at": flow["from_at"],
            "to_at": flow["to_at"],
            "good_at": flow["good_at"],
            "file": flow["file"],
            "line": flow["line"],
            "source": flow["source"],
        }
    )


def _replaced(work: _Work) -> np.ndarray:
    """The recipe input that a flow stands in for; ``""`` where it is the input itself."""
    port = work.flow["in_port"]
    goods = work.good_at.to_numpy()
    if not len(work.ports.key):
        return _filled(len(port), "")
    own = goods[work.ports.good[np.maximum(port, 0)]]
    return np.where((port >= 0) & (own != goods[work.flow["good_at"]]), own, "").astype(object)
