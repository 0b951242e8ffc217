"""The tables of a scenario document as flat rows, as a sheet holds them, and back.

`flat` and `nested` are inverse to each other: what a scenario says does not change on the way, only how
its entries are laid out. A row is a mapping of column → value; labels are the columns ``en`` and ``zh``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flowsim.errors import Problem
from flowsim.files import Row, Table, inside, read_csv
from flowsim.schema import IDENTITY, TABLES
from flowsim.tables import nearest

UNNAMED = ("substitutes", "factors", "correlations", "distances")
"""Tables whose rows are told by what they connect; the key above a row says nothing."""

HEAD = ("name", "chain", "kind")
"""What a recipe says once, on its reference line."""
ACTIONS = ("set", "open", "close", "remove")

VALUES = {"contents": (3, "value"), "prices": (2, "price"), "recipes": (4, "amount")}
"""Tables whose rows may be one value in a file: length of the path to it, and its column in a sheet."""

_SEGMENT = re.compile(r'"([^"]*)"|([^."]+)')
_SHARED = ("curve", "quality", "source", "note")


def id_column(table: str) -> str:
    """The column that the key of a mapping of rows stands for."""
    return next((key for key in IDENTITY[table] if key in ("id", "key")), "good")


# ---- a document → rows ----


def flat(table: str, rows: Any) -> list[dict[str, Any]]:
    """The rows of one table of a well-formed document, whatever shorthand it uses."""
    return [_labelled(row) for row in _FLAT.get(table, _flat_rows)(table, rows)]


def _labelled(row: Mapping[str, Any]) -> dict[str, Any]:
    """A label as two columns; one text for both languages stands in the first."""
    cells = {key: value for key, value in row.items() if key != "name" and value is not None}
    name = row.get("name")
    if isinstance(name, Mapping):
        return {**cells, "en": name["en"], "zh": name["zh"]}
    return cells if name is None else {**cells, "en": name}


def _flat_rows(table: str, rows: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(rows, list):
        yield from rows
        return
    key = id_column(table)
    for identity, row in rows.items():
        cells = row if isinstance(row, Mapping) else {} if row is None else {"price": row}
        yield cells if key in cells or table in UNNAMED else {key: identity, **cells}


def _flat_pools(table: str, rows: Any) -> Iterator[Mapping[str, Any]]:
    for site, goods in rows.items():
        yield from ({"site": site, "good": good} for good in goods)


def _flat_pairs(table: str, rows: Any) -> Iterator[Mapping[str, Any]]:
    outer, inner = IDENTITY[table]
    for first, parts in rows.items():
        for second, value in parts.items():
            cells = value if isinstance(value, Mapping) else {"value": value}
            yield {**cells, outer: first, inner: second}


def _flat_recipes(table: str, rows: Any) -> Iterator[Mapping[str, Any]]:
    for recipe, body in rows.items():
        sides = {side: body.get(side) or {} for side in ("in", "out")}
        reference = body.get("reference") or next(iter(sides["out"]))
        shared = {key: body[key] for key in ("source", "quality") if key in body}
        head = {key: body[key] for key in (*HEAD, "note") if key in body}
        for direction, goods in sides.items():
            for good, amount in goods.items():
                has_role = direction == "out" or good not in sides["out"]
                roles = {body.get("closing"): "closing", reference: "reference"}
                cells = amount if isinstance(amount, Mapping) else {"amount": amount}
                role = roles.get(good, "") if has_role else ""
                line = {**shared, **cells, "recipe": recipe, "direction": direction, "good": good}
                yield (
                    {**head, **line, "role": role} if role == "reference" else {**line, "role": role or None}
                )


def _flat_series(table: str, rows: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(rows, list):
        yield from rows
        return
    for key, body in rows.items():
        if "of" in body:
            yield body
            continue
        of, _, column = key.rpartition(".")
        shared = {name: body[name] for name in _SHARED if name in body}
        years = (year for year in body if year not in shared)
        yield from ({**shared, "of": of, "year": _number(year), column: body[year]} for year in years)


def _number(text: str) -> Any:
    return int(text) if text.isdigit() else text


_FLAT = {
    "pools": _flat_pools,
    "contents": _flat_pairs,
    "water_quality": _flat_pairs,
    "recipes": _flat_recipes,
    "series": _flat_series,
}


def flat_variants(stated: Mapping[str, Any], document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the sheet ``variants``; what a variant adds stands in the sheets of its tables."""
    made = _renamed(document)
    out: list[dict[str, Any]] = []
    for name, body in stated.items():
        body = body or {}
        head = _labelled({key: body[key] for key in ("name", "note") if key in body})
        if body.get("base"):
            head["base"] = _listed(body["base"])
        rows = [{"action": key, "what": link} for key in ("open", "close") for link in _texts(body.get(key))]
        for item in _texts(body.get("remove")):
            table, _, identity = item.partition(".")
            rows.append({"action": "remove", "what": f"{table}.{made.get((table, identity), identity)}"})
        for table in TABLES:
            if table in body:
                for (key, *below), value in _leaves(body[table]):
                    what = path_text((table, made.get((table, key), key), *below))
                    rows.append({"action": "set", "what": what, "value": value})
        first, *more = rows or [{}]
        out += [{"variant": name, **head, **first}, *({"variant": name, **row} for row in more)]
    return out


def _renamed(document: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """(table, key) → id, of mappings whose key is lost in flat rows: their parts make the id there."""
    out = {}
    for table in (*UNNAMED, "prices", "lifetimes"):
        rows = document.get(table)
        for key, row in rows.items() if isinstance(rows, Mapping) else ():
            cells = row if isinstance(row, Mapping) else {}
            cells = cells if table in UNNAMED else {"good": key, **cells}
            out[table, key] = "__".join(str(cells[part]) for part in IDENTITY[table] if cells.get(part))
    return out


def _texts(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


def _listed(value: Any) -> str:
    return "; ".join(map(str, _texts(value)))


def _leaves(row: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, key))
        elif isinstance(value, list):
            yield (*path, key), f"[{_listed(value)}]"
        else:
            yield (*path, key), "null" if value is None else value


def path_text(path: Sequence[str]) -> str:
    """A path with dots between its keys; a key that holds a dot stands in quotes, but that of a series."""
    if path[0] == "series":
        return ".".join(path)
    return ".".join(f'"{key}"' if "." in key else key for key in path)


def path_of(text: str) -> tuple[str, ...]:
    """The keys of a path: ``processes.kiln.capacity``, ``series.flows.sold.amount.2030``."""
    if text.startswith("series."):
        series, _, rest = text.partition(".")
        key, _, last = rest.rpartition(".")
        return (series, key, last)
    return tuple(quoted or plain for quoted, plain in _SEGMENT.findall(text))


# ---- rows → a document ----


def nested(table: str, rows: Sequence[Row], problems: list[Problem]) -> Any:
    """The rows of a sheet as a document has them: a list, or the mapping that the table wants."""
    rows = [_unlabelled(row) if "en" in row or "zh" in row else row for row in rows]
    return _NESTED[table](table, rows, problems) if table in _NESTED else list(rows)


def _unlabelled(row: Row) -> Row:
    made = Row(row, row.file, row.line, dict(row.lines))
    en, zh = made.pop("en", None), made.pop("zh", None)
    both = en is not None and zh is not None
    made["name"] = (
        Row({"en": str(en), "zh": str(zh)}, row.file, row.line) if both else zh if en is None else en
    )
    made.lines["name"] = row.lines.get("en", row.lines.get("zh", row.line))
    return made


def _has(row: Row, columns: Sequence[str], table: str, problems: list[Problem]) -> bool:
    """Whether a row has the columns without which it has no place in its table."""
    missing = [column for column in columns if row.get(column) is None]
    for column in missing:
        message = f"{table}: `{column}` is missing."
        problems.append(Problem(message, row.file, row.line, "Fill the cell.", column))
    return not missing


def _put(into: Row, key: Any, value: Any, row: Row, column: str = "") -> None:
    into[key] = value
    into.lines[key] = row.lines.get(column, row.line)


def _below(into: Row, key: Any, row: Row, column: str) -> Any:
    """The mapping under a key, made where it is not there."""
    if key not in into:
        _put(into, key, Row((), row.file, row.line), row, column)
    return into[key]


def _without(row: Row, *columns: str) -> Row:
    return Row({k: v for k, v in row.items() if k not in columns}, row.file, row.line, row.lines)


def _twice(row: Row, table: str, what: str, problems: list[Problem]) -> None:
    message = f"{table}: {what} is stated twice."
    problems.append(Problem(message, row.file, row.line, "Keep one of the rows."))


def _nested_pools(table: str, rows: Sequence[Row], problems: list[Problem]) -> Row:
    out = Row((), rows[0].file, rows[0].line)
    for row in rows:
        if _has(row, ("site", "good"), "pools", problems):
            if row["site"] not in out:
                _put(out, row["site"], [], row, "site")
            out[row["site"]].append(row["good"])
    return out


def _nested_pairs(table: str, rows: Sequence[Row], problems: list[Problem]) -> Row:
    outer, inner = IDENTITY[table]
    out = Row((), rows[0].file, rows[0].line)
    for row in rows:
        if not _has(row, (outer, inner), table, problems):
            continue
        parts = _below(out, row[outer], row, outer)
        if row[inner] in parts:
            _twice(row, table, f"`{row[inner]}` of `{row[outer]}`", problems)
        _put(parts, row[inner], _without(row, outer, inner), row, inner)
    return out


def _nested_recipes(table: str, rows: Sequence[Row], problems: list[Problem]) -> Row:
    out = Row((), rows[0].file, rows[0].line)
    for row in rows:
        if not _has(row, ("recipe", "direction", "good"), "recipes", problems):
            continue
        recipe, direction, good, role = (row.get(key) for key in ("recipe", "direction", "good", "role"))
        if direction not in ("in", "out") or role not in (None, "reference", "closing"):
            column = "direction" if direction not in ("in", "out") else "role"
            hint = "Write in or out." if column == "direction" else "Write reference or closing, or nothing."
            message = f"recipes: `{column}`: `{row[column]}` is not known."
            problems.append(Problem(message, row.file, row.line, hint, column))
            continue
        body = _below(out, recipe, row, "recipe")
        goods = _below(body, direction, row, "direction")
        if good in goods:
            _twice(row, "recipes", f"`{good}` ({direction}) of `{recipe}`", problems)
        used = ("recipe", "direction", "good", "role", *(HEAD if role == "reference" else ()))
        _put(goods, good, _without(row, *used), row, "amount")
        if role:
            _put(body, role, good, row, "role")
        for key in HEAD if role == "reference" else ():
            if key in row:
                _put(body, key, row[key], row, key)
    return out


def _nested_series(table: str, rows: Sequence[Row], problems: list[Problem]) -> Row:
    """Under the key ``TABLE.ID.COLUMN`` the years; rows that say more than that stay as they are."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if _has(row, ("of", "year"), "series", problems):
            stated = [key for key in row if key not in ("of", "year", *_SHARED)]
            groups.setdefault(f"{row['of']}.{'.'.join(stated)}", []).append(row)
    out = Row((), rows[0].file, rows[0].line)
    for key, group in groups.items():
        of, first = group[0]["of"], group[0]
        shared = {name: first[name] for name in _SHARED if name in first}
        column = key.removeprefix(f"{of}.")
        alike = all({name: row[name] for name in _SHARED if name in row} == shared for row in group)
        if "." in column or not column or not alike:
            for row in group:
                _put(out, f"{of}__{row['year']}__{column}", row, row, "of")
            continue
        body = _below(out, key, first, "of")
        for name in shared:
            _put(body, name, shared[name], first, name)
        for row in group:
            if str(row["year"]) in body:
                _twice(row, "series", f"`{key}` in {row['year']}", problems)
            _put(body, str(row["year"]), row[column], row, column)
    return out


_NESTED = {
    "pools": _nested_pools,
    "contents": _nested_pairs,
    "water_quality": _nested_pairs,
    "recipes": _nested_recipes,
    "series": _nested_series,
}


def nested_variants(rows: Sequence[Row], problems: list[Problem]) -> Row:
    """The variants that the rows of their sheet state, in the order in which they first come."""
    out = Row((), rows[0].file, rows[0].line)
    for row in rows:
        if not _has(row, ("variant",), "variants", problems):
            continue
        body = _below(out, str(row["variant"]), row, "variant")
        head = _unlabelled(row) if "en" in row or "zh" in row else row
        for key in ("name", "base", "note"):
            if key not in head:
                continue
            value = variant_list(head[key]) if key == "base" else head[key]
            if key in body and body[key] != value:
                message = f"variants: `{row['variant']}` has another `{key}` in a row above."
                problems.append(Problem(message, row.file, row.line, "Say it in its first row only.", key))
            _put(body, key, value, head, key)
        if row.get("action") is not None or row.get("what") is not None:
            _add_action(body, row, problems)
    return out


def variant_list(value: Any) -> list[str]:
    """Names that are separated by ``;`` or ``,``."""
    return [part.strip() for part in re.split(r"[;,；，、]", str(value)) if part.strip()]


def _add_action(body: Row, row: Row, problems: list[Problem]) -> None:
    if not _has(row, ("action", "what"), "variants", problems):
        return
    action, what = row["action"], str(row["what"])
    if action not in ACTIONS:
        hint = nearest(action, ACTIONS) or f"Known: {', '.join(ACTIONS)}."
        message = f"variants: there is no action `{action}`."
        problems.append(Problem(message, row.file, row.line, hint, "action"))
    elif action != "set":
        if action not in body:
            _put(body, action, [], row, "what")
        body[action].append(what)
    elif _has(row, ("value",), "variants", problems):
        _set(body, path_of(what), row, problems)


def _set(body: Row, path: tuple[str, ...], row: Row, problems: list[Problem]) -> None:
    if len(path) < 2 or path[0] not in TABLES:
        hint = nearest(path[0], TABLES) if path else ""
        hint = hint or "Write TABLE.ID.COLUMN, such as processes.kiln.capacity."
        message = f"variants: `{row['what']}` names no value."
        problems.append(Problem(message, row.file, row.line, hint, "what"))
        return
    length, column = VALUES.get(path[0], (0, ""))
    if len(path) == length:
        path = (*path, column)
    below = body
    for key in path[:-1]:
        if isinstance(below, Row):
            below = _below(below, key, row, "what")
    if not isinstance(below, Row) or path[-1] in below:
        message = f"variants: `{row['what']}` is set twice by `{row['variant']}`."
        problems.append(Problem(message, row.file, row.line, "Keep one of the rows.", "what"))
        return
    value = row["value"]
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        value = variant_list(value[1:-1])
    _put(below, path[-1], None if value == "null" else value, row, "value")


def add_rows(stated: Row, table: str, rows: Mapping[str, Sequence[Row]], problems: list[Problem]) -> None:
    """Rows of a table that belong to variants, as what these variants add."""
    for name, mine in rows.items():
        if name not in stated:
            message = f"{table}: there is no variant `{name}`."
            hint = nearest(name, stated) or "Name it on the sheet `variants`."
            problems.append(Problem(message, mine[0].file, mine[0].line, hint, "variant"))
            continue
        added = _below(stated[name], "add", mine[0], "variant")
        _put(added, table, nested(table, mine, problems), mine[0], "variant")


def csv_rows(table: Table) -> list[Row]:
    """The records of a CSV file as rows, empty cells left out; ``en`` and ``zh`` make the name."""
    rows = []
    for position, line in enumerate(table.lines.tolist()):
        cells = {key: column[position] for key, column in table.columns.items() if column[position] != ""}
        en, zh = cells.pop("en", ""), cells.pop("zh", "")
        if en or zh:
            cells["name"] = {"en": en or zh, "zh": zh or en}
        rows.append(Row(cells, table.file, line))
    return rows


def flat_document(document: Row) -> dict[str, list[dict[str, Any]]]:
    """All tables of a document as flat rows by table; what a variant adds carries its name in ``variant``.

    Raises
    ------
    InputError : a CSV file that the document names cannot be read
    """
    out: dict[str, list[dict[str, Any]]] = {}
    for table in TABLES:
        rows = document.get(table)
        if isinstance(rows, str) and table != "targets":
            rows = csv_rows(read_csv(inside(document.file, rows, document.lines[table], "file")))
        if rows is not None and not isinstance(rows, str):
            out[table] = flat(table, rows)
    for name, body in (document.get("variants") or {}).items():
        for table, rows in ((body or {}).get("add") or {}).items():
            out.setdefault(table, []).extend({**row, "variant": name} for row in flat(table, rows))
    return out
