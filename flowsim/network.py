"""The flow network of a scenario: which flows there are, and which recipe line each of them serves.

All is done on arrays: recipes are expanded into *ports* (one good on one side of one process), flows are
attached to ports, and what no flow covers gets an implied flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.checks import MASS, pool_id, subjects
from flowsim.errors import InputError, Problem
from flowsim.schema import GOOD_KINDS, OUTSIDE
from flowsim.system import BASE_UNITS
from flowsim.tables import nearest
from flowsim.uncertainty import FORMS, stated

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
    "storage": 6.5,
    "disposal": 7,
    "surplus": 8,
}
"""Merit order of flows that state no ``prefer``: the own chain, symbiosis, the site's network, the market,
treatment, a landfill within the system, disposal outside. Surplus is what a pool gives
away because its users leave it."""


@dataclass
class Ports:
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
    feedstock: np.ndarray
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


class Network:
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
        nothing = np.empty(0, dtype=np.int64)
        self.losses = (nothing, nothing, np.empty(0))
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
    def substitutes(self) -> dict[str, list[dict[str, Any]]]:
        """Good → what it may replace, that of a named recipe first."""
        found: dict[str, list[dict[str, Any]]] = {}
        table = self.tables["substitutes"].sort_values("recipe", ascending=False, kind="stable")
        for row in table.to_dict("records"):
            found.setdefault(row["good"], []).append(row)
        return found

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
                "how": filled(len(frame), "link" if name == "links" else "drawn"),
                "limit_of": frame["limit_of"].to_numpy(),
                "given": frame["amount"].to_numpy() if name == "flows" else np.full(len(frame), np.nan),
            }
            for column in ("prefer", "limit", "minimum", "feedstock", "file", "line", "source"):
                part[column] = frame[column].to_numpy()
            part.update(_way(frame))
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
        name, recipe = self.good_at[good], self.processes["recipe"].iloc[process]
        for row in self.substitutes.get(name, ()):
            if row["recipe"] not in (recipe, ""):
                continue
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
        self.add_plain(
            good=ports.good[wanted],
            source=np.where(into, pool[wanted], ports.process[wanted]),
            target=np.where(into, ports.process[wanted], pool[wanted]),
            in_port=np.where(into, wanted, -1),
            out_port=np.where(into, -1, wanted),
            how="pool",
        )

    def _covered(self) -> np.ndarray:
        """Ports that a drawn flow without limit, a pool or a treatment link covers whole; never a `space`."""
        covered = np.zeros(len(self.ports.key), dtype=bool)
        for part in self.parts:
            whole = np.isnan(part["limit"]) & (part["how"] != "link") & ~(part["max_share"] < 1)
            for end in ("in_port", "out_port"):
                covered[part[end][whole & (part[end] >= 0)]] = True
            covered[part["in_port"][part["treated"]]] = True
        for part in self.parts:
            covered[part["out_port"][self._into_bounded(part)]] = False
        return covered

    def _into_bounded(self, part: dict[str, np.ndarray]) -> np.ndarray:
        """Flows of a recipe line into a stock that may be full: what has no room goes where its good goes."""
        stocks, stores = self.tables["stocks"], self.tables["processes"]
        shared = stores["id"][stores["space"].notna() | stores["tonnage"].notna()]
        bounded = (stocks["space"].notna() | stocks["at"].isin(shared)).to_numpy()
        return self._into_stock(part, bounded) & (part["out_port"] >= 0)

    def _into_stock(self, part: dict[str, np.ndarray], chosen: np.ndarray) -> np.ndarray:
        """Flows that bring one of the chosen stocks its good."""
        stocks, goods = self.tables["stocks"][chosen], len(self.good_at)
        kept = self.process_at.get_indexer(stocks["at"]) * goods + self.good_at.get_indexer(stocks["good"])
        return np.isin(part["to_at"] * goods + part["good_at"], kept)

    def add_plain(
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
        blank = filled(count, "")
        names = self.process_at.to_numpy()
        ids = self.good_at.to_numpy()[good] + "__" + names[source] + "__" + names[target]
        self.parts.append(
            dict(
                id=ids, en=blank, zh=blank, good_at=good, from_at=source, to_at=target,
                how=filled(count, how),
                limit_of=blank, given=nothing, prefer=nothing, limit=nothing, minimum=nothing,
                feedstock=nothing, file=blank, line=np.zeros(count, dtype=np.int64), source=blank,
                out_port=out_port, in_port=in_port,
                ratio=np.ones(count), max_share=nothing, loss=np.zeros(count), season=np.ones(count),
                treated=np.zeros(count, dtype=bool), unit_cost=np.zeros(count), fixed_cost=np.zeros(count),
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
        self.add_plain(
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
            self.add_plain(good[some], source[some], target[some], none, none, "implied")

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
        stocks = self.tables["stocks"]
        level[self._into_stock(flow, (stocks["distribution"] == "unlimited").to_numpy())] = LEVELS["storage"]
        spilt = (flow["how"] == "implied") & np.isin(
            flow["out_port"], flow["out_port"][self._into_bounded(flow)]
        )
        level[spilt] = np.maximum(level[spilt], LEVELS["disposal"])
        level[self.pool[flow["from_at"]] & self.outside[flow["to_at"]]] = LEVELS["surplus"]
        flow["level"] = np.where(np.isnan(flow["prefer"]), level, flow["prefer"])
        flow["in_node"] = np.where(flow["in_port"] >= 0, flow["in_port"], -2 - flow["to_at"])
        flow["out_node"] = np.where(flow["out_port"] >= 0, flow["out_port"], -2 - flow["from_at"])
        free_in, free_out = ~self.outside[flow["to_at"]], ~self.outside[flow["from_at"]]
        flow["contested"] = (_shared(flow["in_node"]) & free_in) | (_shared(flow["out_node"]) & free_out)
        flow["contested"][self.losses[0]] = False


def treatment_id(link: Any) -> Any:
    """The process id of the treatment that a link, or each of a column of them, runs through."""
    return link + "_treatment"


def _way(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """What the way of drawn flows takes: loss, the part of the year, CNY per unit that arrives, CNY/a."""
    if "loss" not in frame.columns:
        nothing = np.zeros(len(frame))
        cost = np.nan_to_num(frame["cost"].to_numpy())
        made = {"loss": nothing, "season": nothing + 1.0, "unit_cost": cost, "fixed_cost": nothing}
        return made | {"treated": nothing.astype(bool)}
    loss = np.nan_to_num(frame["loss"].to_numpy())
    months = np.array([len(set(months)) or 12 for months in frame["months"]], dtype=float)
    freight = np.nan_to_num((frame["freight"] * frame["distance"]).to_numpy())
    return {
        "loss": loss,
        "season": np.nan_to_num(frame["available"].to_numpy(), nan=1.0) * months / 12,
        "unit_cost": (np.nan_to_num(frame["cost"].to_numpy()) + freight) / (1 - loss),
        "fixed_cost": np.nan_to_num(frame["fixed_cost"].to_numpy()),
        "treated": (frame["to"] == treatment_id(frame["id"])).to_numpy(),
    }


def _shared(node: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(node, return_inverse=True, return_counts=True)
    return counts[inverse] > 1


def filled(count: int, value: str) -> np.ndarray:
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
        for name in ("id", "recipe", "firm", "site", "area", "plan", "file", "line", "source")
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
        {"id": name, "en": en, "zh": zh, "kind": "outside", "area": "", "outside": True}
        for name, (en, zh) in OUTSIDE.items()
    ]
    blank: dict[str, Any] = {name: "" for name in made.columns}
    blank.update(
        area="park", activity=np.nan, capacity=np.nan, load=np.nan, mixed=False, outside=False, line=0
    )
    added = pd.DataFrame([{**blank, **row} for row in extra], columns=made.columns)
    away = set(made["site"]) - set(made["site"][made["area"] == "park"])
    added.loc[added["site"].isin(away), "area"] = "city"
    return pd.concat([made, added], ignore_index=True)


def _pool_row(scenario: Scenario, row: dict[str, Any]) -> dict[str, Any]:
    goods = scenario.tables["goods"]
    good = goods[goods["id"] == row["good"]].iloc[0]
    groups = scenario.tables["groups"]
    names = groups[groups["kind"].isin(("", "site"))].sort_values("kind").set_index("id")
    names = names[~names.index.duplicated(keep="last")]
    return {
        "id": pool_id(row["site"], row["good"]),
        "en": f"{good['en']} network, {names['en'].get(row['site'], row['site'])}",
        "zh": f"{good['zh']}管网（{names['zh'].get(row['site'], row['site'])}）",
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


def _expand_recipes(network: Network) -> Ports:
    """Every line of every process's recipe, with its coefficient per unit of activity."""
    recipes = network.tables["recipes"]
    import pandas as pd

    codes, labels = pd.factorize(recipes["recipe"])
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(labels)))
    ends = np.searchsorted(codes[order], np.arange(len(labels)), side="right")
    recipe = (
        pd.Index(labels).get_indexer(network.processes["recipe"])
        if len(labels)
        else np.full(len(network.processes), -1)
    )
    runs = np.flatnonzero(recipe >= 0)
    process, row = ranges(runs, starts[recipe[runs]], ends[recipe[runs]])
    row = order[row]
    amounts = recipes["amount"].to_numpy()
    is_reference = (recipes["role"] == "reference").to_numpy()
    reference = np.zeros(len(labels))
    reference[codes[is_reference]] = amounts[is_reference]
    incoming = (recipes["direction"] == "in").to_numpy()[row]
    good = network.good_at.get_indexer(recipes["good"].to_numpy()[row])
    key = _port_key(process, good, incoming, len(network.good_at))
    sort = np.argsort(key, kind="stable")
    row, process = row[sort], process[sort]
    return Ports(
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
        feedstock=recipes["feedstock"].to_numpy()[row],
        key=key[sort],
    )


@dataclass
class Transfers:
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


def _transfers(network: Network) -> Transfers:
    import pandas as pd

    facts = network.tables["facts"]
    names = ["id", "transfer", "origin", "at", "layer", "value", *FORMS, "quality", "file", "line", "source"]
    facts = facts.loc[facts["transfer"].to_numpy() != "", names]
    layers = [*BASE_UNITS, *network.tables["layers"]["id"]]
    return Transfers(
        facts=facts,
        at=network.process_at.get_indexer(facts["at"]),
        good=network.good_at.get_indexer(facts["transfer"]),
        layer=pd.Index(layers).get_indexer(facts["layer"]),
        layers=layers,
        numbers=stated(facts, facts["value"].to_numpy()),
    )


def ranges(label: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each label repeated over the integers of its range ``start..end-1``."""
    length = end - start
    repeated = np.repeat(label, length)
    offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    return repeated, np.repeat(start, length) + offset
