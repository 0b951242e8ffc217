"""A scenario: what was said, checked as a whole, in canonical units, frozen.

``read`` takes a YAML file, a workbook or a plain table (with CSV libraries) and either returns a `Scenario`
or raises one `InputError` that lists everything that is wrong. ``from_tables`` takes tables straight away.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim import checks, files, link_checks, pinch_checks, tables, variants
from flowsim.display import Displayed
from flowsim.document import read_document
from flowsim.errors import InputError, Problem, with_cell
from flowsim.files import Row
from flowsim.flat import UNNAMED, csv_rows, id_column
from flowsim.schema import IDENTITY, LIBRARY, TABLES, TOP
from flowsim.tables import nearest, shown

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
"""Version of the scenario language that this flowsim reads."""

SHIPPED = "flowsim"
"""Name under `library:` of the data that come with flowsim."""

YEARS = range(1900, 2201)


@dataclass(frozen=True)
class Scenario(Displayed):
    """What a user said. ``tables`` holds one frame for each table of `flowsim.schema.TABLES`.

    All amounts are in the unit of their good per year; ``file`` and ``line`` of each row are kept.
    ``hidden`` names the rows of a workbook that are read though nobody sees them there.
    """

    file: str
    name: dict[str, str]
    description: dict[str, str]
    year: int
    tables: Mapping[str, pd.DataFrame]
    target_set: str = ""
    base: str = ""
    variant: str = ""
    variant_names: Mapping[str, dict[str, str]] = field(default_factory=dict)
    differences: tuple[variants.Difference, ...] = ()
    digest: str = ""
    hidden: tuple[str, ...] = ()
    _document: Row | None = field(default=None, repr=False, compare=False)

    @property
    def document(self) -> Row:
        """What was said, as it was read.

        Raises
        ------
        InputError : the scenario was made from tables
        """
        if self._document is None:
            raise InputError("this scenario was made from tables: there is no document of it.")
        return self._document

    def with_variant(self, name: str) -> Scenario:
        """The same scenario with the differences of one variant.

        Raises
        ------
        InputError : an unknown variant, or one that does not fit
        """
        if self._document is None:
            raise InputError("this scenario was made from tables and has no variants.")
        return _from_document(self._document, name)

    def __repr__(self) -> str:
        variant = f", {self.variant}" if self.variant else ""
        counts = ", ".join(f"{len(self.tables[name])} {name}" for name in ("processes", "flows", "links"))
        return f"<Scenario {self.name['en']}{variant}: {counts}>"


def read(path: str | Path, variant: str | None = None) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path : a YAML file in the scenario language, a workbook with the same tables as sheets, or a plain table
        of flows (CSV, or the first sheet of a workbook)
    variant : the variant to apply; without it the scenario as it stands

    Raises
    ------
    InputError : everything that is wrong with the file, its libraries and its variants, at once
    """
    return _from_document(read_document(path), variant)


def example(name: str) -> Scenario:
    """Read a scenario that comes with flowsim, such as ``example("nickel_loop")``.

    Raises
    ------
    InputError : there is no example of that name
    """
    folder = files.share() / "scenarios"
    known = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if name not in known:
        hint = nearest(name, known) or f"Known: {', '.join(known)}."
        raise InputError(Problem(f"there is no example {shown(name)}.", hint=hint))
    return read(known[name])


# ---- from tables ----


def from_tables(year: int = 0, name: str = "", **frames: pd.DataFrame) -> Scenario:
    """A scenario straight from tables whose amounts are floats in canonical units.

    The way in for generated or large data: columns that are left out get their defaults and nothing is
    parsed. References between the tables are checked, and that recipes close and shares add up.

    Raises
    ------
    InputError : an unknown table or column, a column of the wrong type, or tables that do not fit
    """

    problems: list[Problem] = []
    for key in frames:
        if key not in TABLES:
            problems.append(Problem(f"unknown table `{key}`.", hint=nearest(key, TABLES)))
    filled: checks.Frames = {}
    for key in TABLES:
        empty = tables.joined([], key)
        empty = empty.drop(columns=[column for column in empty.columns if column.endswith("_unit")])
        filled[key] = _filled(frames[key], empty, key, problems) if key in frames else empty
    _raise(problems)
    checks.check_references(filled, problems)
    pinch_checks.check_networks(filled, problems)
    checks.check_values(filled, problems)
    link_checks.fill_distances(filled)
    link_checks.check_links(filled, problems)
    _raise(problems)
    digest = hashlib.sha256(str(year).encode())
    for key in sorted(frames):
        for column in frames[key].columns:
            digest.update(f"{key}.{column}".encode())
            digest.update(_bytes(filled[key][column].to_numpy()))
    return Scenario("", {"en": name, "zh": name}, {}, year, _finished(filled), digest=digest.hexdigest())


def _bytes(values: np.ndarray) -> bytes:
    return values.tobytes() if values.dtype != object else "\0".join(map(str, values)).encode()


def _filled(frame: pd.DataFrame, empty: pd.DataFrame, name: str, problems: list[Problem]) -> pd.DataFrame:
    """All columns of a table, in their order; what was not given gets its default."""

    for column in frame.columns:
        if column not in empty.columns:
            problems.append(
                Problem(f"{name}: unknown column {shown(column)}.", hint=nearest(column, empty.columns))
            )
    defaults = {column.name: column.default for column in TABLES[name]}
    lists = {column.name for column in TABLES[name] if column.kind == "list"}
    made: dict[str, np.ndarray] = {}
    for column in empty.columns:
        if column in frame.columns:
            made[column] = _cast(frame[column], empty[column].dtype.kind, f"{name}: `{column}`", problems)
        elif column in lists:
            made[column] = tables.objects([()] * len(frame))
        else:
            blank = {"f": np.nan, "i": 0, "b": False}.get(empty[column].dtype.kind, "")
            default = blank if defaults.get(column) is None else defaults[column]
            made[column] = np.full(len(frame), default, dtype=empty[column].dtype)
    if name in ("flows", "links") and "id" not in frame.columns:
        made["id"] = made["good"] + "__" + made["from"] + "__" + made["to"]
    if name == "goods":
        made["en"], made["zh"] = (np.where(made[key] == "", made["id"], made[key]) for key in ("en", "zh"))
    out = tables.frame_of(made)
    for column in TABLES[name]:
        if (
            column.required
            and column.kind in ("id", "layer", "ref", "text")
            and (out[column.name] == "").any()
        ):
            problems.append(
                Problem(f"{name}: `{column.name}` is missing ({column.en}).", hint="Fill the column.")
            )
    return out


def _cast(values: pd.Series, kind: str, what: str, problems: list[Problem]) -> np.ndarray:
    """One column as floats, truth values or texts, as the schema wants it."""
    import pandas as pd

    if kind not in "fib":
        texts = values.astype(object).where(values.notna(), "").to_numpy()
        if not all(isinstance(text, str | tuple) for text in texts):
            problems.append(Problem(f"{what} must hold texts.", hint="Convert the column first."))
        return texts
    values = values.infer_objects()
    is_flag = pd.api.types.is_bool_dtype(values.dtype)
    if not values.isna().all() and (
        is_flag != (kind == "b") or not pd.api.types.is_numeric_dtype(values.dtype)
    ):
        wanted = "true or false" if kind == "b" else "numbers"
        problems.append(Problem(f"{what} must hold {wanted}.", hint="Convert the column first."))
        return np.zeros(len(values), dtype={"f": float, "i": np.int64, "b": bool}[kind])
    if kind != "f":
        return values.fillna(0).to_numpy(dtype=np.int64 if kind == "i" else bool)
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(numbers).any():
        problems.append(Problem(f"{what} holds an infinite number.", hint="Leave it empty (NaN) instead."))
    return numbers


# ---- from a document ----


def _raise(problems: list[Problem], document: Row | None = None) -> None:
    """Raise all problems in the order of their places; those of a workbook name the cell."""
    if problems:
        letters = document.letters if document is not None else {}
        unique = dict.fromkeys(with_cell(problem, letters) for problem in problems)
        raise InputError(sorted(unique, key=lambda problem: (problem.file, problem.line)))


def _from_document(document: Row, variant: str | None) -> Scenario:
    """All that is wrong with the shape of the document is said first, then what is wrong with its rows."""
    shape: list[Problem] = []
    cells: list[Problem] = []
    _check_top(document, shape)
    body = _keyed_document(document, shape)
    stated = _variants(document, shape)
    _check_base(document, stated, shape)
    body, log = _with_differences(document, body, stated, variant, shape)
    parts, digests = _library_parts(document, shape, cells)
    for name in body:
        parts[name].extend(_own_parts(document, name, body[name], digests, shape, cells))
    _raise(shape and [*shape, *cells], document)
    typed = checks.override_library(
        {name: tables.joined(made, name) for name, made in parts.items()}, {document.file, *document.letters}
    )
    checks.check_references(typed, cells)
    checks.to_canonical(typed, cells)
    pinch_checks.check_networks(typed, cells)
    checks.check_values(typed, cells)
    link_checks.fill_distances(typed)
    link_checks.check_links(typed, cells)
    _check_target_set(document, typed, cells)
    _raise(cells, document)
    name = _label(document, "name", Path(document.file).stem)
    return Scenario(
        file=document.file,
        name=name,
        description=_label(document, "description", ""),
        year=document.get("year") or 0,
        tables=_finished(typed),
        target_set=document["targets"] if isinstance(document.get("targets"), str) else "",
        base=document.get("base") or "",
        variant=variant or "",
        variant_names={key: _label(stated[key] or Row(), "name", key) for key in stated},
        differences=tuple(log),
        digest=_digest(document, body, digests),
        hidden=tuple(document.hidden),
        _document=document,
    )


def _finished(typed: checks.Frames) -> checks.Frames:
    return {name: frame.drop(columns="wrong") for name, frame in typed.items()}


def _digest(document: Row, body: Row, digests: list[str]) -> str:
    """A digest of what the scenario says: not of its names, its layout, or the order of its entries."""
    said = [document.get("year"), document.get("targets"), body, sorted(digests)]
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _label(row: Row, key: str, default: str) -> dict[str, str]:
    """A label of a document that `_check_label` has passed."""
    en, zh = tables.label(row[key]) if row.get(key) is not None else (default, default)
    return {"en": en, "zh": zh}


def _check_label(row: Row, key: str, problems: list[Problem]) -> None:
    try:
        _label(row, key, "")
    except ValueError as error:
        problems.append(Problem(f"`{key}`: {error}", row.file, row.lines[key]))


def _check_top(document: Row, problems: list[Problem]) -> None:
    """Known keys, the version, the year and the labels."""

    def wrong(key: str, message: str, hint: str) -> None:
        problems.append(Problem(message, document.file, document.lines.get(key, 1), hint))

    known = (*TOP, *TABLES)
    for key in document:
        if key not in known:
            wrong(key, f"unknown key {shown(key)}.", nearest(key, known) or f"Known: {', '.join(known)}.")
    version = document.get("flowsim")
    if version is None:
        wrong("flowsim", "the version of the language is missing.", f"Begin with `flowsim: {VERSION}`.")
    elif version != VERSION or isinstance(version, bool):
        wrong(
            "flowsim", f"`flowsim:` {shown(version)} is no known version.", f"This flowsim reads {VERSION}."
        )
    year = document.get("year")
    if year is not None and (not isinstance(year, int) or isinstance(year, bool) or year not in YEARS):
        wrong("year", f"{shown(year)} is no year.", f"Write one from {YEARS[0]} to {YEARS[-1]}.")
    for key in ("name", "description"):
        _check_label(document, key, problems)


def _variants(document: Row, problems: list[Problem]) -> Row:
    """The variants, if they are well formed; else none, and why."""
    stated = document.get("variants")
    before = len(problems)
    if stated is None:
        return Row((), document.file, document.lines.get("variants", 1))
    if isinstance(stated, Row):
        variants.check(stated, problems)
        for body in stated.values():
            if isinstance(body, Row):
                _check_label(body, "name", problems)
    else:
        message = f"`variants` must map names to differences, not {shown(stated)}."
        problems.append(
            Problem(message, document.file, document.lines["variants"], "Write `NAME: {...}` below it.")
        )
    return stated if len(problems) == before else Row((), document.file, 1)


def _with_differences(
    document: Row, body: Row, stated: Row, variant: str | None, problems: list[Problem]
) -> tuple[Row, list[variants.Difference]]:
    """The tables with the differences of one variant; without one, all variants are tried."""
    if problems and variant is not None and variant not in stated:
        return body, []
    changed, log = body, list[variants.Difference]()
    for name in stated if variant is None else [variant]:
        try:
            made = variants.apply(_opened(document, body, variants.touched(stated, name)), stated, name)
        except InputError as error:
            problems.extend(error.problems)
            continue
        if variant is not None:
            changed, log = made
    return changed, log


def _opened(document: Row, body: Row, touched: set[str]) -> Row:
    """The tables, those that a variant changes as rows even if a CSV file holds them."""
    made = Row(body, body.file, body.line, body.lines)
    for name in touched:
        if isinstance(body.get(name), str):
            path = files.inside(document.file, body[name], document.lines[name], "file")
            rows = csv_rows(files.read_csv(path))
            problems: list[Problem] = []
            made[name] = variants.keyed(name, rows, str(path), 1, problems)
            _raise(problems)
    return made


def _check_base(document: Row, stated: Row, problems: list[Problem]) -> None:
    """The variant that changes are counted from is one of the file's."""
    name = document.get("base")
    if name is not None and (not isinstance(name, str) or name not in stated):
        hint = (isinstance(name, str) and nearest(name, stated)) or f"Known: {', '.join(stated) or 'none'}."
        message = f"`base`: there is no variant {shown(name)}."
        problems.append(Problem(message, document.file, document.lines["base"], hint))


def _check_target_set(document: Row, typed: checks.Frames, problems: list[Problem]) -> None:
    name = document.get("targets")
    known = typed["targets"]["set"].unique()
    if isinstance(name, str) and name not in known:
        hint = nearest(name, known) or f"Known: {', '.join(known) or 'none'}."
        message = f"there is no set of targets {shown(name)}."
        problems.append(Problem(message, document.file, document.lines["targets"], hint))


# ---- tables of the document ----


def _keyed_document(document: Row, problems: list[Problem]) -> Row:
    """The tables of the document by id, so that variants can point into them; a text names a CSV file."""
    body = Row((), document.file, document.line)
    for name in TABLES:
        rows = document.get(name)
        if rows is None or (name == "targets" and isinstance(rows, str)):
            continue
        line = document.lines[name]
        body[name] = (
            rows if isinstance(rows, str) else variants.keyed(name, rows, document.file, line, problems)
        )
        body.lines[name] = line
    return body


def _own_parts(
    document: Row, name: str, rows: Any, digests: list[str], shape: list[Problem], cells: list[Problem]
) -> list[dict[str, np.ndarray]]:
    """The typed columns of a table of the document, or of the CSV file that it names."""
    if not isinstance(rows, str):
        expanded = _SHORTHANDS.get(name, _plain_rows)(name, rows, shape)
        return [tables.columns_of(tables.from_rows(name, expanded, cells), cells)] if expanded else []
    try:
        path = files.inside(document.file, rows, document.lines[name], "file")
        return [_csv_part(name, path, digests, cells)]
    except InputError as error:
        shape.extend(error.problems)
        return []


def _complain(problems: list[Problem], rows: Row, key: str, message: str, hint: str = "") -> None:
    problems.append(Problem(message, rows.file, rows.lines.get(key, rows.line), hint))


def _plain_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """Mapping of id → row; the id becomes a cell."""
    key = id_column(name)
    out: list[Row] = []
    for identity, row in rows.items():
        if name == "prices" and not isinstance(row, Row):
            row = Row({"price": row}, rows.file, rows.lines[identity])
        if not isinstance(row, Row):
            _complain(problems, rows, identity, f"{name}: `{identity}` must be a mapping, not {shown(row)}.")
            continue
        given = {} if name in UNNAMED or key in row else {key: identity}
        out.append(Row({**given, **row}, row.file, rows.lines.get(identity, row.line), row.lines))
    return out


def _cell_row(rows: Row, key: str, cells: dict[str, Any]) -> Row:
    return Row(cells, rows.file, rows.lines.get(key, rows.line))


def _pool_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """``{site: [good, ...]}``"""
    out: list[Row] = []
    for site, goods in rows.items():
        if isinstance(goods, list):
            out.extend(_cell_row(rows, site, {"site": site, "good": good}) for good in goods)
        else:
            hint = "Write `SITE: [electricity, steam]`."
            _complain(problems, rows, site, f"pools: `{site}` must list goods, not {shown(goods)}.", hint)
    return out


def _content_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """``{good: {layer: share}}`` or ``{good: {layer: {value: share, ...}}}``"""
    return _nested_rows(name, rows, "layers to shares", "Write `GOOD: {Cu: 3 %}`.", problems)


def _quality_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """``{place: {substance: {inlet: ..., outlet: ...}}}``"""
    hint = "Write `PLACE: {COD: {inlet: 50 mg/L, outlet: 100 mg/L}}`."
    return _nested_rows(name, rows, "substances to concentrations", hint, problems)


def _nested_rows(name: str, rows: Row, what: str, hint: str, problems: list[Problem]) -> list[Row]:
    """Rows that two keys name, one below the other; a bare number is the ``value`` of its row."""
    outer, inner = IDENTITY[name]
    out: list[Row] = []
    for first, parts in rows.items():
        if not isinstance(parts, Row):
            _complain(problems, rows, first, f"{name}: `{first}` must map {what}, not {shown(parts)}.", hint)
            continue
        for second, value in parts.items():
            cells = value if isinstance(value, Row) else {"value": value}
            out.append(_cell_row(parts, second, {**cells, outer: first, inner: second}))
    return out


_RECIPE_KEYS = ("name", "chain", "kind", "in", "out", "reference", "closing", "source", "quality", "note")


def _recipe_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """``{recipe: {in: {good: amount}, out: {good: amount}, reference: good, closing: good}}``"""
    out: list[Row] = []
    for recipe, body in rows.items():
        if not isinstance(body, Row):
            message = f"recipes: `{recipe}` must be a mapping with `in` and `out`, not {shown(body)}."
            _complain(problems, rows, recipe, message)
            continue
        if _is_recipe(recipe, body, problems):
            out.extend(_recipe_lines(recipe, body))
    return out


def _is_recipe(recipe: str, body: Row, problems: list[Problem]) -> bool:
    """Known keys, goods on both sides, and roles that name one of them."""
    before = len(problems)
    for key, value in body.items():
        if key not in _RECIPE_KEYS:
            hint = nearest(key, _RECIPE_KEYS) or f"Known: {', '.join(_RECIPE_KEYS)}."
            _complain(problems, body, key, f"recipes: unknown key {shown(key)} in `{recipe}`.", hint)
        elif key in ("in", "out") and value is not None and not isinstance(value, Row):
            message = f"recipes: `{key}` of `{recipe}` must map goods to amounts, not {shown(value)}."
            _complain(problems, body, key, message, "Write `GOOD: 1.2 t`.")
    if len(problems) == before:
        goods = [*(body.get("in") or ()), *(body.get("out") or ())]
        if not body.get("out"):
            _complain(
                problems, body, "out", f"recipes: `{recipe}` puts nothing out.", "Write `out: {GOOD: 1 t}`."
            )
        for role in ("reference", "closing"):
            if body.get(role) is not None and body[role] not in goods:
                message = (
                    f"recipes: `{role}` of `{recipe}` is {shown(body[role])}, which is none of its lines."
                )
                _complain(problems, body, role, message, nearest(body[role], goods))
    return len(problems) == before


def _recipe_lines(recipe: str, body: Row) -> list[Row]:
    """The lines of a recipe; without a `reference` its first output is that. Roles prefer the output side."""
    sides = {"in": body.get("in") or Row(), "out": body["out"]}
    reference = body.get("reference") or next(iter(sides["out"]))
    head = {key: body[key] for key in ("name", "chain", "kind", "note") if key in body}
    origin = {key: body[key] for key in ("source", "quality") if key in body}
    lines = []
    for direction, goods in sides.items():
        for good, amount in goods.items():
            is_named_here = direction == "out" or good not in sides["out"]
            role = "reference" if good == reference else "closing" if good == body.get("closing") else ""
            cells = {**origin, **(amount if isinstance(amount, Row) else {"amount": amount})}
            cells.update(recipe=recipe, direction=direction, good=good, role=role if is_named_here else "")
            lines.append(_cell_row(goods, good, {**head, **cells} if cells["role"] == "reference" else cells))
    return lines


def _series_rows(name: str, rows: Row, problems: list[Problem]) -> list[Row]:
    """``{TABLE.ID.COLUMN: {2025: amount, 2030: amount, curve: s_curve}}``"""
    out: list[Row] = []
    for key, body in rows.items():
        of, _, column = key.rpartition(".")
        if not isinstance(body, Row):
            hint = "Write `TABLE.ID.COLUMN: {2025: 3 kt/a, 2030: 5 kt/a}`."
            message = f"series: `{key}` must map years to numbers, not {shown(body)}."
            _complain(problems, rows, key, message, hint)
        elif "of" in body:
            out.append(body)
        else:
            shared = {name: body[name] for name in ("curve", "quality", "source", "note") if name in body}
            cells = [(year, value) for year, value in body.items() if year not in shared]
            out.extend(_cell_row(body, y, {**shared, "of": of, "year": y, column: v}) for y, v in cells)
    return out


_SHORTHANDS: dict[str, Callable[[str, Row, list[Problem]], list[Row]]] = {
    "pools": _pool_rows,
    "contents": _content_rows,
    "water_quality": _quality_rows,
    "recipes": _recipe_rows,
    "series": _series_rows,
}


# ---- CSV files ----


def _library_parts(
    document: Row, shape: list[Problem], cells: list[Problem]
) -> tuple[dict[str, list[dict[str, np.ndarray]]], list[str]]:
    """The typed columns of all library folders, and the digests of their files."""
    parts: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in TABLES}
    digests: list[str] = []
    stated = document.get("library")
    folders = stated if isinstance(stated, list) else [] if stated is None else [stated]
    for folder in folders:
        try:
            path = _library_folder(document, folder)
            for name in LIBRARY:
                if (path / f"{name}.csv").exists():
                    parts[name].append(_csv_part(name, path / f"{name}.csv", digests, cells))
        except InputError as error:
            shape.extend(error.problems)
    return parts, digests


def _library_folder(document: Row, folder: Any) -> Path:
    """The folder that a document names; `flowsim` is the one that comes with flowsim."""
    line = document.lines["library"]
    if not isinstance(folder, str):
        hint = f"Write `library: [{SHIPPED}]`, or folders relative to this file."
        raise InputError(
            Problem(f"`library` must name folders, not {shown(folder)}.", document.file, line, hint)
        )
    if folder == SHIPPED:
        return files.share() / "data"
    path = files.inside(document.file, folder, line, "folder")
    if not any((path / f"{name}.csv").exists() for name in LIBRARY):
        hint = f"It may hold {', '.join(f'{name}.csv' for name in LIBRARY)}."
        raise InputError(Problem(f"the library `{folder}` holds no table.", document.file, line, hint))
    return path


def _csv_part(name: str, path: Path, digests: list[str], cells: list[Problem]) -> dict[str, np.ndarray]:
    """The typed columns of one CSV file; what is wrong in it is added to ``cells``."""
    columns, digest, wrong = _csv_table(name, str(path), *_stamp(path))
    digests.append(digest)
    cells.extend(wrong)
    return columns


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when a file is changed."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=32)
def _csv_table(
    name: str, path: str, changed: int, size: int
) -> tuple[dict[str, np.ndarray], str, tuple[Problem, ...]]:
    """One CSV file, read once while it does not change. Nobody may change the arrays."""
    problems: list[Problem] = []
    columns = tables.columns_of(tables.from_csv(name, files.read_csv(path), problems), problems)
    return columns, hashlib.sha256(Path(path).read_bytes()).hexdigest(), tuple(problems)
