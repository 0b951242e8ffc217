"""Variants: named differences on a scenario document, applied with a log.

A variant is a partial scenario: it repeats the path to what it changes. ``base`` names one variant or
several that it builds on; ``open`` and ``close`` switch links; ``add`` brings new rows, ``remove`` takes
rows away; a text such as ``x 0.8`` scales the number that stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from math import isfinite
from typing import Any

from flowsim.errors import InputError, Problem
from flowsim.files import Row
from flowsim.schema import IDENTITY, TABLES
from flowsim.tables import nearest, shown

SCALE = re.compile(r"\s*[x×]\s*([0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+)\s*")
NUMBER = re.compile(r"\s*([-+]?(?:[0-9][0-9,]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(.*)", re.DOTALL)
KEYS = {
    "name": "English and Chinese name of the variant",
    "note": "remark",
    "base": "variant, or list of variants, that this one builds on",
    "open": "links to open",
    "close": "links to close",
    "add": "new rows, by table, as in a scenario",
    "remove": "rows to take away, each as `TABLE.ID`",
}
"""What a variant may say beside the tables that it changes."""


MEASURED = ("sd", "cv", "ci95", "low")
"""Keys of a fact that is uncertain: two of them on one number are two measurements of it."""


@dataclass(frozen=True)
class Difference:
    """One applied change: what stood there, what stands there now, and who said so."""

    variant: str
    path: str
    old: str
    new: str
    file: str
    line: int


@dataclass(frozen=True)
class _Change:
    """One change as a variant states it. ``path`` is a table, an id, and keys below it."""

    variant: str
    path: tuple[str, ...]
    action: str
    value: Any
    file: str
    line: int

    @property
    def key(self) -> str:
        return ".".join(self.path)

    def problem(self, message: str, hint: str = "") -> Problem:
        return Problem(f"variant `{self.variant}`: {message}", self.file, self.line, hint)


# ---- rows by id ----


def keyed(table: str, rows: Any, file: str, line: int, problems: list[Problem]) -> Row:
    """The rows of one table by id, from a mapping or a list; ``file`` and ``line`` are the table's."""
    if isinstance(rows, Row):
        made = Row(rows, rows.file, rows.line, dict(rows.lines))
        made.update(
            {
                identity: Row((), made.file, made.lines[identity])
                for identity in made
                if made[identity] is None
            }
        )
        return made
    made = Row((), file, line)
    if table in ("recipes", "contents", "pools", "water_quality"):
        example = {
            "recipes": "RECIPE: {in: ..., out: ...}",
            "contents": "GOOD: {LAYER: 3 %}",
            "pools": "SITE: [GOODS]",
            "water_quality": "PLACE: {COD: {outlet: 100 mg/L}}",
        }
        problems.append(Problem(f"`{table}` must be a mapping.", file, line, f"Write `{example[table]}`."))
    elif not isinstance(rows, list):
        hint = f"Write one row under each id, or name a CSV file such as {table}.csv."
        problems.append(Problem(f"`{table}` must hold rows, not {shown(rows)}.", file, line, hint))
    else:
        _key_list(table, rows, made, problems)
    return made


def _key_list(table: str, rows: list[Any], made: Row, problems: list[Problem]) -> None:
    """Put the rows of a list into ``made``, under the id that they state or that their parts make."""
    for row in rows:
        if not isinstance(row, Row):
            hint = "Write each as `{key: value, ...}`."
            problems.append(
                Problem(f"`{table}` holds {shown(row)} among its rows.", made.file, made.line, hint)
            )
            continue
        identity = str(row.get("id") or _made_id(table, row))
        if identity in made and table == "facts" and not row.get("id") and any(map(row.get, MEASURED)):
            identity = next(f"{identity}_{n}" for n in count(2) if f"{identity}_{n}" not in made)
        if identity in made:
            message = f"`{table}`: two rows are both called {shown(identity)}."
            hint = f"The first is at line {made.lines[identity]}; give one another `id`, or keep one."
            problems.append(Problem(message, row.file, row.line, hint))
            continue
        made[identity], made.lines[identity] = row, row.line


def _made_id(table: str, row: Mapping[str, Any]) -> str:
    """The id of a row that states none."""
    if table == "facts":
        kind = next((kind for kind in ("given", "transfer", "share", "limit") if row.get(kind)), "fact")
        parts = [kind, *(row.get(key) for key in (kind, "at", "origin", "layer", "year"))]
        return "_".join(str(part) for part in parts if part)
    keys = ("good", "from", "to") if table in ("flows", "links") else IDENTITY[table]
    return "__".join(str(row[key]) for key in keys if row.get(key))


# ---- what variants say ----


def check(variants: Row, problems: list[Problem]) -> None:
    """Every variant is well formed, has a lineage, and says something that no other says."""
    before = len(problems)
    for name, body in variants.items():
        if isinstance(body, Row):
            _check_keys(name, body, problems)
        elif body is not None:
            message = f"variant `{name}` must be a mapping of differences, not {shown(body)}."
            problems.append(Problem(message, variants.file, variants.lines[name], "Write its keys below it."))
    if len(problems) > before:
        return
    for name in variants:
        try:
            lineage(variants, name)
        except InputError as error:
            problems.extend(problem for problem in error.problems if problem not in problems)
    if len(problems) == before:
        _check_twins(variants, problems)


def _check_keys(name: str, body: Row, problems: list[Problem]) -> None:
    """Known keys, and a value of the right shape in each."""

    def wrong(key: str, message: str, hint: str = "") -> None:
        problems.append(Problem(f"variant `{name}`: {message}", body.file, body.lines[key], hint))

    for key, value in body.items():
        if key in ("base", "open", "close", "remove"):
            if not isinstance(value, str) and not _are_texts(value):
                wrong(key, f"`{key}` must be a name or a list of names, not {shown(value)}.")
        elif key == "add":
            if not isinstance(value, Row):
                wrong(
                    key, f"`add` must be a mapping, not {shown(value)}.", "Write `add: {TABLE: {ID: {...}}}`."
                )
                continue
            for table in value:
                if table not in TABLES:
                    wrong(key, f"there is no table `{table}` to add to.", nearest(table, TABLES))
                else:
                    keyed(table, value[table], value.file, value.lines[table], problems)
        elif key in TABLES:
            if not isinstance(value, Row):
                wrong(key, f"`{key}` must map ids to what changes, not {shown(value)}.")
        elif key not in KEYS:
            wrong(
                key, f"unknown key `{key}`.", nearest(key, (*KEYS, *TABLES)) or f"Known: {', '.join(KEYS)}."
            )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _check_twins(variants: Row, problems: list[Problem]) -> None:
    """Two variants that come to the same differences are one too many."""
    first: dict[str, str] = {}
    for name in variants:
        stated = [change for each in lineage(variants, name) for change in changes(variants, each)]
        said = repr([(c.path, c.action, c.value) for c in sorted(stated, key=lambda change: change.path)])
        if said in first:
            message = f"variants `{first[said]}` and `{name}` state the same differences."
            problems.append(
                Problem(message, variants.file, variants.lines[name], "Drop one of them, or change it.")
            )
        first.setdefault(said, name)


def lineage(variants: Row, name: str) -> list[str]:
    """The variant and all that it builds on, bases first.

    Raises
    ------
    InputError : an unknown variant or base, or a variant that is its own base
    """
    order: list[str] = []

    def visit(current: str, path: tuple[str, ...], file: str, line: int) -> None:
        if current not in variants:
            hint = nearest(current, variants) or f"Known: {', '.join(variants) or 'none'}."
            raise InputError(Problem(f"there is no variant `{current}`.", file, line, hint))
        if current in path:
            loop = " → ".join((*path[path.index(current) :], current))
            raise InputError(
                Problem(f"variant `{current}` is its own base ({loop}).", file, line, "Name another base.")
            )
        if current in order:
            return
        body = variants[current] or Row()
        for base in _names(body, "base"):
            visit(base, (*path, current), body.file, body.lines["base"])
        order.append(current)

    visit(name, (), variants.file, variants.line)
    return order


def _names(body: Row, key: str) -> list[str]:
    value = body.get(key) or []
    return [value] if isinstance(value, str) else value


def changes(variants: Row, name: str) -> list[_Change]:
    """The differences that one well-formed variant states itself."""
    body = variants[name] or Row()
    out = []
    for key in ("open", "close"):
        for link in _names(body, key):
            out.append(
                _Change(name, ("links", link, "open"), "set", key == "open", body.file, body.lines[key])
            )
    for item in _names(body, "remove"):
        table, _, identity = item.partition(".")
        out.append(_Change(name, (table, identity), "remove", None, body.file, body.lines["remove"]))
    add = body.get("add") or Row()
    for table in add:
        rows = keyed(table, add[table], add.file, add.lines[table], [])
        out.extend(
            _Change(name, (table, key), "add", row, rows.file, rows.lines[key]) for key, row in rows.items()
        )
    for table in TABLES:
        if table in body:
            out.extend(_leaves(name, (table,), body[table]))
    return out


def _leaves(name: str, path: tuple[str, ...], row: Row) -> Iterator[_Change]:
    for key, value in row.items():
        if isinstance(value, Row):
            yield from _leaves(name, (*path, key), value)
        else:
            yield _Change(name, (*path, key), "set", value, row.file, row.lines[key])


def touched(variants: Row, name: str) -> set[str]:
    """The tables that a variant and its bases change."""
    return {change.path[0] for each in lineage(variants, name) for change in changes(variants, each)}


# ---- applying them ----


def apply(document: Row, variants: Row, name: str) -> tuple[Row, list[Difference]]:
    """The document with one variant's differences, and the log of what changed.

    ``document`` holds the tables as `keyed` gives them. It is left as it is.

    Raises
    ------
    InputError : two differences on one key, an id that does not exist, or a number that cannot be scaled
    """
    said: dict[tuple[str, ...], _Change] = {}
    below: dict[tuple[str, ...], _Change] = {}
    log: list[Difference] = []
    problems: list[Problem] = []
    changed = _copy(document)
    for current in lineage(variants, name):
        ancestors = set(lineage(variants, current)) - {current}
        for change in changes(variants, current):
            clash = _clash(change, said, below, ancestors)
            if clash:
                problems.append(clash)
                continue
            said[change.path] = change
            below.update({change.path[:depth]: change for depth in range(1, len(change.path))})
            try:
                log.append(_apply_one(changed, change))
            except InputError as error:
                problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return changed, log


def _copy(value: Any) -> Any:
    """A document that can be changed without touching the first."""
    if isinstance(value, Row):
        return Row(
            {key: _copy(item) for key, item in value.items()}, value.file, value.line, dict(value.lines)
        )
    return value


def _clash(
    change: _Change,
    said: Mapping[tuple[str, ...], _Change],
    below: Mapping[tuple[str, ...], _Change],
    ancestors: set[str],
) -> Problem | None:
    """Two differences on one key are an error, unless one variant builds on the other."""
    above = (said.get(change.path[:depth]) for depth in range(1, len(change.path)))
    rivals = [said.get(change.path), *(other for other in above if other and other.action == "remove")]
    if change.action == "remove":
        rivals.append(below.get(change.path))
    for other in rivals:
        if other and other.variant not in ancestors:
            first = f"`{other.variant}` (line {other.line})"
            message = f"`{change.key}` is set twice: by {first} and by `{change.variant}`."
            hint = "Say it in one of them, or let one be the base of the other."
            return Problem(message, change.file, change.line, hint)
    return None


def _apply_one(document: Row, change: _Change) -> Difference:
    table, identity, *keys = change.path
    if table not in TABLES or not identity:
        hint = (
            nearest(table, TABLES) if table not in TABLES else "Write TABLE.ID, for example processes.kiln."
        )
        raise InputError(change.problem(f"`{change.key}` names no row.", hint))
    rows = document.setdefault(table, Row((), document.file, change.line))
    if change.action == "add":
        return _add(rows, identity, change)
    if change.action == "remove":
        _child(rows, identity, change)
        del rows[identity]
        return Difference(change.variant, change.key, "present", "removed", change.file, change.line)
    parent = rows
    for key in change.path[1:-1]:
        parent = _child(parent, key, change)
    return _set(parent, change.path[-1], change, is_row=not keys)


def _add(rows: Row, identity: str, change: _Change) -> Difference:
    if identity in rows:
        raise InputError(change.problem(f"`{change.key}` exists already.", "Change it without `add`."))
    rows[identity], rows.lines[identity] = _copy(change.value), change.line
    return Difference(change.variant, change.key, "", "added", change.file, change.line)


def _set(parent: Any, key: str, change: _Change, is_row: bool) -> Difference:
    if not isinstance(parent, Row):
        raise InputError(
            change.problem(f"`{change.key}`: there is nothing below `{change.path[-2]}`.", "Check the path.")
        )
    old = parent.get(key)
    if isinstance(old, Row) or (is_row and change.path[0] not in ("prices", "pools")):
        hint = "Write what changes below it; to take it away, `remove` it."
        raise InputError(
            change.problem(f"`{change.key}` stands for a row, not for {shown(change.value)}.", hint)
        )
    is_scale = isinstance(change.value, str) and SCALE.fullmatch(change.value)
    new = _scaled(old, change) if is_scale else change.value
    parent[key], parent.lines[key] = new, change.line
    return Difference(change.variant, change.key, _said(old), _said(new), change.file, change.line)


def _said(value: Any) -> str:
    """A value in the log, as a scenario would write it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_said, value))}]"
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _child(parent: Any, key: str, change: _Change) -> Any:
    if not isinstance(parent, Row) or key not in parent:
        hint = nearest(key, parent if isinstance(parent, Row) else ())
        if not hint and key == change.path[1] and change.action == "set":
            hint = "New rows, and library rows that are stated anew, go under `add:`."
        raise InputError(change.problem(f"there is no `{key}` in `{change.path[0]}` of this scenario.", hint))
    return parent[key]


def _scaled(old: Any, change: _Change) -> str:
    """The number that stood there times the factor, with the same unit."""
    factor, number = SCALE.fullmatch(change.value), NUMBER.fullmatch(str(old))
    is_number = isinstance(old, str | int | float) and not isinstance(old, bool) and number
    if not factor or not number or not is_number:
        message = f"`{change.key}` has no number to scale by `{change.value}`."
        raise InputError(change.problem(message, "Set a value instead."))
    scaled = float(number[1].replace(",", "")) * float(factor[1])
    if not isfinite(scaled):
        raise InputError(
            change.problem(f"`{change.key}` times {factor[1]} is out of range.", "Use a smaller factor.")
        )
    return f"{scaled:.15g} {number[2]}".rstrip()
