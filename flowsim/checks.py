"""What must hold across the tables of a scenario: references, canonical units, sums.

Each function takes the typed tables and appends to ``problems``; `to_canonical` also rewrites amounts
into the unit of their good per year (t/a, m3/a, GJ/a) and drops the unit columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import Problem
from flowsim.schema import GOOD_KINDS, OUTSIDE, TABLES
from flowsim.tables import nearest

if TYPE_CHECKING:
    import pandas as pd

CLOSURE = 1e-6
"""A recipe closes when inputs and outputs agree within this share of their sum (convention C5)."""

OVERRIDES = {"goods": ["id"], "recipes": ["recipe"], "contents": ["good", "layer"], "prices": ["good", "recipe"]}
"""Library tables of which a scenario may restate a row, and what names the row."""

MASS = {"material": 1.0, "water": 1.0, "energy": 0.0}
"""Tonnes per canonical unit of a good: 1 t, 1 m3 of water (convention C1), energy without mass."""


def pool_id(site: str, good: str) -> str:
    """The process id of a pool."""
    return f"{site}__{good}"


def override_library(typed: Mapping[str, pd.DataFrame], scenario_file: str) -> dict[str, pd.DataFrame]:
    """A row that the scenario file states replaces the library's row of the same name."""
    out = dict(typed)
    for name, keys in OVERRIDES.items():
        frame = typed[name]
        own = (frame["file"] == scenario_file).to_numpy()
        if not own.any() or own.all():
            continue
        label = frame[keys].astype(str).agg("\0".join, axis=1)
        replaced = label.isin(set(label[own])).to_numpy() & ~own
        out[name] = frame[~replaced].reset_index(drop=True)
    return out


def check_references(typed: Mapping[str, pd.DataFrame], problems: list[Problem]) -> None:
    """Every id is unique, and every reference points at something."""
    goods, processes, recipes = typed["goods"], typed["processes"], typed["recipes"]
    _check_unique(typed, problems)
    known_goods = set(goods["id"])
    for name in ("recipes", "substitutes", "contents", "factors", "prices", "lifetimes", "flows", "links", "pools"):
        _check_known(typed[name], name, "good", known_goods, "good", problems)
    _check_known(typed["substitutes"], "substitutes", "replaces", known_goods, "good", problems)
    _check_known(processes[processes["recipe"] != ""], "processes", "recipe", set(recipes["recipe"]), "recipe", problems)
    pools = typed["pools"]
    pool_ids = {pool_id(site, good) for site, good in zip(pools["site"], pools["good"], strict=True)}
    inside = set(processes["id"]) | pool_ids
    for name in ("flows", "links"):
        frame = typed[name]
        _check_known(frame, name, "from", inside | {"market", "nature"}, "process", problems)
        _check_known(frame, name, "to", inside | (set(OUTSIDE) - {"nature"}), "process", problems)
        for row in np.flatnonzero(frame["from"] == frame["to"]):
            _report(frame, name, row, f"`{frame['id'][row]}` runs from {frame['from'][row]} to itself.", problems)
    _check_known(pools, "pools", "site", set(processes["site"]), "site", problems)
    for row in np.flatnonzero(np.isin(processes["id"].to_numpy(), list(OUTSIDE))):
        message = f"`{processes['id'][row]}` is a place outside and cannot name a process."
        _report(processes, "processes", row, message, problems, "Choose another id.")
    _check_lines(typed, problems)
    _check_facts(typed, problems)


def _report(frame: pd.DataFrame, name: str, row: int, message: str, problems: list[Problem], hint: str = "") -> None:
    file, line = str(frame["file"].iloc[row]), int(frame["line"].iloc[row])
    problems.append(Problem(f"{name}: {message}", file, line, hint))


def _check_known(
    frame: pd.DataFrame, name: str, column: str, known: set[str], what: str, problems: list[Problem]
) -> None:
    for position, value in enumerate(frame[column]):
        if value not in known and value != "":
            hint = nearest(value, known) or f"Declare it under `{what}s:`."
            _report(frame, name, position, f"there is no {what} `{value}`.", problems, hint)


def _check_unique(typed: Mapping[str, pd.DataFrame], problems: list[Problem]) -> None:
    for name in ("goods", "processes", "facts", "layers"):
        frame = typed[name]
        repeated = frame["id"][(frame["id"] != "") & frame["id"].duplicated()]
        for row in repeated.index:
            first = frame.index[frame["id"] == frame["id"][row]][0]
            hint = f"The first is at {frame['file'][first]}:{frame['line'][first]}."
            _report(frame, name, row, f"`{frame['id'][row]}` is stated twice.", problems, hint)
    flows, links = typed["flows"], typed["links"]
    names = [*flows["id"], *links["id"]]
    taken: set[str] = set()
    for position, name in enumerate(names):
        frame, row = (flows, position) if position < len(flows) else (links, position - len(flows))
        if name in taken:
            table = "flows" if frame is flows else "links"
            _report(frame, table, row, f"two flows are both called `{name}`.", problems, "Give one another `id`.")
        taken.add(name)


def _check_lines(typed: Mapping[str, pd.DataFrame], problems: list[Problem]) -> None:
    """Each recipe has one reference line and at most one closing line, which is an output."""
    recipes = typed["recipes"]
    if recipes.empty:
        return
    roles = recipes["role"].to_numpy()
    for role, most in (("reference", 1), ("closing", 1)):
        counts = recipes["recipe"][roles == role].value_counts()
        for recipe in counts.index[counts > most]:
            row = int(np.flatnonzero(recipes["recipe"] == recipe)[0])
            _report(recipes, "recipes", row, f"`{recipe}` has {counts[recipe]} {role} lines; it may have one.", problems)
    referenced = set(recipes["recipe"][roles == "reference"])
    for recipe in dict.fromkeys(recipes["recipe"]):
        if recipe not in referenced:
            row = int(np.flatnonzero(recipes["recipe"] == recipe)[0])
            hint = "Name the line that activity counts: `reference: GOOD`."
            _report(recipes, "recipes", row, f"`{recipe}` has no reference line.", problems, hint)
    wrong = (roles == "closing") & (recipes["direction"] == "in").to_numpy()
    for row in np.flatnonzero(wrong):
        _report(recipes, "recipes", row, "a closing line must be an output.", problems)
    doubled = recipes.duplicated(["recipe", "direction", "good"])
    for row in np.flatnonzero(doubled):
        message = f"`{recipes['good'][row]}` stands twice on one side of `{recipes['recipe'][row]}`."
        _report(recipes, "recipes", row, message, problems, "Add the two amounts up.")


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


def _check_facts(typed: Mapping[str, pd.DataFrame], problems: list[Problem]) -> None:
    facts = typed["facts"]
    processes = set(typed["processes"]["id"])
    goods = set(typed["goods"]["id"])
    layers = {"mass", "water", "energy", "all", *typed["layers"]["id"]}
    names = subjects(typed)
    for row in range(len(facts)):
        fact = facts.iloc[row]
        kinds = [kind for kind in ("given", "transfer", "share", "limit") if fact[kind]]
        if len(kinds) != 1:
            hint = "Say one of given, transfer, share or limit."
            said = " and ".join(f"`{kind}`" for kind in kinds) or "none of its four kinds"
            _report(facts, "facts", row, f"a fact states {said}.", problems, hint)
            continue
        kind, subject = kinds[0], fact[kinds[0]]
        if fact["layer"] not in layers:
            hint = nearest(fact["layer"], layers) or "Declare it under `layers:`."
            _report(facts, "facts", row, f"there is no layer `{fact['layer']}`.", problems, hint)
        if kind in ("given", "limit"):
            _check_subject(facts, row, kind, subject, names, processes, problems)
        else:
            if fact["at"] not in processes:
                hint = nearest(fact["at"], processes) if fact["at"] else "Say `at: PROCESS`."
                _report(facts, "facts", row, f"`{kind}: {subject}`: there is no process `{fact['at']}`.", problems, hint)
            if subject not in names and subject not in goods:
                _report(facts, "facts", row, f"there is no flow or good `{subject}`.", problems, nearest(subject, names))
            if np.isnan(fact["value"]):
                _report(facts, "facts", row, f"`{kind}: {subject}` has no `value`.", problems, "Write `value: 40 %`.")
            if kind == "share" and not fact["of"]:
                hint = "Write `of: same_good`, `of: all` or `of: [goods]`."
                _report(facts, "facts", row, f"`share: {subject}` states no base.", problems, hint)


def _check_subject(
    facts: pd.DataFrame,
    row: int,
    kind: str,
    subject: str,
    names: Mapping[str, list[str]],
    processes: Iterable[str],
    problems: list[Problem],
) -> None:
    fact = facts.iloc[row]
    values = ("amount", "activity", "stock_change") if kind == "given" else ("max", "min")
    if all(np.isnan(fact[value]) for value in values):
        _report(facts, "facts", row, f"`{kind}: {subject}` has no {' or '.join(values)}.", problems)
    if subject in set(processes):
        return
    meant = names.get(subject, [])
    if not meant:
        hint = nearest(subject, [*names, *processes]) or "Draw the flow under `flows:` first."
        _report(facts, "facts", row, f"there is no flow or process `{subject}`.", problems, hint)
    elif len(meant) > 1:
        listed = ", ".join(f"`{name}`" for name in meant[:6])
        _report(facts, "facts", row, f"`{subject}` may mean {listed}.", problems, "Write the id of the flow.")


def to_canonical(typed: dict[str, pd.DataFrame], problems: list[Problem]) -> None:
    """Amounts in the unit of their good, per year; unit columns go."""
    goods = typed["goods"].set_index("id")
    for name in ("recipes", "prices", "flows", "links"):
        _convert(typed, name, typed[name]["good"].to_numpy(), goods, problems)
    _convert(typed, "processes", reference_goods(typed), goods, problems)
    _convert(typed, "facts", _fact_goods(typed), goods, problems)
    for name, frame in typed.items():
        drop = [column for column in frame.columns if column.endswith("_unit") and column not in ("unit",)]
        typed[name] = frame.drop(columns=drop)


def reference_goods(typed: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """For each process the good that its activity counts; ``""`` without a recipe."""
    recipes = typed["recipes"]
    reference = recipes[recipes["role"] == "reference"].set_index("recipe")["good"].to_dict()
    return np.array([reference.get(recipe, "") for recipe in typed["processes"]["recipe"]], dtype=object)


def _fact_goods(typed: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """For each fact the good whose unit its amounts must have."""
    facts = typed["facts"]
    of_process = dict(zip(typed["processes"]["id"], reference_goods(typed), strict=True))
    of_flow = {}
    for name in ("flows", "links"):
        of_flow.update(zip(typed[name]["id"], typed[name]["good"], strict=True))
    names = subjects(typed)
    out = []
    for subject, other, layer in zip(facts["given"], facts["limit"], facts["layer"], strict=True):
        subject = subject or other
        if subject in of_process:
            out.append(of_process[subject])
        elif layer not in ("mass", "water", "energy") or not names.get(subject):
            out.append("")
        else:
            out.append(of_flow[names[subject][0]])
    return np.array(out, dtype=object)


def _convert(
    typed: dict[str, pd.DataFrame], name: str, good_of: np.ndarray, goods: pd.DataFrame, problems: list[Problem]
) -> None:
    """Convert every quantity column of one table that is counted in the unit of a good."""
    frame = typed[name]
    for column in TABLES[name]:
        if column.kind not in ("quantity", "limit") or column.of not in ("amount", "stock", "CNY/amount", "CNY/stock"):
            continue
        values = frame[column.name].to_numpy(dtype=float).copy()
        found = frame[f"{column.name}_unit"].to_numpy()
        rows = np.flatnonzero(~np.isnan(values) & (found != ""))
        factors: dict[tuple[str, str], float | str] = {}
        for row in rows:
            if column.kind == "limit" and frame[f"{column.name}_of"].iloc[row]:
                continue
            key = (found[row], good_of[row])
            if key not in factors:
                factors[key] = _factor(*key, str(column.of), goods)
            factor = factors[key]
            if isinstance(factor, str) and found[row].endswith(("/d", "/h")):
                factor = _operating(frame, name, row, found[row], good_of[row], str(column.of), goods)
            if isinstance(factor, str):
                said = f"`{column.name}` is in {found[row]}: {factor}"
                _report(frame, name, row, said, problems)
            else:
                values[row] *= factor
        frame[column.name] = values


def _factor(unit: str, good: str, of: str, goods: pd.DataFrame) -> float | str:
    """Factor from ``unit`` to the canonical one of the good, or what is wrong."""
    wanted = GOOD_KINDS[str(goods.at[good, "kind"])] if good in goods.index else "t"
    price = of.startswith("CNY/")
    suffix = "/a" if of == "amount" else ""
    per = unit.removeprefix("CNY/") if price else unit
    if price and per == unit:
        return f"write CNY per {wanted}."
    if not price and suffix and not per.endswith("/a"):
        if per.endswith(("/d", "/h")):
            return "say how many `days` or `hours` a year it runs, or write the amount per year (/a)."
        return f"an amount per year is wanted, such as {wanted}/a."
    base = per.removesuffix("/a") if suffix else per
    factor = _between(base, wanted, good, goods)
    if factor is None:
        what = f"`{good}` is counted in {wanted}" if good else "mass is wanted"
        return f"{what}{suffix}; this is another dimension."
    return 1 / factor if price else factor


def _between(base: str, wanted: str, good: str, goods: pd.DataFrame) -> float | None:
    """Units of a good per other unit: water by C1, else by the density or heating value of the good."""
    if base == wanted:
        return 1.0
    if good not in goods.index:
        return 1.0 if base in ("m3", "GJ") and not good else None
    row = goods.loc[good]
    if row["kind"] == "water" and {base, wanted} <= {"t", "m3"}:
        return 1.0
    density_unit = str(row.get("density_unit", ""))
    if base in ("m3", "Nm3") and wanted == "t" and density_unit == f"t/{base}":
        return float(row["density"])
    if base == "GJ" and wanted == "t" and row["lhv"] > 0:
        return 1.0 / float(row["lhv"])
    return None


def _operating(
    frame: pd.DataFrame, name: str, row: int, unit: str, good: str, of: str, goods: pd.DataFrame
) -> float | str:
    """Per-day and per-hour amounts become yearly by the operating time that the process states."""
    column, suffix = ("days", "/d") if unit.endswith("/d") else ("hours", "/h")
    time = float(frame[column].iloc[row]) if column in frame.columns else float("nan")
    if np.isnan(time):
        return _factor(unit, good, of, goods)
    most = 366 if column == "days" else 8784
    if not 0 < time <= most:
        return f"`{column}: {time:g}` is no operating time; a year has at most {most}."
    factor = _factor(unit.removesuffix(suffix) + "/a", good, of, goods)
    return factor if isinstance(factor, str) else factor * time


def check_values(typed: dict[str, pd.DataFrame], problems: list[Problem]) -> None:
    """Recipes close, coefficients add up to no more than one, and processes are said without conflict."""
    _check_closure(typed, problems)
    _check_sums(typed["facts"], problems)
    processes = typed["processes"]
    load, capacity, activity = (processes[c].to_numpy() for c in ("load", "capacity", "activity"))
    for row in np.flatnonzero(~np.isnan(load) & np.isnan(capacity)):
        _report(processes, "processes", row, "`load` needs a `capacity`.", problems)
    for row in np.flatnonzero(~np.isnan(load) & ~np.isnan(activity)):
        _report(processes, "processes", row, "`load` and `activity` say the same thing; state one.", problems)
    for row in np.flatnonzero(~np.isnan(activity) & (processes["recipe"] == "").to_numpy()):
        _report(processes, "processes", row, "`activity` needs a `recipe`.", problems, "State a flow instead.")


def _check_closure(typed: dict[str, pd.DataFrame], problems: list[Problem]) -> None:
    """Inputs and outputs of each recipe agree in mass (C5); a closing line without amount gets its value."""
    recipes = typed["recipes"]
    if recipes.empty:
        return
    kinds = typed["goods"].set_index("id")["kind"]
    mass = np.array([MASS[kinds[good]] for good in recipes["good"]])
    amounts = recipes["amount"].to_numpy(dtype=float).copy()
    closing = (recipes["role"] == "closing").to_numpy()
    for row in np.flatnonzero(np.isnan(amounts) & ~closing):
        _report(recipes, "recipes", row, f"`{recipes['good'][row]}` has no amount.", problems)
    sign = np.where(recipes["direction"] == "in", 1.0, -1.0)
    labels, groups = np.unique(recipes["recipe"].to_numpy(dtype=str), return_inverse=True)
    tonnes = np.nan_to_num(amounts) * mass
    gap = np.bincount(groups, sign * tonnes, len(labels))
    blank = closing & np.isnan(amounts)
    for row in np.flatnonzero(blank):
        amounts[row] = gap[groups[row]]
        gap[groups[row]] = 0.0
        if amounts[row] < 0:
            message = f"`{recipes['recipe'][row]}` puts out {-amounts[row]:.6g} t more than it takes in."
            _report(recipes, "recipes", row, message, problems, "The closing line would be negative.")
    size = np.bincount(groups, tonnes, len(labels)) / 2
    for group in np.flatnonzero(np.abs(gap) > CLOSURE * np.maximum(size, 1e-300)):
        row = int(np.flatnonzero(groups == group)[0])
        more = "in" if gap[group] > 0 else "out"
        message = f"`{labels[group]}` does not close: {abs(gap[group]):.6g} t more go {more}, of {size[group]:.6g} t."
        _report(recipes, "recipes", row, message, problems, "Name a `closing` output, or mend an amount (C5).")
    recipes["amount"] = amounts


def _check_sums(facts: pd.DataFrame, problems: list[Problem]) -> None:
    """Transfer coefficients out of one process, per layer and incoming good, add up to at most one."""
    transfers = facts[facts["transfer"] != ""]
    for (at, layer, origin), group in transfers.groupby(["at", "layer", "origin"], sort=False):
        total = float(group["value"].sum())
        if total > 1 + 1e-9:
            rows = ", ".join(f"{t} {v:.4g}" for t, v in zip(group["transfer"], group["value"], strict=True))
            what = f" of {origin}" if origin else ""
            message = f"transfer coefficients{what} at `{at}` for {layer} add up to {total * 100:.4g} % ({rows})."
            problems.append(
                Problem(f"facts: {message}", str(group["file"].iloc[-1]), int(group["line"].iloc[-1]), "They may reach 100 %.")
            )
