"""Variants: named differences on a scenario document, applied with a log.

A variant is a partial scenario: it repeats the path to what it changes. ``base`` names one variant or
several that it builds on; ``open`` and ``close`` switch links; ``add`` brings new rows, ``remove`` takes
rows away; a text such as ``x 0.8`` scales the number that stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flowsim.errors import InputError, Problem
from flowsim.files import Row
from flowsim.schema import TABLES
from flowsim.tables import nearest

SCALE = re.compile(r"\s*x\s*([0-9.]+(?:[eE][+-]?\d+)?)\s*")
NUMBER = re.compile(r"\s*([-+]?[0-9][0-9,]*\.?[0-9]*(?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL)
KEYS = ("name", "note", "base", "open", "close", "add", "remove")


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
    """One change as a variant states it."""

    variant: str
    path: tuple[str, ...]
    action: str
    value: Any
    file: str
    line: int

    @property
    def key(self) -> str:
        return ".".join(self.path)


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
            raise InputError(Problem(f"variant `{current}` is its own base ({loop}).", file, line, "Name another base."))
        body = variants[current] or {}
        for base in _names(body, "base"):
            visit(base, (*path, current), body.file, body.lines.get("base", body.line))
        if current not in order:
            order.append(current)

    visit(name, (), variants.file, variants.line)
    return order


def _names(body: dict[str, Any], key: str) -> list[str]:
    value = body.get(key) or []
    return [value] if isinstance(value, str) else list(value)


def check(variants: Row, problems: list[Problem]) -> None:
    """Every variant is a mapping of known keys, has a lineage, and says something of its own."""
    seen: dict[str, str] = {}
    for name, body in variants.items():
        line = variants.lines.get(name, variants.line)
        if body is not None and not isinstance(body, Row):
            problems.append(Problem(f"variant `{name}` must be a mapping of differences.", variants.file, line))
            continue
        for key in body or {}:
            if key not in KEYS and key not in TABLES:
                hint = nearest(key, (*KEYS, *TABLES))
                problems.append(Problem(f"unknown key `{key}` in variant `{name}`.", body.file, body.lines[key], hint))
        try:
            bases = lineage(variants, name)[:-1]
        except InputError as error:
            problems.extend(p for p in error.problems if p not in problems)
            continue
        said = repr((sorted(bases), sorted((c.path, c.action, repr(c.value)) for c in _changes(name, body or Row()))))
        if said in seen:
            problems.append(
                Problem(
                    f"variants `{seen[said]}` and `{name}` state the same differences.", variants.file, line, "Drop one of them."
                )
            )
        seen.setdefault(said, name)


def _changes(name: str, body: Row) -> list[_Change]:
    """The differences that one variant states, one per key."""
    changes = []
    for key in ("open", "close"):
        for link in _names(body, key):
            changes.append(_Change(name, ("links", link, "open"), "set", key == "open", body.file, body.lines[key]))
    for item in _names(body, "remove"):
        changes.append(_Change(name, tuple(str(item).split(".")), "remove", None, body.file, body.lines["remove"]))
    for table, rows in (body.get("add") or {}).items():
        for identity, row in keyed(table, rows).items():
            changes.append(_Change(name, (table, identity), "add", row, body.file, row.line or body.lines["add"]))
    for table in TABLES:
        if table in body:
            rows = body[table]
            if not isinstance(rows, Row):
                problem = Problem(f"variant `{name}`: `{table}` must map ids to what changes.", body.file, body.lines[table])
                raise InputError(problem)
            changes.extend(_leaves(name, (table,), rows))
    return changes


def _leaves(name: str, path: tuple[str, ...], row: Row) -> Iterator[_Change]:
    for key, value in row.items():
        if isinstance(value, Row):
            yield from _leaves(name, (*path, key), value)
        else:
            yield _Change(name, (*path, key), "set", value, row.file, row.lines.get(key, row.line))


def apply(document: Row, variants: Row, name: str) -> tuple[Row, list[Difference]]:
    """The document with one variant's differences, and the log of what changed.

    Raises
    ------
    InputError : two differences on one key, an id that does not exist, or a number that cannot be scaled
    """
    order = lineage(variants, name)
    said: dict[str, _Change] = {}
    log: list[Difference] = []
    problems: list[Problem] = []
    changed = _copy(document)
    for current in order:
        ancestors = set(lineage(variants, current))
        for change in _changes(current, variants[current] or Row()):
            clash = _clash(change, said, ancestors)
            if clash:
                problems.append(clash)
                continue
            said[change.key] = change
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
        return Row({key: _copy(item) for key, item in value.items()}, value.file, value.line, dict(value.lines))
    return value


def _clash(change: _Change, said: dict[str, _Change], ancestors: set[str]) -> Problem | None:
    """Two differences on one key are an error, unless one variant builds on the other."""
    for key, other in said.items():
        same = key == change.key or change.key.startswith(key + ".") or key.startswith(change.key + ".")
        overlap = key == change.key or "remove" in (change.action, other.action)
        if same and overlap and (other.variant == change.variant or other.variant not in ancestors):
            where = f"{other.file}:{other.line}"
            message = f"`{change.key}` is set twice: by `{other.variant}` ({where}) and by `{change.variant}`."
            return Problem(message, change.file, change.line, "Say it in one of them, or in a variant that builds on both.")
    return None


def _apply_one(document: Row, change: _Change) -> Difference:
    table, *inner = change.path
    if table not in TABLES or not inner:
        hint = "Write TABLE.ID, for example processes.kiln."
        raise InputError(Problem(f"`{change.key}` names no row.", change.file, change.line, hint))
    parent: Any = document.setdefault(table, Row())
    *middle, last = inner
    if change.action == "add":
        if last in parent:
            raise InputError(Problem(f"`{change.key}` exists already.", change.file, change.line, "Change it without `add`."))
        parent[last] = change.value
        return _difference(change, "", "added")
    for key in middle:
        parent = _child(parent, key, change)
    if change.action == "remove":
        _child(parent, last, change)
        del parent[last]
        return _difference(change, "present", "removed")
    if not isinstance(parent, Row):
        raise InputError(Problem(f"`{change.key}`: there is nothing below `{middle[-1]}`.", change.file, change.line))
    old = parent.get(last)
    new = _scaled(old, change) if isinstance(change.value, str) and SCALE.fullmatch(change.value) else change.value
    parent[last] = new
    parent.lines[last] = change.line
    return _difference(change, "" if old is None else str(old), str(new))


def _child(parent: Any, key: str, change: _Change) -> Any:
    if not isinstance(parent, dict) or key not in parent:
        known = parent if isinstance(parent, dict) else ()
        hint = nearest(key, known) or "New rows go under `add:`."
        raise InputError(Problem(f"variant `{change.variant}`: there is no `{key}` in `{change.path[0]}`.", change.file, change.line, hint))
    return parent[key]


def _scaled(old: Any, change: _Change) -> str:
    match = NUMBER.fullmatch(str(old)) if old is not None else None
    if match is None:
        problem = Problem(f"`{change.key}` has no number to scale by `{change.value}`.", change.file, change.line, "Set a value.")
        raise InputError(problem)
    factor = float(SCALE.fullmatch(change.value).group(1))  # type: ignore[union-attr]
    number = float(match.group(1).replace(",", "")) * factor
    return f"{number:.12g} {match.group(2)}".rstrip()


def _difference(change: _Change, old: str, new: str) -> Difference:
    return Difference(change.variant, change.key, old, new, change.file, change.line)


def flow_id(row: dict[str, Any]) -> str:
    """The id of a flow that states none."""
    return f"{row.get('good', '')}__{row.get('from', '')}__{row.get('to', '')}"


def _fact_id(row: dict[str, Any]) -> str:
    parts = [key for key in ("given", "transfer", "share", "limit") if row.get(key)]
    kind = parts[0] if parts else "fact"
    words = [kind, row.get(kind, ""), row.get("at", ""), row.get("origin", ""), row.get("layer", "")]
    return "_".join(str(word) for word in words if word)


def keyed(table: str, rows: Any) -> Row:
    """The rows of one table, written as a list or as a mapping, by id; the shorthands of the language undone."""
    if isinstance(rows, list):
        out = Row()
        out.file = rows[0].file if rows and isinstance(rows[0], Row) else ""
        problems = []
        for row in rows:
            if not isinstance(row, Row):
                raise InputError(Problem(f"`{table}` must hold rows of `key: value`, not `{row}`."))
            identity = str(row.get("id") or (_fact_id(row) if table == "facts" else flow_id(row)))
            if table not in ("flows", "links", "facts", "goods", "processes", "layers", "targets"):
                identity = f"row_{len(out) + 1}"
            if identity in out:
                message = f"`{table}`: two rows are both called `{identity}`."
                problems.append(Problem(message, row.file, row.line, "Give one of them another `id`."))
            out[identity] = row
            out.lines[identity] = row.line
        if problems:
            raise InputError(problems)
        return out
    if not isinstance(rows, Row):
        raise InputError(Problem(f"`{table}` must be a mapping or a list of rows."))
    return rows
