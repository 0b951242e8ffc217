"""What must hold across the tables of a scenario: references, canonical units, sums.

Each function takes the typed tables and appends to ``problems``; `to_canonical` also rewrites amounts
into the unit of their good per year (t/a, m3/a, GJ/a) and drops the unit columns. A row that is already
reported (column ``wrong``) is not reported again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import Problem
from flowsim.schema import COUNTED, GOOD_KINDS, IDENTITY, LIFETIMES, OUTSIDE, TABLES
from flowsim.tables import UNREADABLE, Say, nearest, objects, report

if TYPE_CHECKING:
    import pandas as pd

CLOSURE = 1e-6
"""A recipe closes when inputs and outputs agree within this share of their sum (convention C5)."""

MASS = {"material": 1.0, "water": 1.0, "energy": 0.0}
"""Tonnes per canonical unit of a good: 1 t, 1 m3 of water (convention C1), energy without mass."""

FACTS = {
    "given": ("amount", "activity", "stock_change", "stock"),
    "transfer": ("value", "at", "origin"),
    "share": ("value", "at", "into", "of"),
    "limit": ("max", "min"),
}
"""Kind of a fact → the columns that go with it; ``layer``, uncertainty and source go with all."""

SERIES = {
    "flows": ("amount", "limit", "minimum"),
    "links": ("limit", "minimum"),
    "processes": ("activity", "capacity", "load"),
    "facts": ("amount", "activity", "value", "max", "min"),
    "stocks": ("level", "entered", "mean", "shape", "survival", "hazard"),
    "contents": ("value",),
}
"""Table → the numbers of its rows that may change over the years."""

BASE_LAYERS = ("mass", "water", "energy")
SHARE, STOCK = "%", "% stock"
"""Stand for the good of facts whose uncertainty is a share, or an amount that is not per year; no ids."""

Frames = dict[str, "pd.DataFrame"]


def pool_id(site: str, good: str) -> str:
    """The process id of a pool."""
    return f"{site}__{good}"


def subjects(typed: Mapping[str, pd.DataFrame]) -> dict[str, list[str]]:
    """What a fact may call a flow: its id, or its good → the ids meant."""
    out: dict[str, list[str]] = {}
    for name in ("flows", "links"):
        frame = typed[name]
        for identity, good in zip(frame["id"], frame["good"], strict=True):
            out[identity] = [identity]
            if good not in out or out[good] != [good]:
                out.setdefault(good, []).append(identity)
    return out


class Book:
    """The tables under check, and the one place where their rows are reported."""

    def __init__(self, typed: Frames, problems: list[Problem]):
        self.typed, self.problems = typed, problems

    def column(self, name: str, column: str) -> np.ndarray:
        return self.typed[name][column].to_numpy()

    def report(self, name: str, rows: np.ndarray | Iterable[int], say: Say, column: str = "") -> None:
        """Report rows, given as positions or as a mask, that are not reported yet."""
        found = np.asarray(rows)
        found = np.flatnonzero(found) if found.dtype == bool else found.astype(np.int64)
        if not len(found):
            return
        frame = self.typed[name]
        wrong = frame["wrong"].to_numpy(copy=True)
        found = found[~wrong[found]]
        files, lines = frame["file"].to_numpy(), frame["line"].to_numpy()
        report(self.problems, name, files, lines, found, say, column)
        wrong[found] = True
        frame["wrong"] = wrong


def override_library(typed: Frames, own_files: Set[str]) -> Frames:
    """A row that the scenario states replaces the library's of that name (a recipe: all its lines).

    ``own_files`` are the file or the sheets of the scenario.
    """
    out = dict(typed)
    for name, frame in typed.items():
        own = frame["file"].isin(own_files).to_numpy()
        if not own.any() or own.all():
            continue
        keys = ["recipe"] if name == "recipes" else list(IDENTITY[name])
        labels = _labels(frame, keys)
        out[name] = frame[own | ~np.isin(labels, np.unique(labels[own]))].reset_index(drop=True)
    return out


def _labels(frame: pd.DataFrame, keys: list[str]) -> np.ndarray:
    """A number for each row that is the same where all keys are the same."""
    return frame.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()


# ---- references ----


def check_references(typed: Frames, problems: list[Problem]) -> None:
    """Every id is unique, and every reference points at something."""
    book = Book(typed, problems)
    _check_unique(book)
    _check_goods(book)
    _check_processes(book)
    _check_ends(book)
    _check_lines(book)
    _check_facts(book)
    _check_correlations(book)
    _check_stocks(book)
    _check_series(book)


def _check_unique(book: Book) -> None:
    for name, keys in IDENTITY.items():
        if name not in ("flows", "links"):
            _check_twice(book, name, book.typed[name], list(keys))
    flows, links = set(book.column("flows", "id")), book.column("links", "id")
    taken = [row for row, name in enumerate(links) if name in flows]
    book.report(
        "links", taken, lambda row: (f"a flow is also called `{links[row]}`.", "Give one another `id`.")
    )
    for name in ("flows", "links"):
        _check_twice(book, name, book.typed[name], ["id"])


def _check_twice(book: Book, name: str, frame: pd.DataFrame, keys: list[str]) -> None:
    doubled = frame.duplicated(keys).to_numpy() & (frame[keys[0]] != "").to_numpy()
    if not doubled.any():
        return
    labels = _labels(frame, keys)
    files, lines = frame["file"].to_numpy(), frame["line"].to_numpy()

    def say(row: int) -> tuple[str, str]:
        first = int(np.flatnonzero(labels == labels[row])[0])
        called = " ".join(str(frame[key].iloc[row]) for key in keys if frame[key].iloc[row] != "")
        place = f"{files[first]}:{lines[first]}" if files[first] else f"row {first + 1}"
        return f"`{called}` is stated twice.", f"The first is at {place}: keep one, or give it another name."

    book.report(name, doubled, say)


def check_known(book: Book, name: str, column: str, known: Set[str], what: str, table: str = "") -> None:
    """Report cells that are not empty and not known."""
    texts = book.column(name, column)
    odd = [row for row, text in enumerate(texts) if text and text not in known]

    def say(row: int) -> tuple[str, str]:
        hint = nearest(texts[row], known) or (f"Declare it under `{table}:`." if table else "")
        return f"`{column}`: there is no {what} `{texts[row]}`.", hint

    book.report(name, odd, say, column)


def _check_goods(book: Book) -> None:
    goods, recipes = set(book.column("goods", "id")), set(book.column("recipes", "recipe"))
    for name, columns in TABLES.items():
        for column in columns:
            if column.of == "goods":
                check_known(book, name, column.name, goods, "good", "goods")
    for name in ("flows", "links"):
        check_known(book, name, "limit_of", goods, "good", "goods")
    for name in ("processes", "substitutes", "prices"):
        check_known(book, name, "recipe", recipes, "recipe", "recipes")


def _check_processes(book: Book) -> None:
    processes = book.typed["processes"]
    names, kinds = processes["id"].to_numpy(), processes["kind"].to_numpy()
    taken = np.isin(names, list(OUTSIDE))
    book.report("processes", taken, lambda row: (f"`{names[row]}` is a place outside.", "Choose another id."))
    book.report("processes", kinds == "pool", ("a pool is no process.", "Name it under `pools:`."), "kind")
    hint = f"Draw flows from or to {', '.join(OUTSIDE)}."
    book.report("processes", kinds == "outside", ("a place outside is no process.", hint), "kind")
    for name in ("processes", "heats", "waters", "water_quality"):
        for column, most in (("days", 366), ("hours", 8784)):
            time = book.column(name, column)
            odd = ~np.isnan(time) & ~((time > 0) & (time <= most))
            hint = f"A year has at most {most} {column}."
            book.report(name, odd, (f"`{column}` is no operating time.", hint), column)
    check_known(book, "pools", "site", set(processes["site"]), "site of a process")


def _check_ends(book: Book) -> None:
    """Flows and links run between two different places that exist."""
    pools = book.typed["pools"]
    inside = {*book.column("processes", "id"), *map(pool_id, pools["site"], pools["good"])}
    for name in ("flows", "links"):
        check_known(book, name, "from", inside | {"market", "nature"}, "process", "processes")
        check_known(book, name, "to", inside | (set(OUTSIDE) - {"nature"}), "process", "processes")
        same = book.column(name, "from") == book.column(name, "to")
        book.report(
            name, same, ("it runs from a process to itself.", "What a process keeps for itself is no flow.")
        )


def _check_lines(book: Book) -> None:
    """Each recipe has one reference line and at most one closing line, which is an output."""
    import pandas as pd

    recipes = book.typed["recipes"]
    if recipes.empty:
        return
    codes, names = pd.factorize(recipes["recipe"])
    first = np.full(len(names), len(codes))
    np.minimum.at(first, codes, np.arange(len(codes)))
    roles = recipes["role"].to_numpy()
    references = np.bincount(codes, roles == "reference", len(names))
    closings = np.bincount(codes, roles == "closing", len(names))

    def check(faulty: np.ndarray, what: str, hint: str) -> None:
        book.report("recipes", first[faulty], lambda row: (f"`{names[codes[row]]}` has {what}.", hint))

    check(references == 0, "no reference line", "Name the line that activity counts: `reference: GOOD`.")
    check(references > 1, "more than one reference line", "Activity counts one line.")
    check(closings > 1, "more than one closing line", "One output takes the difference.")
    inputs = (roles == "closing") & (recipes["direction"] == "in").to_numpy()
    book.report("recipes", inputs, ("a closing line must be an output.", "Name an output."), "role")


# ---- facts ----


def _check_facts(book: Book) -> None:
    facts = book.typed["facts"]
    if facts.empty:
        return
    kinds = np.stack([(facts[kind] != "").to_numpy() for kind in FACTS])
    several = kinds.sum(axis=0) != 1
    book.report("facts", several, lambda row: _say_kinds(kinds[:, row]))
    layers = {*BASE_LAYERS, "all", *book.column("layers", "id")}
    check_known(book, "facts", "layer", layers, "layer", "layers")
    check_known(book, "facts", "at", set(book.column("processes", "id")), "process", "processes")
    _check_values_of_facts(book)
    _check_subjects(book)


def _say_kinds(said: np.ndarray) -> tuple[str, str]:
    stated = " and ".join(f"`{kind}`" for kind, here in zip(FACTS, said, strict=True) if here)
    return (
        f"a fact states {stated or 'none of its four kinds'}.",
        "Say one of given, transfer, share or limit.",
    )


def _stated(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Rows that say something in a column."""
    values = frame[column].to_numpy()
    if values.dtype.kind != "f":
        return values.astype(bool)
    unit = f"{column}_unit"
    return ~np.isnan(values) | ((frame[unit] != "").to_numpy() if unit in frame.columns else False)


def _check_values_of_facts(book: Book) -> None:
    """Each kind of fact has what it needs and nothing that it would not read."""
    facts = book.typed["facts"]
    said = {column: _stated(facts, column) for columns in FACTS.values() for column in columns}
    for column in SERIES["facts"]:
        said[column] = said[column] | np.isin("facts." + facts["id"].to_numpy(), _changing(book, column))

    def check(kind: str, faulty: np.ndarray, message: str, hint: str) -> None:
        book.report("facts", (facts[kind] != "").to_numpy() & faulty, (f"`{kind}` {message}", hint), kind)

    for kind, columns in FACTS.items():
        for column in (column for column in said if column not in columns):
            check(kind, said[column], f"takes no `{column}`.", f"It goes with {', '.join(columns)}.")
    for kind in ("transfer", "share"):
        check(kind, ~said["at"], "names no process.", "Say `at: PROCESS`.")
        check(kind, ~said["value"], "has no `value`.", "Write `value: 40 %`.")
    check("share", ~said["of"], "states no base.", "Write `of: same_good`, `of: all` or `of: [goods]`.")
    count = np.sum([said[column] for column in FACTS["given"]], axis=0)
    check("given", count == 0, "has no value.", "State one of amount, activity, stock_change and stock.")
    check(
        "given",
        count > 1,
        "has more than one value.",
        "State one of amount, activity, stock_change and stock.",
    )
    check("given", said["stock"] & np.isnan(facts["year"]), "a stock has no year.", "Write `year: 2025`.")
    check("limit", ~said["max"] & ~said["min"], "has no `max` and no `min`.", "State one of them.")


def _check_subjects(book: Book) -> None:
    """Facts speak of flows, goods and processes that exist, and of one only where they state an amount."""
    facts = book.typed["facts"]
    flow_ids = {*book.column("flows", "id"), *book.column("links", "id")}
    drawn = {*book.column("flows", "good"), *book.column("links", "good")}
    goods, processes = set(book.column("goods", "id")), set(book.column("processes", "id"))
    for column in ("transfer", "share", "origin"):
        check_known(book, "facts", column, flow_ids | goods, "flow or good")
    bases = flow_ids | goods | {"all", "same_good"}
    base = facts["of"].to_numpy()
    odd = [row for row, names in enumerate(base) if not bases.issuperset(names)]
    book.report("facts", odd, lambda row: _say_base(base[row], bases), "of")
    for kind in ("given", "limit"):
        check_known(book, "facts", kind, flow_ids | drawn | processes, "flow or process", "flows")
    subject = facts["given"].where(facts["given"] != "", facts["limit"]).to_numpy()
    named = flow_ids | processes
    by_good = [row for row, name in enumerate(subject) if name in drawn and name not in named]
    if by_good:
        meant = subjects(book.typed)
        several = [row for row in by_good if len(meant[subject[row]]) > 1]
        book.report("facts", several, lambda row: _say_several(subject[row], meant[subject[row]]))
    _check_given(book, np.array([name in processes for name in subject], dtype=bool))


def _say_base(base: tuple[str, ...], known: set[str]) -> tuple[str, str]:
    name = next(name for name in base if name not in known)
    return f"`of`: there is no flow or good `{name}`.", nearest(name, known)


def _say_several(subject: str, meant: list[str]) -> tuple[str, str]:
    listed = ", ".join(f"`{name}`" for name in meant[:6])
    return f"`{subject}` may mean {listed}.", "Write the id of the flow."


def _check_correlations(book: Book) -> None:
    """They tie two different numbers of the scenario, by a coefficient within -1 and 1."""
    table = book.typed["correlations"]
    if table.empty:
        return
    known = {*book.column("flows", "id"), *book.column("facts", "id"), *_row_names(book, "contents")}
    for end in ("one", "other"):
        check_known(book, "correlations", end, known, "flow, fact or content")
    same = (table["one"] == table["other"]).to_numpy()
    book.report("correlations", same, ("it ties a number to itself.", "Name two numbers."))
    odd = ~(table["value"].abs() < 1).to_numpy()
    hint = "Write a number between -1 and 1; what always errs alike is one number."
    book.report("correlations", odd, ("`value` is no coefficient of correlation.", hint))
    pairs = [frozenset(pair) for pair in zip(table["one"], table["other"], strict=True)]
    again = [row for row, pair in enumerate(pairs) if pair in pairs[:row] and len(pair) == 2]
    book.report("correlations", again, ("these two are tied already.", "Keep one of the rows."))


def _check_given(book: Book, is_process: np.ndarray) -> None:
    """A process has an activity or a stock change, a flow has an amount."""
    facts = book.typed["facts"]
    given, amount = (facts["given"] != "").to_numpy(), _stated(facts, "amount")
    hint = "Write `activity:`, or name one of its flows."
    book.report("facts", given & is_process & amount, ("a process has no `amount`.", hint), "amount")
    hint = "State its `amount:`, or name a process."
    book.report("facts", given & ~is_process & ~amount, ("a flow has an `amount` only.", hint), "given")


# ---- stocks and years ----


def _check_stocks(book: Book) -> None:
    """Stocks stand in stores, one for each good, and say how long things last and what stands at first."""
    processes, stocks = book.typed["processes"], book.typed["stocks"]
    if stocks.empty:
        return
    stores = (processes["kind"].isin(["store", "dispose"]) & (processes["recipe"] == "")).to_numpy()
    check_known(book, "stocks", "at", set(processes["id"][stores]), "store")
    hint = "A store keeps one stock of a good."
    check_known(book, "stocks", "within", set(stocks["id"]), "stock")
    _check_parts(book, dict(zip(stocks["id"], stocks["within"], strict=True)))
    twice = stocks.duplicated(["at", "good"]).to_numpy()
    book.report("stocks", twice, ("another stock keeps the same good there.", hint))
    silent = ~stocks["good"].isin(book.column("lifetimes", "good")).to_numpy()
    silent &= (stocks["distribution"] == "").to_numpy()
    hint = "Write `distribution:` and `mean:`, or `distribution: unlimited` for what stays."
    book.report("stocks", silent, ("nothing says how long the good lasts.", hint))
    own = (stocks["distribution"] == "").to_numpy() & ~np.isnan(stocks["mean"].to_numpy())
    book.report("stocks", own, ("`mean` has no `distribution`.", f"Known: {', '.join(LIFETIMES)}."))
    initial, age = _stated(stocks, "initial"), ~np.isnan(stocks["age"].to_numpy())
    book.report("stocks", age & ~initial, ("`age` goes with `initial`.", "State what stands there at first."))
    entered = np.isin("stocks." + stocks["id"].to_numpy(), _changing(book, "entered"))
    both = ("`initial` and its `entered` both say what stands at first.", "Keep one of them.")
    book.report("stocks", initial & entered, both)


def _check_parts(book: Book, within: Mapping[str, str]) -> None:
    """No stock is, through what it is a part of, a part of itself."""
    around = []
    for row, name in enumerate(within):
        seen, at = {name}, within[name]
        while at in within and at not in seen:
            seen.add(at)
            at = within[at]
        if at == name:
            around.append(row)
    hint = "Leave out one `within`."
    book.report("stocks", around, ("it is a part of itself.", hint), "within")


def _check_spaces(book: Book) -> None:
    """What stands at first fits into the space of its stock, or of its store, which says one of its kinds."""
    processes, stocks, goods = (book.typed[name] for name in ("processes", "stocks", "goods"))
    own = stocks["space"].notna().to_numpy()
    over = stocks["initial"].to_numpy() > stocks["space"].to_numpy()
    book.report("stocks", over, ("`initial` is more than its `space` holds.", "Raise `space`."))
    volume, mass = (processes[name].notna().to_numpy() for name in ("space", "tonnage"))
    hint = "Keep one: `space` is a volume, `tonnage` a mass."
    book.report("processes", volume & mass, ("`space` and `tonnage` both say how much it holds.", hint))
    kept = processes["id"].isin(stocks["at"]).to_numpy()
    hint = "Give it a stock: `stocks: {heap: {at: ..., good: ..., distribution: unlimited}}`."
    book.report("processes", (volume | mass) & ~kept, ("it keeps no stock that could fill it.", hint))
    twice = own & stocks["at"].isin(processes["id"][volume | mass]).to_numpy()
    hint = "Leave one of the two out."
    book.report("stocks", twice, ("its store states the space of all its stocks.", hint), "space")
    by_volume = stocks["at"].isin(processes["id"][volume]).to_numpy()
    light = goods["id"][(goods["kind"] == "material") & ~(goods["density"] > 0)]
    silent = by_volume & stocks["good"].isin(light).to_numpy()
    hint = (
        "State the `density` of the good in t/m3, or write `tonnage: 5 Mt` for the store instead of `space`."
    )
    book.report("stocks", silent, ("nothing says how much of the space its good takes.", hint), "good")


def _changing(book: Book, column: str) -> np.ndarray:
    """What changes over the years in one column, as `TABLE.ID`."""
    series = book.typed["series"]
    return series["of"].to_numpy()[_stated(series, column)]


def _check_series(book: Book) -> None:
    """A series names a row that is there, and one number of it that the row does not state itself."""
    series = book.typed["series"]
    if series.empty:
        return
    fields = sorted({column for columns in SERIES.values() for column in columns})
    said = np.stack([_stated(series, column) for column in fields])
    hint = f"Known: {', '.join(fields)}."
    book.report("series", said.sum(axis=0) != 1, ("a row states one number, and which.", hint))
    of = series["of"].to_numpy()
    names = {table: set(_row_names(book, table)) for table in SERIES}
    known = {f"{table}.{name}" for table, rows in names.items() for name in rows}
    check_known(book, "series", "of", known, "row that can change,")
    for row in np.flatnonzero(~series["wrong"].to_numpy()).tolist():
        table, _, name = of[row].partition(".")
        field = fields[int(said[:, row].argmax())]
        if field not in SERIES[table]:
            hint = f"Over the years {table} may change {', '.join(SERIES[table])}."
            book.report("series", [row], (f"`{of[row]}` has no `{field}`.", hint))
        elif table != "contents" and field in book.typed[table].columns:
            own = (book.column(table, "id") == name) & _stated(book.typed[table], field)
            hint = "Leave it out there, and state its years here."
            if own.any():
                book.report("series", [row], (f"`{of[row]}` states its own `{field}`.", hint))


def _row_names(book: Book, table: str) -> list[str]:
    """What a series calls the rows of a table."""
    if table != "contents":
        return [name for name in book.column(table, "id") if name]
    contents = book.typed["contents"]
    return [f"{good}.{layer}" for good, layer in zip(contents["good"], contents["layer"], strict=True)]


# ---- canonical units ----


def to_canonical(typed: Frames, problems: list[Problem]) -> None:
    """Amounts in the unit of their good, per year; unit columns go."""
    book = Book(typed, problems)
    goods = typed["goods"].drop_duplicates("id").set_index("id")
    for name in ("recipes", "prices", "flows", "links"):
        _convert(book, name, typed[name]["good"].to_numpy(), goods)
    _convert(book, "processes", reference_goods(typed), goods)
    _convert(book, "facts", _fact_goods(typed), goods)
    _convert(book, "stocks", typed["stocks"]["good"].to_numpy(), goods)
    _convert(book, "series", _series_goods(typed), goods)
    _convert_networks(book, goods)
    for name, frame in typed.items():
        typed[name] = frame.drop(columns=[column for column in frame.columns if column.endswith("_unit")])


def _convert_networks(book: Book, goods: pd.DataFrame) -> None:
    """Heat in GJ/a, water in m3/a, loads in t/a; a load runs as long as its place in the water network."""
    import pandas as pd

    counted = pd.DataFrame({"kind": ["energy", "water"]}, index=["heat", "water"]).reindex(
        columns=goods.columns
    )
    for name, what in (("heats", "heat"), ("waters", "water"), ("water_quality", "")):
        _convert(book, name, np.full(len(book.typed[name]), what, dtype=object), counted)


def reference_goods(typed: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """For each process the good that its activity counts; ``""`` without a recipe."""
    recipes = typed["recipes"]
    lines = recipes[recipes["role"] == "reference"]
    reference = dict(zip(lines["recipe"], lines["good"], strict=True))
    return objects([reference.get(recipe, "") for recipe in typed["processes"]["recipe"]])


def _fact_goods(typed: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """For each fact the good whose unit its amounts must have."""
    facts = typed["facts"]
    if facts.empty:
        return objects([])
    good_of = dict(zip(typed["processes"]["id"], reference_goods(typed), strict=True))
    flows: dict[str, str] = {}
    for name in ("links", "flows"):
        flows.update(zip(typed[name]["good"], typed[name]["good"], strict=True))
        flows.update(zip(typed[name]["id"], typed[name]["good"], strict=True))
    subject = facts["given"].where(facts["given"] != "", facts["limit"])
    goods = []
    for name, layer in zip(subject, facts["layer"], strict=True):
        if name in good_of:
            goods.append(good_of[name])
        else:
            goods.append(SHARE if name == "" else flows.get(name, "") if layer in BASE_LAYERS else "")
    return np.where(_stated(facts, "stock"), STOCK, objects(goods))


def _series_goods(typed: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """For each row of a series the good whose unit its amount must have."""
    good_of: dict[str, str] = {}
    goods = {"processes": reference_goods(typed), "facts": _fact_goods(typed)}
    for table in SERIES if len(typed["series"]) else ():
        if table != "contents":
            names = goods[table] if table in goods else typed[table]["good"]
            rows = zip(typed[table]["id"], names, strict=True)
            good_of.update({f"{table}.{name}": good for name, good in rows})
    return objects([good_of.get(of, "") for of in typed["series"]["of"]])


def _convert(book: Book, name: str, good_of: np.ndarray, goods: pd.DataFrame) -> None:
    """Convert every quantity column of one table that is counted in the unit of a good."""
    import pandas as pd

    frame = book.typed[name]
    if frame.empty:
        return
    good_codes, good_names = pd.factorize(good_of)
    for column in TABLES[name]:
        if column.of not in COUNTED:
            continue
        found = frame[f"{column.name}_unit"].to_numpy()
        stated = (found != "") & (found != UNREADABLE) & ~frame["wrong"].to_numpy()
        if column.kind == "limit":
            stated &= (frame[f"{column.name}_of"] == "").to_numpy()
        rows = np.flatnonzero(stated)
        unit_codes, unit_names = pd.factorize(found[rows])
        pairs, inverse = np.unique(unit_codes * len(good_names) + good_codes[rows], return_inverse=True)
        values = frame[column.name].to_numpy(dtype=float, copy=True)
        for position, pair in enumerate(pairs.tolist()):
            unit, good = unit_names[pair // len(good_names)], good_names[pair % len(good_names)]
            mine = rows[inverse == position] if len(pairs) > 1 else rows
            factor: np.ndarray | float | str = _factor(unit, good, str(column.of), goods)
            if isinstance(factor, str) and unit.endswith(("/d", "/h")) and "days" in frame:
                factor, mine = _operating(book, name, column.name, mine, unit, good, goods)
            if isinstance(factor, str):
                book.report(name, mine, (f"`{column.name}` is in {unit}: {factor}", ""), column.name)
            else:
                with np.errstate(over="ignore"):
                    values[mine] *= factor
        far = rows[~np.isfinite(values[rows])]
        book.report(name, far, (f"`{column.name}` is out of range.", "Write a smaller number."), column.name)
        frame[column.name] = values


def _factor(unit: str, good: str, of: str, goods: pd.DataFrame) -> float | str:
    """Factor from ``unit`` to the canonical one of the good, or what is wrong."""
    if good == SHARE:
        return 1.0 if unit == "1" else "a share is wanted, such as 5 %."
    if good == STOCK:
        of = "stock"
    wanted = GOOD_KINDS[str(goods.at[good, "kind"])] if good in goods.index else "t"
    suffix = "/a" if of == "amount" else ""
    base = unit
    if of.startswith("CNY/"):
        tail = "/km" if of.endswith("/km") else ""
        base = unit.removeprefix("CNY/").removesuffix(tail)
        if f"CNY/{base}{tail}" != unit:
            return f"a {'freight' if tail else 'price'} is wanted, such as CNY/{wanted}{tail}."
    elif suffix and unit.endswith(("/d", "/h")):
        return "say how many `days` or `hours` a year the process runs, or write the amount per year (/a)."
    elif suffix and not unit.endswith("/a"):
        return f"an amount per year is wanted, such as {wanted}/a."
    factor = _between(base.removesuffix(suffix), wanted, good, goods)
    if factor is None:
        return (
            f"`{good}` is counted in {wanted}{suffix}."
            if good
            else f"mass is wanted, such as {wanted}{suffix}."
        )
    return 1 / factor if of.startswith("CNY/") else factor


def _between(base: str, wanted: str, good: str, goods: pd.DataFrame) -> float | None:
    """Units of a good per other unit: water by C1, else by the density or heating value of the good."""
    if base == wanted:
        return 1.0
    if good not in goods.index:
        return None
    row = goods.loc[good]
    if row["kind"] == "water" and {base, wanted} <= {"t", "m3"}:
        return 1.0
    if wanted == "t" and base in ("m3", "Nm3") and row["density_unit"] == f"t/{base}" and row["density"] > 0:
        return float(row["density"])
    if wanted == "t" and base == "GJ" and row["lhv"] > 0:
        return 1.0 / float(row["lhv"])
    return None


def _operating(
    book: Book, name: str, column: str, rows: np.ndarray, unit: str, good: str, goods: pd.DataFrame
) -> tuple[np.ndarray | str, np.ndarray]:
    """Per-day and per-hour amounts become yearly by the time that the row runs: factors, and rows."""
    time = book.column(name, "days" if unit.endswith("/d") else "hours")[rows]
    silent = rows[np.isnan(time)]
    hint = "Say how many `days` or `hours` a year it runs, or write the amount per year (/a)."
    book.report(name, silent, (f"`{column}` is in {unit}.", hint), column)
    rows, time = rows[~np.isnan(time)], time[~np.isnan(time)]
    factor = _factor(f"{unit[:-2]}/a", good, "amount", goods)
    return (factor if isinstance(factor, str) else factor * time), rows


# ---- values ----


def check_values(typed: Frames, problems: list[Problem]) -> None:
    """Recipes close, shares add up to no more than one, and nothing is said twice or upside down."""
    book = Book(typed, problems)
    _check_closure(book)
    _check_sums(book)
    _check_spaces(book)
    _check_order(book)
    _check_runs(book)


def _check_runs(book: Book) -> None:
    """What a process says of its activity fits together."""
    frame = book.typed["processes"]
    load, capacity, activity = (
        ~np.isnan(frame[column].to_numpy()) for column in ("load", "capacity", "activity")
    )
    bare = (frame["recipe"] == "").to_numpy()
    book.report(
        "processes", load & ~capacity, ("`load` needs a `capacity`.", "State it, or `activity`."), "load"
    )
    book.report(
        "processes", load & activity, ("`load` and `activity` say the same.", "State one of them."), "load"
    )
    hint = "State the amount or the `limit` of one of its flows instead."
    for column, said in (("activity", activity), ("capacity", capacity)):
        book.report("processes", said & bare, (f"`{column}` needs a `recipe`.", hint), column)


def _check_order(book: Book) -> None:
    """Lower ends lie below upper ends, and what divides is above zero."""
    pairs = [
        (name, "low", "high") for name, columns in TABLES.items() if any(c.name == "low" for c in columns)
    ]
    pairs += [("flows", "minimum", "limit"), ("links", "minimum", "limit"), ("facts", "min", "max")]
    for name, low, high in pairs:
        frame = book.typed[name]
        upside_down = (frame[low] > frame[high]).to_numpy()
        if high == "limit":
            upside_down = upside_down & (frame["limit_of"] == "").to_numpy()
        book.report(name, upside_down, (f"`{low}` is above `{high}`.", "Swap them."), low)
    for name, column in (
        ("substitutes", "ratio"),
        ("lifetimes", "mean"),
        ("goods", "lhv"),
        ("goods", "density"),
    ):
        zero = (book.typed[name][column] <= 0).to_numpy()
        book.report(name, zero, (f"`{column}` must be above 0.", "Leave it out if it is not known."), column)


def _check_closure(book: Book) -> None:
    """Inputs and outputs of each recipe agree in mass (C5); a closing line without amount gets its value."""
    import pandas as pd

    recipes = book.typed["recipes"]
    if recipes.empty:
        return
    amounts = recipes["amount"].to_numpy(dtype=float, copy=True)
    good, roles = recipes["good"].to_numpy(), recipes["role"].to_numpy()
    blank = np.isnan(amounts)
    book.report(
        "recipes",
        blank & (roles != "closing"),
        lambda row: (f"`{good[row]}` has no amount.", "Write `1.2 t`."),
    )
    empty = (amounts <= 0) & (roles == "reference")
    book.report("recipes", empty, ("the reference amount must be above 0.", "Write `1 t`."), "amount")
    kind_of = dict(zip(book.column("goods", "id"), book.column("goods", "kind"), strict=True))
    mass = np.array([MASS[kind_of.get(name, "material")] for name in good])
    codes, names = pd.factorize(recipes["recipe"])
    with np.errstate(over="ignore", invalid="ignore"):
        tonnes = np.where(blank, 0.0, amounts) * mass
        taken = np.bincount(codes, np.where(recipes["direction"] == "in", tonnes, 0.0), len(names))
        given = np.bincount(codes, np.where(recipes["direction"] == "in", 0.0, tonnes), len(names))
        gap = taken - given
    closing = np.flatnonzero(blank & (roles == "closing"))
    unclosable = closing[(mass[closing] == 0) & (np.abs(gap[codes[closing]]) > 0)]
    book.report(
        "recipes",
        unclosable,
        lambda row: (f"`{good[row]}` has no mass and closes nothing.", "Name a material."),
    )
    amounts[closing] = gap[codes[closing]]
    gap[codes[closing]] = np.minimum(gap[codes[closing]], 0.0)
    sound = np.bincount(codes, recipes["wrong"].to_numpy(), len(names)) == 0
    with np.errstate(invalid="ignore"):
        closes = np.isfinite(gap) & (np.abs(gap) <= CLOSURE * np.maximum(taken, given))
    first = [int(np.flatnonzero(codes == code)[0]) for code in np.flatnonzero(sound & ~closes)]

    def say(row: int) -> tuple[str, str]:
        more, less = ("in", "out") if gap[codes[row]] > 0 else ("out", "in")
        message = (
            f"`{names[codes[row]]}` does not close: {abs(gap[codes[row]]):.6g} t more go {more} than {less}."
        )
        return message, "Name a `closing` output, or mend an amount (convention C5)."

    book.report("recipes", first, say)
    recipes["amount"] = np.where(np.isnan(amounts), amounts, np.maximum(amounts, 0.0))


def _check_sums(book: Book) -> None:
    """Exact transfer coefficients, and exact shares of one base, add up to at most one."""
    facts = book.typed["facts"]
    sound = ~facts["wrong"].to_numpy()
    for column in ("sd", "cv", "ci95", "low"):
        sound &= ~_stated(facts, column)
    transfers = facts[sound & (facts["transfer"] != "").to_numpy()]
    _check_sum(book, "transfer", transfers, _labels(transfers, ["at", "layer", "origin", "year"]))
    shares = facts[sound & (facts["share"] != "").to_numpy()]
    labels = _labels(shares, ["at", "layer", "into", "of", "year"])
    _check_sum(book, "share", shares, _with_same_good(book, shares, labels))


def _check_sum(book: Book, kind: str, facts: pd.DataFrame, labels: np.ndarray) -> None:
    """No group of facts with one label sums to more than one; it is reported at its last row."""
    totals = np.bincount(labels, facts["value"].to_numpy()) if len(facts) else np.empty(0)
    said = {}
    for label in np.flatnonzero(totals > 1 + 1e-9):
        group = facts[labels == label]
        said[int(group.index[-1])] = _say_sum(kind, totals[label], group)
    book.report("facts", list(said), lambda row: said[row])


def _with_same_good(book: Book, shares: pd.DataFrame, labels: np.ndarray) -> np.ndarray:
    """Labels told apart by the good where the base is `same_good`."""
    good_of: dict[str, str] = {}
    for name in ("flows", "links"):
        good_of.update(zip(book.column(name, "id"), book.column(name, "good"), strict=True))
    seen: dict[tuple[int, str], int] = {}
    out = []
    for label, subject, base in zip(labels.tolist(), shares["share"], shares["of"], strict=True):
        own = good_of.get(subject, subject) if base == ("same_good",) else ""
        out.append(seen.setdefault((label, own), len(seen)))
    return np.array(out, dtype=np.int64)


def _say_sum(kind: str, total: float, facts: pd.DataFrame) -> tuple[str, str]:
    rows = ", ".join(
        f"{name} {value * 100:.4g} %" for name, value in zip(facts[kind], facts["value"], strict=True)
    )
    fact = facts.iloc[0]
    what = "transfer coefficients" if kind == "transfer" else "shares"
    of = f" of {fact['origin']}" if fact["origin"] else ""
    message = f"{what}{of} at `{fact['at']}` for {fact['layer']} add up to {total * 100:.4g} % ({rows})."
    return message, "They may reach 100 %."
