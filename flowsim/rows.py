"""The rows of a system, one small function for each kind of row; `assemble` puts them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.network import Network, Transfers, filled, ranges
from flowsim.stocks import GOOD, Leaving
from flowsim.system import Rows
from flowsim.uncertainty import NOT_STATED, stated

if TYPE_CHECKING:
    pass


TYPES = {"int": np.int64, "float": np.float64, "text": object}
LABELS = {label.name: TYPES[label.metadata["of"]] for label in fields(Rows)}
"""Labels of a row → the type of their arrays."""


class Builder:
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
        blank.update(layer="", file="", line=0, source="", said="")
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


@dataclass
class Columns:
    """Where each unknown stands: flows first, then activities, stock changes, active substances."""

    flows: int
    activity: np.ndarray
    stock: dict[tuple[int, str], int]
    substance: dict[str, int]
    kind: np.ndarray
    at: np.ndarray
    layer: np.ndarray

    def term(self, network: Network, flow: np.ndarray, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Column and coefficient of a layer in flows."""
        if layer in self.substance:
            return self.substance[layer] + flow, np.ones(len(flow))
        if layer == "base":
            return flow, np.ones(len(flow))
        return flow, network.goods[layer].to_numpy()[network.flow["good_at"][flow]]


def columns_of(network: Network) -> Columns:
    flows = len(network.flow["id"])
    runs = np.flatnonzero(network.has_recipe)
    activity = np.full(len(network.processes), -1)
    activity[runs] = flows + np.arange(len(runs))
    kind = [filled(flows, "flow"), filled(len(runs), "activity")]
    at = [np.arange(flows), runs]
    layer = [filled(flows, "base"), filled(len(runs), "")]
    count = flows + len(runs)
    substances = list(network.tables["layers"]["id"])
    stock: dict[tuple[int, str], int] = {}
    used = np.isin(
        np.arange(len(network.processes)), np.concatenate([network.flow["from_at"], network.flow["to_at"]])
    )
    keeps = (network.processes["kind"] == "store") | network.processes["id"].isin(
        network.tables["stocks"]["at"]
    )
    stores = np.flatnonzero(keeps.to_numpy() & ~network.has_recipe & used)
    for name in ("mass", *substances):
        stock.update({(int(store), name): count + position for position, store in enumerate(stores)})
        kind.append(filled(len(stores), "stock_change"))
        at.append(stores)
        layer.append(filled(len(stores), name))
        count += len(stores)
    starts = {}
    for name in substances:
        starts[name] = count
        kind.append(filled(flows, "flow"))
        at.append(np.arange(flows))
        layer.append(filled(flows, name))
        count += flows
    return Columns(
        flows, activity, stock, starts, np.concatenate(kind), np.concatenate(at), np.concatenate(layer)
    )


def recipe_rows(network: Network, columns: Columns, rows: Builder) -> None:
    """Σ flows of a line − coefficient × activity = 0; the closing line is the mass balance of the process."""
    ports, flow = network.ports, network.flow
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
        slope=uses, datum=rows.number(len(plain)), **_recipe_numbers(network, plain),
        process=ports.process[plain], good=ports.good[plain], layer="base",
        file=ports.file[plain], line=ports.line[plain], source=ports.source[plain],
    )  # fmt: skip
    closing = np.flatnonzero(ports.closing)
    _check_substitutes_close(network, set(ports.process[closing].tolist()))
    row, column, value = _balance_entries(network, columns, ports.process[closing], "mass")
    rows.add(
        "closing", len(closing), row, column, value,
        process=ports.process[closing], good=ports.good[closing], layer="mass",
        file=ports.file[closing], line=ports.line[closing], source=ports.source[closing],
    )  # fmt: skip


def _recipe_numbers(network: Network, plain: np.ndarray) -> dict[str, Any]:
    """Coefficients of recipe lines with their range, per unit of activity; the reference line is 1."""
    ports, recipes = network.ports, network.tables["recipes"]
    lines = ports.recipe_line[plain]
    value = ports.coefficient[plain]
    amount = recipes["amount"].to_numpy()[lines]
    per_run = np.divide(value, amount, out=np.ones(len(plain)), where=amount != 0)
    numbers = stated(recipes.iloc[lines], value, per_run)
    numbers["sd"] = np.where(ports.reference[plain], np.nan, numbers["sd"])
    numbers["quality"] = np.where(ports.reference[plain], "", numbers["quality"])
    return numbers


def _check_substitutes_close(network: Network, closing: set[int]) -> None:
    """A substitute that weighs other than what it replaces needs a closing line to take the difference."""
    flow, mass, problems = network.flow, network.goods["mass"].to_numpy(), []
    for at in np.flatnonzero(~np.isnan(flow["max_share"])):
        replaced = network.ports.good[flow["in_port"][at]]
        same = np.isclose(mass[flow["good_at"][at]], flow["ratio"][at] * mass[replaced], rtol=1e-9)
        process = int(flow["to_at"][at])
        if not same and process not in closing:
            name = network.process_at[process]
            message = f"flow `{flow['id'][at]}` weighs other than the `{network.good_at[replaced]}`"
            message += f" that it replaces in {name}."
            hint = f"Name a closing line in recipe `{network.processes['recipe'].iloc[process]}`."
            problems.append(Problem(message, str(flow["file"][at]), int(flow["line"][at]), hint))
    if problems:
        raise InputError(problems)


def _balance_entries(
    network: Network, columns: Columns, process: np.ndarray, layer: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entries of Σ in − Σ out of one layer at each process."""
    at = np.full(len(network.processes), -1)
    at[process] = np.arange(len(process))
    parts = []
    for end, sign in (("to_at", 1.0), ("from_at", -1.0)):
        mine = np.flatnonzero(at[network.flow[end]] >= 0)
        column, value = columns.term(network, mine, layer)
        keep = value != 0
        parts.append((at[network.flow[end][mine]][keep], column[keep], sign * value[keep]))
    row, column, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    return row, column, value


def balance_rows(network: Network, columns: Columns, rows: Builder) -> None:
    """Processes without a recipe conserve mass: pools their good, pure energy nodes energy; stores keep."""
    used = np.zeros(len(network.processes), dtype=bool)
    mass_at = np.zeros(len(network.processes), dtype=bool)
    mass = network.goods["mass"].to_numpy()[network.flow["good_at"]] > 0
    for end in ("from_at", "to_at"):
        used[network.flow[end]] = True
        mass_at[network.flow[end][mass]] = True
    plain = used & ~network.outside & ~network.has_recipe
    groups = (
        ("base", plain & network.pool),
        ("mass", plain & ~network.pool & mass_at),
        ("energy", plain & ~network.pool & ~mass_at),
    )
    for layer, chosen in groups:
        at = np.flatnonzero(chosen)
        _add_balance(network, columns, rows, at, layer)


def _add_balance(network: Network, columns: Columns, rows: Builder, at: np.ndarray, layer: str) -> None:
    row, column, value = _balance_entries(network, columns, at, layer)
    place = {int(process): position for position, process in enumerate(at)} if columns.stock else {}
    stores = [(place[p], stock) for (p, name), stock in columns.stock.items() if name == layer and p in place]
    if stores:
        row = np.append(row, [position for position, _ in stores])
        column = np.append(column, [stock for _, stock in stores])
        value = np.append(value, np.full(len(stores), -1.0))
    table = network.processes
    rows.add(
        "balance", len(at), row, column, value, process=at, layer=layer,
        file=table["file"].to_numpy()[at], line=table["line"].to_numpy()[at],
    )  # fmt: skip


def layer_rows(network: Network, columns: Columns, rows: Builder, leaving: Mapping[str, Leaving]) -> None:
    """Active substances: contents that are known, and a balance wherever something is unknown."""
    contents = network.tables["contents"]
    flow = network.flow
    for layer in columns.substance:
        known = contents[contents["layer"] == layer].set_index("good")
        value = known["value"].reindex(network.good_at).to_numpy()[flow["good_at"]]
        massless = network.goods["mass"].to_numpy()[flow["good_at"]] == 0
        value = np.where(massless, 0.0, value)
        measured = known[["sd", "cv", "ci95", "low"]].notna().any(axis=1)
        measured = network.good_at[flow["good_at"]].isin(known.index[measured])
        value[_split_outputs(network, layer) & ~measured] = np.nan
        value[_of_cohorts(network, layer, leaving)] = np.nan
        fixed = np.flatnonzero(~np.isnan(value))
        column, one = columns.term(network, fixed, layer)
        _, mass = columns.term(network, fixed, "mass")
        good = flow["good_at"][fixed]
        place = known.reindex(network.good_at)
        rows.add(
            "content", len(fixed),
            np.tile(np.arange(len(fixed)), 2), np.concatenate([column, fixed]),
            np.concatenate([one, -value[fixed] * mass]), flow=fixed, good=good, layer=layer,
            slope=(np.arange(len(fixed)), fixed, -mass), datum=rows.number(len(network.good_at))[good],
            **stated(place.iloc[good], np.where(mass == 0, np.nan, value[fixed])),
            file=place["file"].fillna("").to_numpy()[good],
            line=place["line"].fillna(0).to_numpy(dtype=np.int64)[good],
            source=place["source"].fillna("").to_numpy()[good],
            said=(network.good_at + "." + layer).to_numpy()[good],
        )  # fmt: skip
        unknown = np.isnan(value)
        touched = np.zeros(len(network.processes), dtype=bool)
        for end in ("from_at", "to_at"):
            touched[flow[end][unknown]] = True
        used = np.zeros(len(network.processes), dtype=bool)
        for end in ("from_at", "to_at"):
            used[flow[end]] = True
        at = np.flatnonzero(used & ~network.outside & (touched | ~network.has_recipe))
        _add_balance(network, columns, rows, at, layer)


def _split_outputs(network: Network, layer: str) -> np.ndarray:
    """Flows whose share of a layer follows from transfer coefficients, so that no exact content fixes it."""
    at = network.transfers.at[network.transfers.state(layer)]
    mixed = np.flatnonzero(network.processes["mixed"].to_numpy())
    return np.isin(network.flow["from_at"], np.concatenate([at, mixed]))


def _of_cohorts(network: Network, layer: str, leaving: Mapping[str, Leaving]) -> np.ndarray:
    """Flows that leave a stock with what its cohorts hold of a layer, so that no content fixes it."""
    chosen = [np.empty(0, dtype=np.int64)]
    for stock in network.tables["stocks"].to_dict("records"):
        if layer in leaving[stock["id"]].past:
            chosen.append(_stock_flows(network, stock)[1])
    return np.concatenate(chosen)


def given_rows(network: Network, columns: Columns, rows: Builder) -> None:
    """Stated amounts of flows, activities and stock changes."""
    flow, table = network.flow, network.processes
    fixed = np.flatnonzero(~np.isnan(flow["given"]))
    rows.add(
        "given", len(fixed), np.arange(len(fixed)), fixed, np.ones(len(fixed)), flow["given"][fixed],
        flow=fixed, good=flow["good_at"][fixed], layer="base", datum=rows.number(len(fixed)),
        said=flow["id"][fixed],
        file=flow["file"][fixed], line=flow["line"][fixed], source=flow["source"][fixed],
        **stated(network.tables["flows"].iloc[fixed], flow["given"][fixed]),
    )  # fmt: skip
    load = table["load"].to_numpy() * table["capacity"].to_numpy()
    value = np.where(np.isnan(load), table["activity"].to_numpy(), load)
    runs = np.flatnonzero(~np.isnan(value) & network.has_recipe)
    rows.add(
        "given", len(runs), np.arange(len(runs)), columns.activity[runs], np.ones(len(runs)), value[runs],
        process=runs,
        value=value[runs], datum=rows.number(len(runs)),
        file=table["file"].to_numpy()[runs], line=table["line"].to_numpy()[runs],
        source=table["source"].to_numpy()[runs],
    )  # fmt: skip
    for fact, number in _with_numbers(network, "given", ("activity", "stock_change", "amount")):
        column, label = _subject_column(network, columns, fact, "given")
        labels = dict(
            layer=fact["layer"],
            file=fact["file"],
            line=fact["line"],
            source=fact["source"],
            **label,
            said=fact["id"],
        )
        rows.add("given", 1, [0], [column], [1.0], number["value"], datum=rows.number(1), **number, **labels)


def _with_numbers(
    network: Network, kind: str, names: tuple[str, ...]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each fact of a kind with its number, the first that is stated of ``names``, and its uncertainty."""
    facts = network.tables["facts"]
    facts = facts[(facts[kind].to_numpy() != "") & facts["stock"].isna().to_numpy()]
    if facts.empty:
        return
    values = facts[list(names)].to_numpy()
    numbers = stated(facts, values[np.arange(len(facts)), (~np.isnan(values)).argmax(axis=1)])
    for row, fact in enumerate(facts.to_dict("records")):
        yield fact, {name: number[row] for name, number in numbers.items()}


def _facts(network: Network, kind: str) -> list[dict[str, Any]]:
    facts = network.tables["facts"]
    return facts[facts[kind].to_numpy() != ""].to_dict("records")


def _subject_column(
    network: Network, columns: Columns, fact: dict[str, Any], kind: str
) -> tuple[int, dict[str, int]]:
    """Column of the flow, activity or stock change that a fact names."""
    subject, layer = fact[kind], fact["layer"]
    if subject in network.process_at:
        process = network.place(subject)
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
    identity = network.subjects[subject][0]
    if identity not in network.flow_at:
        hint = "Open it, or drop the fact."
        raise InputError(
            Problem(f"link `{identity}` is closed, but a fact states it.", fact["file"], fact["line"], hint)
        )
    flow = int(network.flow_at.get_indexer_for([identity])[0])
    layer = layer if layer in columns.substance else "base"
    column, _ = columns.term(network, np.array([flow]), layer)
    return int(column[0]), {"flow": flow, "good": int(network.flow["good_at"][flow])}


def transfer_rows(network: Network, columns: Columns, rows: Builder) -> None:
    """Σ x[out] − coefficient × Σ x[in] = 0 in one layer, over all inputs or over one input good."""
    transfers, processes = network.transfers, network.processes
    if transfers.facts.empty:
        return
    outputs = _select(network, transfers, "transfer", "from_at")
    inputs = _select(network, transfers, "origin", "to_at")
    _check_transfers(network, transfers, outputs[0], inputs[0])
    mixed = processes["mixed"].to_numpy()[transfers.at]
    of_mass, data = transfers.state("mass"), rows.number(len(transfers.facts))
    for layer in transfers.layers:
        own = transfers.state(layer)
        if layer in columns.substance:
            stated = np.zeros(len(processes), dtype=bool)
            stated[transfers.at[own]] = True
            own |= mixed & of_mass & ~stated[transfers.at]
        if own.any():
            _transfers_of_layer(network, columns, rows, layer, own, outputs, inputs, data)


def _check_transfers(network: Network, transfers: Transfers, out_row: np.ndarray, in_row: np.ndarray) -> None:
    """Every transfer coefficient splits something that enters its process into something that leaves it."""
    facts = transfers.facts
    for found, column, side in ((out_row, "transfer", "leaves"), (in_row, "origin", "enters")):
        missing = np.flatnonzero(np.bincount(found, minlength=len(facts)) == 0)
        if len(missing):
            row = int(missing[0])
            what = facts[column].iloc[row] or "flow"
            message = f"transfer at `{facts['at'].iloc[row]}`: no `{what}` {side} it."
            raise InputError(network.problem(facts, row, message, "Draw the flow, or mend the name."))


def _transfers_of_layer(
    network: Network,
    columns: Columns,
    rows: Builder,
    layer: str,
    own: np.ndarray,
    outputs: tuple[np.ndarray, np.ndarray],
    inputs: tuple[np.ndarray, np.ndarray],
    data: np.ndarray,
) -> None:
    """The rows of the chosen coefficients, whose flows are given as pairs of coefficient and flow."""
    facts, numbers = network.transfers.facts, network.transfers.numbers
    out_row, out_flow = (part[own[outputs[0]]] for part in outputs)
    in_row, in_flow = (part[own[inputs[0]]] for part in inputs)
    out_column, out_value = columns.term(network, out_flow, layer)
    in_column, in_value = columns.term(network, in_flow, layer)
    share = facts["value"].to_numpy()
    chosen, place = np.flatnonzero(own), np.cumsum(own) - 1
    rows.add(
        "transfer", len(chosen),
        place[np.concatenate([out_row, in_row])], np.concatenate([out_column, in_column]),
        np.concatenate([out_value, -share[in_row] * in_value]),
        process=network.transfers.at[chosen], good=network.transfers.good[chosen], layer=layer,
        slope=(place[in_row], in_column, -in_value), datum=data[chosen],
        **{name: numbers[name][chosen] for name in numbers},
        **{name: facts[name].to_numpy()[chosen] for name in ("file", "line", "source")},
        said=facts["id"].to_numpy()[chosen],
    )  # fmt: skip


def _select(network: Network, transfers: Transfers, column: str, end: str) -> tuple[np.ndarray, np.ndarray]:
    """For each coefficient the flows at one end of its process: all, those of a good, or the one of an id."""
    flow, goods, at = network.flow, len(network.good_at), transfers.at
    names = transfers.facts[column].to_numpy()
    named = names != ""
    by_id, good = np.full(len(names), -1), np.full(len(names), -1)
    if network.flow_at.is_unique:
        by_id[named] = network.flow_at.get_indexer(names[named])
    by_id = np.where((by_id >= 0) & (flow[end][by_id] == at), by_id, -1)
    rest = named & (by_id < 0)
    good[rest] = network.good_at.get_indexer(names[rest])
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
        row, position = ranges(
            mine, np.searchsorted(ordered, key), np.searchsorted(ordered, key, side="right")
        )
        rows.append(row)
        flows.append(order[position])
    return np.concatenate(rows), np.concatenate(flows)


def share_rows(network: Network, columns: Columns, rows: Builder) -> None:
    """x[subject] − share × Σ x[base] = 0, on one side of one process; the base is always stated."""
    flow = network.flow
    for fact, number in _with_numbers(network, "share", ("value",)):
        process, layer = network.place(fact["at"]), fact["layer"]
        mine = flow["to_at" if fact["into"] else "from_at"] == process
        good = network.good_at.get_indexer([fact["share"]])[0]
        subject = np.flatnonzero(mine & ((flow["id"] == fact["share"]) | (flow["good_at"] == good)))
        base = np.flatnonzero(mine & _in_base(network, fact["of"], subject))
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
        top_column, top_value = columns.term(network, subject, layer)
        base_column, base_value = columns.term(network, base, layer)
        column = np.concatenate([top_column, base_column])
        value = np.concatenate([top_value, -fact["value"] * base_value])
        labels = dict(file=fact["file"], line=fact["line"], source=fact["source"], said=fact["id"])
        slope = np.zeros(len(base), dtype=int), base_column, -base_value
        rows.add(
            "share", 1, np.zeros(len(column), dtype=int), column, value, slope=slope, process=process,
            good=good,
            layer=layer, datum=rows.number(1), **number, **labels,
        )  # fmt: skip


def _in_base(network: Network, base: tuple[str, ...], subject: np.ndarray) -> np.ndarray:
    flow = network.flow
    if base == ("all",):
        return np.ones(len(flow["id"]), dtype=bool)
    if base == ("same_good",):
        return np.isin(flow["good_at"], flow["good_at"][subject])
    return np.isin(flow["good_at"], network.good_at.get_indexer(list(base))) | np.isin(flow["id"], list(base))


def stock_rows(
    network: Network, columns: Columns, rows: Builder, limits: Builder, leaving: Mapping[str, Leaving]
) -> None:
    """What leaves a stock by its lifetime, what its level asks for, and what may be mined."""
    for stock in network.tables["stocks"].to_dict("records"):
        said = leaving[stock["id"]]
        into, out = _stock_flows(network, stock)
        labels = {name: stock[name] for name in ("file", "line", "source")}
        labels.update(process=network.place(stock["at"]), good=network.good_at.get_loc(stock["good"]))
        if not np.isnan(said.asked):
            one = np.zeros(len(into), dtype=int)
            rows.add("level", 1, one, into, np.ones(len(into)), said.asked, layer="base", **labels)
        if said.unlimited and len(out):
            one = np.zeros(len(out), dtype=int)
            most = said.past[GOOD]
            limits.add("mining", 1, one, out, np.ones(len(out)), most, layer="base", **labels)
        for layer, past in said.past.items():
            if layer == GOOD and said.unlimited:
                continue
            name = "base" if layer == GOOD else layer
            left, value = columns.term(network, out, name)
            right, part = columns.term(network, *((out, "base") if said.unlimited else (into, name)))
            share, rhs = (_ratio(past, said.past[GOOD]), 0.0) if said.unlimited else (said.gone, past)
            column, entry = np.append(left, right), np.append(value, -share * part)
            rows.add("lifetime", int(len(out) > 0), 0 * column, column, entry, rhs, layer=name, **labels)


def space_rows(network: Network, limits: Builder, leaving: Mapping[str, Leaving]) -> None:
    """What may stay of what enters stocks before their space is full; what is mined makes room."""
    stocks = {str(stock["id"]): stock for stock in network.tables["stocks"].to_dict("records")}
    done = set()
    for said in leaving.values():
        if said.space is None or np.isnan(said.room) or said.space in done:
            continue
        done.add(said.space)
        parts = []
        for name, bulk in said.space.bulk:
            into, out = _stock_flows(network, stocks[name])
            gone, out = leaving[name].gone, out if leaving[name].unlimited else out[:0]
            share = np.repeat([1.0 - gone, -1.0], [len(into), len(out)])
            parts.append((np.append(into, out), bulk * share))
        column, stays = (np.concatenate(part) for part in zip(*parts, strict=True))
        stock, place = stocks[said.space.bulk[0][0]], network.place(said.at)
        labels = {"good": network.good_at.get_loc(said.good), "layer": "base"}
        table = stock
        if said.space.shared:
            labels, table = {"good": -1, "layer": said.space.unit}, network.processes.iloc[place]
        labels.update(process=place, file=table["file"], line=table["line"], source=table["source"])
        limits.add("space", 1, 0 * column, column, stays, said.room, **labels)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _stock_flows(network: Network, stock: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The flows that bring a stock its good, and those that take it away."""
    flow, process = network.flow, network.place(stock["at"])
    names = [stock["good"], stock["becomes"] or stock["good"]]
    good, becomes = network.good_at.get_indexer(names)
    into = np.flatnonzero((flow["to_at"] == process) & (flow["good_at"] == good))
    out = np.flatnonzero((flow["from_at"] == process) & (flow["good_at"] == becomes))
    for found, verb, name in ((into, "enters", names[0]), (out, "leaves", names[1])):
        if not len(found) and stock["distribution"] != "unlimited":
            message = f"stock `{stock['id']}`: no `{name}` {verb} `{stock['at']}`."
            raise InputError(Problem(message, stock["file"], stock["line"], "Draw the flow under `flows:`."))
    return into, out


def limit_rows(network: Network, columns: Columns, rows: Builder) -> None:
    """Limits that depend on an activity: shares of a recipe input, largest shares of substitutes."""
    flow, ports = network.flow, network.ports
    port = flow["in_port"].copy()
    share = np.full(columns.flows, np.nan)
    weight = flow["ratio"].copy()
    of_good = np.flatnonzero(flow["limit_of"] != "")
    for at in of_good:
        good = network.good_at.get_indexer([flow["limit_of"][at]])
        found = ports.find(flow["to_at"][[at]], good, True, len(network.good_at))[0]
        if found < 0:
            name = network.process_at[flow["to_at"][at]]
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
    _substitute_limits(network, columns, rows)


def _substitute_limits(network: Network, columns: Columns, rows: Builder) -> None:
    """Σ ratio × flows of one substitute ≤ its largest share of the recipe input, whoever brings it.

    A substitute that may fill the whole input needs no row: the recipe line bounds it already.
    """
    flow, ports = network.flow, network.ports
    some = np.flatnonzero(flow["max_share"] < 1)
    slot = flow["in_port"][some] * len(network.good_at) + flow["good_at"][some]
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


def bounds_of(network: Network, columns: Columns, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds: flows and activities are not negative; limits and capacities."""
    lower, upper = np.zeros(total), np.full(total, np.inf)
    lower[columns.kind == "stock_change"] = -np.inf
    flow = network.flow
    amount = (flow["limit_of"] == "") & ~np.isnan(flow["limit"])
    upper[: columns.flows][amount] = flow["limit"][amount]
    stated = ~np.isnan(flow["minimum"])
    lower[: columns.flows][stated] = flow["minimum"][stated]
    capacity = network.processes["capacity"].to_numpy()
    runs = np.flatnonzero((columns.activity >= 0) & ~np.isnan(capacity))
    upper[columns.activity[runs]] = capacity[runs]
    for fact in _facts(network, "limit"):
        column, _ = _subject_column(network, columns, fact, "limit")
        if not np.isnan(fact["max"]):
            upper[column] = min(upper[column], fact["max"])
        if not np.isnan(fact["min"]):
            lower[column] = max(lower[column], fact["min"])
    return lower, upper
