"""A scenario: what was said, checked as a whole, in canonical units, frozen.

``read`` takes a YAML file (with its CSV libraries) or the parts of one, and either returns a `Scenario`
or raises one `InputError` that lists everything that is wrong.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim import checks, files, tables, variants
from flowsim.errors import InputError, Problem
from flowsim.files import Row
from flowsim.schema import LIBRARY, TABLES, TOP

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
"""Version of the scenario language that this flowsim reads."""


@dataclass(frozen=True)
class Scenario:
    """What a user said. ``tables`` holds one frame for each table of `flowsim.schema.TABLES`.

    All amounts are in the unit of their good per year; ``file`` and ``line`` of each row are kept.
    """

    file: str
    name: dict[str, str]
    description: dict[str, str]
    year: int
    tables: Mapping[str, pd.DataFrame]
    target_set: str = ""
    variant: str = ""
    variant_names: Mapping[str, dict[str, str]] = field(default_factory=dict)
    differences: tuple[variants.Difference, ...] = ()
    digest: str = ""
    _document: Row | None = field(default=None, repr=False, compare=False)

    def with_variant(self, name: str) -> Scenario:
        """The same scenario with the differences of one variant.

        Raises
        ------
        InputError : an unknown variant, or one that does not fit
        """
        if self._document is None:
            raise InputError("this scenario was made from tables and has no variants.")
        return _from_document(self._document, name)


def read(path: str | Path, variant: str | None = None) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path : a YAML file in the scenario language
    variant : the variant to apply; without it the scenario as it stands

    Raises
    ------
    InputError : everything that is wrong with the file, its libraries and its variants, at once
    """
    document = files.read_yaml(path)
    return _from_document(document, variant)


def from_tables(year: int = 0, name: str = "", **frames: pd.DataFrame) -> Scenario:
    """A scenario straight from tables whose amounts are floats in canonical units.

    The way in for generated or large data: columns that are left out get their defaults, nothing is
    parsed, and only the references between the tables are checked.

    Raises
    ------
    InputError : an unknown table or column, or a reference to something that is not there
    """
    import pandas as pd

    problems: list[Problem] = []
    filled = {}
    for key in TABLES:
        empty = tables.typed([], key, [])
        frame = frames.pop(key, None)
        if frame is None:
            filled[key] = empty
            continue
        for column in frame.columns:
            if column not in empty.columns:
                hint = tables.nearest(column, empty.columns)
                problems.append(Problem(f"unknown column `{column}` in {key}.", hint=hint))
        filled[key] = _filled(pd.DataFrame(frame), empty, key)
    for key in frames:
        problems.append(Problem(f"unknown table `{key}`.", hint=tables.nearest(key, TABLES)))
    _raise(problems)
    checks.check_references(filled, problems)
    _raise(problems)
    digest = hashlib.sha256()
    for key in sorted(filled):
        digest.update(pd.util.hash_pandas_object(filled[key].astype(str), index=False).to_numpy().tobytes())
    return Scenario("", {"en": name, "zh": name}, {}, year, filled, digest=digest.hexdigest())


def _filled(frame: pd.DataFrame, empty: pd.DataFrame, name: str) -> pd.DataFrame:
    """All columns of a table, in their order; what was not given gets its default."""
    import pandas as pd

    defaults = {column.name: column.default for column in TABLES[name]}
    made: dict[str, Any] = {}
    for column in empty.columns:
        default = defaults.get(column)
        if column in frame.columns:
            made[column] = frame[column].to_numpy()
        elif column == "of":
            made[column] = tables.objects([()] * len(frame))
        elif empty[column].dtype.kind in "fib":
            fill = default if default is not None else float("nan") if empty[column].dtype.kind == "f" else 0
            made[column] = np.full(len(frame), fill, dtype=empty[column].dtype)
        else:
            made[column] = np.full(len(frame), str(default or ""), dtype=object)
    if name in ("flows", "links") and "id" not in frame.columns:
        parts = [np.asarray(made[key], dtype=object) for key in ("good", "from", "to")]
        made["id"] = parts[0] + "__" + parts[1] + "__" + parts[2]
    return pd.DataFrame(made)


def _raise(problems: list[Problem]) -> None:
    if problems:
        unique = list(dict.fromkeys(problems))
        raise InputError(sorted(unique, key=lambda problem: (problem.file, problem.line)))


def _from_document(document: Row, variant: str | None) -> Scenario:
    problems: list[Problem] = []
    _check_top(document, problems)
    body = _keyed_document(document, problems)
    all_variants = document.get("variants") or Row()
    variants.check(all_variants, problems)
    log: list[variants.Difference] = []
    if variant is not None:
        _raise(problems)
        body, log = variants.apply(body, all_variants, variant)
    parts, digests = _library_parts(document, problems)
    for table in TABLES:
        if table in body:
            parts[table].extend(_raw_parts(document, table, body[table], problems))
    typed = {name: tables.typed(raws, name, problems) for name, raws in parts.items()}
    typed = checks.override_library(typed, document.file)
    checks.check_references(typed, problems)
    if not problems:
        checks.to_canonical(typed, problems)
    if not problems:
        checks.check_values(typed, problems)
    _raise(problems)
    label = _label(document, "name", problems, Path(document.file).stem)
    names = {key: _label(body or Row(), "name", problems, key) for key, body in all_variants.items()}
    return Scenario(
        file=document.file,
        name=label,
        description=_label(document, "description", problems, ""),
        year=int(document.get("year") or 0),
        tables=typed,
        target_set=document["targets"] if isinstance(document.get("targets"), str) else "",
        variant=variant or "",
        variant_names=names,
        differences=tuple(log),
        digest=_digest(body, digests),
        _document=document,
    )


def _label(row: Mapping[str, Any], key: str, problems: list[Problem], default: str) -> dict[str, str]:
    value = row.get(key)
    if isinstance(value, dict):
        return {"en": str(value.get("en", default)), "zh": str(value.get("zh", default))}
    return {"en": str(value or default), "zh": str(value or default)}


def _digest(body: Row, digests: list[str]) -> str:
    text = json.dumps(body, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256((text + "".join(digests)).encode()).hexdigest()


def _check_top(document: Row, problems: list[Problem]) -> None:
    """Known keys, the version and the year."""
    known = (*TOP, *TABLES)
    for key in document:
        if key not in known:
            hint = tables.nearest(key, known) or f"Known: {', '.join(known)}."
            problems.append(Problem(f"unknown key `{key}`.", document.file, document.lines[key], hint))
    version = document.get("flowsim")
    line = document.lines.get("flowsim", 1)
    if version is None:
        problems.append(Problem("the version of the language is missing.", document.file, 1, "Begin with `flowsim: 1`."))
    elif version != VERSION:
        hint = f"This flowsim reads version {VERSION}."
        problems.append(Problem(f"`flowsim: {version}` is not a known version.", document.file, line, hint))
    year = document.get("year")
    if year is not None and (not isinstance(year, int) or isinstance(year, bool) or not 1900 <= year <= 2200):
        problems.append(Problem(f"`year: {year}` is no year.", document.file, document.lines["year"], "Write one from 1900 to 2200."))
    for key in ("name", "description"):
        value = document.get(key)
        if isinstance(value, dict) and set(value) != {"en", "zh"}:
            problems.append(Problem(f"`{key}` needs `en` and `zh`.", document.file, document.lines[key]))
    if "variants" in document and not isinstance(document["variants"], Row | None):
        problems.append(Problem("`variants` must map names to differences.", document.file, document.lines["variants"]))
        document["variants"] = Row()


def _keyed_document(document: Row, problems: list[Problem]) -> Row:
    """The tables of the document by id, so that variants can point into them."""
    body = Row()
    body.file, body.line = document.file, document.line
    for table in TABLES:
        rows = document.get(table)
        if rows is None or (table == "targets" and isinstance(rows, str)):
            continue
        if isinstance(rows, str):
            body[table] = rows
        else:
            try:
                body[table] = variants.keyed(table, rows)
            except InputError as error:
                line = document.lines[table]
                for problem in error.problems:
                    problems.append(problem if problem.line else Problem(problem.message, document.file, line))
        body.lines[table] = document.lines[table]
    return body


def _raw_parts(document: Row, name: str, rows: Any, problems: list[Problem]) -> list[tables.Raw]:
    if isinstance(rows, str):
        path = files.inside(document.file, rows, document.lines[name], "file")
        return [tables.from_csv(name, files.read_csv(path), problems)]
    expand = _SHORTHANDS.get(name, _plain_rows)
    return [tables.from_rows(name, expand(name, rows, problems), problems)]


def _plain_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """Mapping of id → row; the id becomes a cell."""
    has_id = any(column.name == "id" for column in TABLES[name])
    out = []
    for identity, row in rows.items():
        line = rows.lines.get(identity, rows.line)
        if row is None:
            row = Row()
            row.file, row.line = rows.file, line
        if not isinstance(row, Row):
            problems.append(Problem(f"{name}: `{identity}` must be a mapping, not `{row}`.", rows.file, line))
            continue
        out.append(_with(row, {"id": row.get("id", identity)} if has_id else {}, line))
    return out


def _with(row: Row, extra: dict[str, Any], line: int) -> Row:
    made = Row(row)
    made.file, made.line, made.lines = row.file, line or row.line, dict(row.lines)
    made.update(extra)
    return made


def _cell_row(rows: Row, key: str, cells: dict[str, Any]) -> Row:
    made = Row(cells)
    made.file, made.line = rows.file, rows.lines.get(key, rows.line)
    return made


def _pool_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """``{site: [good, ...]}``"""
    out = []
    for site, goods in rows.items():
        if not isinstance(goods, list):
            problems.append(Problem(f"pools: `{site}` must list goods.", rows.file, rows.lines.get(site, rows.line)))
            continue
        out.extend(_cell_row(rows, site, {"site": site, "good": good}) for good in goods)
    return out


def _content_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """``{good: {layer: share}}``"""
    out = []
    for good, layers in rows.items():
        if not isinstance(layers, Row):
            problems.append(Problem(f"contents: `{good}` must map layers to shares.", rows.file, rows.lines.get(good, rows.line)))
            continue
        out.extend(_cell_row(layers, key, {"good": good, "layer": key, "value": value}) for key, value in layers.items())
    return out


def _price_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """``{good: 1450 CNY/t}`` or ``{good: {price: ..., ...}}``"""
    out = []
    for good, row in rows.items():
        if isinstance(row, Row):
            out.append(_with(row, {"good": row.get("good", good)}, 0))
        else:
            out.append(_cell_row(rows, good, {"good": good, "price": row}))
    return out


def _recipe_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """``{recipe: {in: {good: amount}, out: {good: amount}, reference: good, closing: good}}``"""
    out: list[Row] = []
    for recipe, body in rows.items():
        line = rows.lines.get(recipe, rows.line)
        if not isinstance(body, Row):
            problems.append(Problem(f"recipes: `{recipe}` must be a mapping with `in` and `out`.", rows.file, line))
            continue
        known = ("name", "chain", "kind", "in", "out", "reference", "closing", "source", "quality", "note")
        for key in body:
            if key not in known:
                problems.append(Problem(f"recipes: unknown key `{key}`.", body.file, body.lines[key], tables.nearest(key, known)))
        out.extend(_recipe_lines(recipe, body, line, problems))
    return out


def _recipe_lines(recipe: str, body: Row, line: int, problems: list[Problem]) -> list[Row]:
    lines = []
    outputs = body.get("out") or Row()
    reference = body.get("reference") or next(iter(outputs), "")
    goods = [*(body.get("in") or ()), *outputs]
    for role in ("reference", "closing"):
        if body.get(role) and body[role] not in goods:
            hint = tables.nearest(body[role], goods)
            problems.append(Problem(f"recipes: `{role}: {body[role]}` is no line of `{recipe}`.", body.file, body.lines[role], hint))
    for direction in ("in", "out"):
        for good, amount in (body.get(direction) or Row()).items():
            role = "reference" if good == reference else "closing" if good == body.get("closing") else ""
            cells = dict(amount) if isinstance(amount, Row) else {"amount": amount}
            cells.update(recipe=recipe, direction=direction, good=good, role=role)
            for key in ("source", "quality"):
                cells.setdefault(key, body.get(key))
            if role == "reference":
                cells.update({key: body.get(key) for key in ("name", "chain", "kind")})
            lines.append(_cell_row(body[direction], good, cells))
    return lines


_SHORTHANDS = {"pools": _pool_rows, "contents": _content_rows, "prices": _price_rows, "recipes": _recipe_rows}


def _library_parts(document: Row, problems: list[Problem]) -> tuple[dict[str, list[tables.Raw]], list[str]]:
    """The raw tables of all library folders, and the digests of their files."""
    parts: dict[str, list[tables.Raw]] = {name: [] for name in TABLES}
    digests = []
    folders = document.get("library") or []
    line = document.lines.get("library", 0)
    for folder in [folders] if isinstance(folders, str) else folders:
        try:
            path = files.inside(document.file, str(folder), line, "folder")
        except InputError as error:
            problems.extend(error.problems)
            continue
        for name in LIBRARY:
            csv = path / f"{name}.csv"
            if csv.exists():
                raw, digest, wrong = _library_table(name, str(csv), csv.stat().st_mtime_ns)
                parts[name].append(raw)
                digests.append(digest)
                problems.extend(wrong)
    return parts, digests


@functools.lru_cache(maxsize=64)
def _library_table(name: str, path: str, changed: int) -> tuple[tables.Raw, str, tuple[Problem, ...]]:
    """One library file, read once while it does not change."""
    problems: list[Problem] = []
    raw = tables.from_csv(name, files.read_csv(path), problems)
    return raw, hashlib.sha256(Path(path).read_bytes()).hexdigest(), tuple(problems)
