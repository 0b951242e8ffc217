"""A plain table of flows as a scenario document: from, to, good, layer, value, unit, uncertainty, source.

Each row states one number of one flow, or that the flow is there. Goods and processes are made from their
names; a good that the shipped library knows keeps its kind, class and fate. docs/excel.md has the rules.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flowsim import titles, units
from flowsim.book import LEAVE_OUT, body_rows, header_of, headings, hidden_rows, number_text
from flowsim.errors import InputError, Problem, UnitError
from flowsim.files import Row, Table, read_csv, share
from flowsim.schema import GOOD_KINDS, OUTSIDE
from flowsim.tables import LAYER, nearest, shown
from flowsim.workbook import Sheet, letters

COLUMNS: dict[str, tuple[str, ...]] = {
    "flow": ("流", "流编号", "flow_id"),
    "from": ("来自", "从", "source_process"),
    "to": ("去向", "到", "至", "target_process"),
    "good": ("物料", "物质", "材料", "material"),
    "layer": ("层",),
    "value": ("数值", "数量", "amount"),
    "unit": ("单位",),
    "uncertainty": ("不确定度", "不确定性"),
    "source": ("来源", "数据来源"),
    "note": ("备注", "remark"),
    "from_zh": ("来自（中文）",),
    "to_zh": ("去向（中文）",),
    "good_zh": ("物料（中文）",),
}
"""Column → other headings for it."""
NEEDED = ("from", "to", "good")

PLACES = {
    "market": ("import", "imports", "export", "exports", "进口", "出口", "外购", "外售"),
    "nature": ("environment", "环境", "自然"),
    "landfill": ("填埋场",),
    "air": ("atmosphere", "空气"),
    "water": ("水体", "surface_water"),
    "treatment": ("外部处理",),
}
"""Place outside → other names for it, beside those of the schema."""
LAYERS = {"mass": ("质量",), "water": ("水",), "energy": ("能量", "能源")}

SHARE_OF_INPUT = re.compile(r"%\s*(of\s+)?inputs?|占输入的?\s*(%|百分比)?|输入的?\s*%", re.IGNORECASE)
UNCERTAINTY = re.compile(r"(?:±|\+/-|\+-)?\s*([0-9][0-9.,]*(?:[eE][-+]?[0-9]+)?)\s*(%|％)?")
KIND_OF = {unit: kind for kind, unit in GOOD_KINDS.items()}


def plain_csv(path: str | Path) -> Row:
    """The document of a CSV file with one row for each number.

    Raises
    ------
    InputError : all that is wrong with its columns and rows
    """
    table = read_csv(path)
    problems: list[Problem] = []
    columns: dict[str, str] = {}
    for heading in table.columns:
        name = "" if heading.startswith("_") else titles.named(heading, COLUMNS)
        if name is None:
            hint = f"{nearest(heading, COLUMNS) or 'Known: ' + ', '.join(COLUMNS) + '.'} {LEAVE_OUT}"
            problems.append(Problem(f"unknown column `{heading}`.", table.file, 1, hint))
        elif name in columns:
            problems.append(
                Problem(f"`{heading}` and `{columns[name]}` are one column.", table.file, 1, "Keep one.")
            )
        elif name:
            columns[name] = heading
    return _document(table.file, _csv_rows(table, columns), list(columns), problems)


def _csv_rows(table: Table, columns: Mapping[str, str]) -> list[Row]:
    rows = []
    for position, line in enumerate(table.lines.tolist()):
        cells = {name: table.columns[heading][position] for name, heading in columns.items()}
        rows.append(Row({name: cell for name, cell in cells.items() if cell != ""}, table.file, line))
    return rows


def plain_sheet(file: str, sheets: Sequence[Sheet]) -> Row:
    """The document of the one sheet of a workbook that holds a plain table.

    Raises
    ------
    InputError : no sheet or several hold one, or something is wrong with its columns and rows
    """
    found = [(sheet, place) for sheet in sheets if (place := header_of(sheet, COLUMNS)) is not None]
    if len(found) != 1:
        message = "no sheet is called `scenario`, and none has the columns from, to and good."
        if found:
            message = (
                f"{len(found)} sheets hold plain tables ({', '.join(sheet.name for sheet, _ in found)})."
            )
        hint = "Name the columns in its first row, or begin with `flowsim excel template`."
        raise InputError(Problem(message, file, hint=LEAVE_OUT if found else hint))
    (sheet, place) = found[0]
    problems: list[Problem] = []
    columns = headings(sheet, place, COLUMNS, problems)
    rows = body_rows(sheet, place, columns, problems)
    document = _document(file, rows, list(columns.values()), problems)
    document.letters = {sheet.file: _letters(columns)}
    document.hidden = hidden_rows([sheet])
    return document


def _letters(columns: Mapping[int, str]) -> dict[str, str]:
    """Letters of the columns by the names that they have in the tables that are made of them."""
    at = {name: letters(position) for position, name in columns.items() if name}
    made = {"amount": "value", "sd": "uncertainty", "cv": "uncertainty"}
    return at | {name: at[column] for name, column in made.items() if column in at}


def _document(file: str, rows: list[Row], columns: Sequence[str], problems: list[Problem]) -> Row:
    for name in NEEDED:
        if name not in columns:
            hint = f"It may also be called {COLUMNS[name][0]}."
            problems.append(Problem(f"there is no column `{name}`.", file, 1, hint))
    if problems:
        raise InputError(problems)
    made = _Tables(rows, problems)
    for row in rows:
        made.add(row)
    if problems:
        raise InputError(problems)
    document = Row({"flowsim": 1, "name": Path(file).stem, **made.tables()}, file, 1)
    document.lines = dict.fromkeys(document, 1)
    return document


class _Ids:
    """Ids for names: small letters, digits and _ of the name, or a number where it has others."""

    def __init__(self, kind: str):
        self.kind = kind
        self.of: dict[str, str] = {}

    def id_of(self, name: str) -> str:
        key = name.strip().lower()
        if key not in self.of:
            self.of[key] = self._new(key)
        return self.of[key]

    def _new(self, key: str) -> str:
        plain = unicodedata.normalize("NFKD", key)
        plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
        text = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
        if not plain.isascii() or not text[:1].isalpha():
            text = f"{self.kind}_{len(self.of) + 1}"
        taken = {*self.of.values(), *OUTSIDE}
        numbers = (f"{text}_{number}" for number in range(2, len(taken) + 3))
        return text if text not in taken else next(other for other in numbers if other not in taken)


class _Tables:
    """The tables that grow row by row."""

    def __init__(self, rows: Sequence[Row], problems: list[Problem]):
        self.problems = problems
        self.processes = _Ids("process")
        self.flow_ids = _Ids("flow")
        self.good_ids = _Ids("good")
        self.layer_ids = _Ids("layer")
        self.known = _library_goods()
        self.goods: dict[str, Row] = {}
        self.process_rows: dict[str, Row] = {}
        self.flows: dict[str, Row] = {}
        self.layers: dict[str, Row] = {}
        self.facts: list[Row] = []
        self.kinds: dict[str, str] = {}
        self.stated: set[tuple[str, str]] = set()
        self.gives = {str(row.get("from", "")).strip().lower() for row in rows}
        self.takes = {str(row.get("to", "")).strip().lower() for row in rows}

    def tables(self) -> dict[str, Any]:
        parts = {
            "layers": list(self.layers.values()),
            "goods": list(self.goods.values()),
            "processes": list(self.process_rows.values()),
            "flows": list(self.flows.values()),
            "facts": self.facts,
        }
        return {name: rows for name, rows in parts.items() if rows}

    def wrong(self, row: Row, column: str, message: str, hint: str = "") -> None:
        place = row.lines.get(column, row.line)
        self.problems.append(Problem(f"`{column}`: {message}", row.file, place, hint))

    def add(self, row: Row) -> None:
        missing = [name for name in NEEDED if name not in row]
        for name in missing:
            self.wrong(row, name, "the cell is empty.", "Each row names from, to and good.")
        if missing:
            return
        start, end = self._place(row, "from"), self._place(row, "to")
        good = self._good(row)
        flow = self._flow(row, start, end, good)
        number = self._number(row)
        if not flow or not number:
            return
        layer = self._layer(row)
        amount, error = number
        about = {key: row[key] for key in ("source", "note") if key in row}
        if amount.endswith("%"):
            if start in OUTSIDE:
                self.wrong(row, "unit", f"a share of the input of `{row['from']}`, which lies outside.")
            cells = {"transfer": flow, "at": start, "layer": layer or "mass", "value": amount}
            self._fact(row, {**cells, **error, **about})
        elif self._is_again(row, flow, layer):
            hint = (
                "Name the flow in a column `flow`: rows of one name measure it again, others are other flows."
            )
            self.wrong(row, "value", "a row above states this flow already.", hint)
        elif layer in ("", self._own_layer(row, good, amount)) and "amount" not in self.flows[flow]:
            self.flows[flow].update({"amount": amount, **error, **about})
            self.flows[flow].lines.update(dict.fromkeys(("amount", *error), row.lines.get("value", row.line)))
        else:
            self._fact(row, {"given": flow, "layer": layer or "mass", "amount": amount, **error, **about})

    def _is_again(self, row: Row, flow: str, layer: str) -> bool:
        """Whether an unnamed flow is stated a second time: it may be the same one or another beside it."""
        is_again = (flow, layer) in self.stated
        self.stated.add((flow, layer))
        return is_again and "flow" not in row

    def _fact(self, row: Row, cells: dict[str, Any]) -> None:
        lines = dict.fromkeys(cells, row.lines.get("value", row.line))
        self.facts.append(Row({"id": f"row_{int(row.line)}", **cells}, row.file, row.line, lines))

    def _own_layer(self, row: Row, good: str, amount: str) -> str:
        """The layer that an amount of a good is counted in; the first amount says what kind of good it is."""
        unit = units.parse(amount).unit.removesuffix("/a")
        kind = self.kinds.setdefault(good, self.goods[good].get("kind") or KIND_OF[unit])
        self.goods[good].setdefault("kind", kind)
        return {"material": "mass", "water": "water" if unit == "m3" else "mass", "energy": "energy"}[kind]

    def _place(self, row: Row, end: str) -> str:
        """The id of a process or of a place outside; a process is made where it first comes."""
        name = str(row[end])
        names = {place: (*OUTSIDE[place], *PLACES[place]) for place in OUTSIDE}
        place = titles.named(name, names)
        if place in ("air", "water") and end == "from":
            place = "nature"
        if place and (place in ("market", "nature") if end == "from" else place != "nature"):
            return place
        if place:
            hint = "Write air, water or landfill." if end == "to" else "Name the process that gives it."
            self.wrong(
                row,
                end,
                f"nothing goes {end} `{name}`." if end == "to" else f"nothing comes from `{name}`.",
                hint,
            )
            return place
        identity = self.processes.id_of(name)
        key = name.strip().lower()
        if identity not in self.process_rows:
            made = _row(row, end, {"id": identity, "name": _label(name, row.get(f"{end}_zh"))})
            if key not in self.gives or key not in self.takes:
                made["kind"] = "store"
            self.process_rows[identity] = made
        return identity

    def _good(self, row: Row) -> str:
        name = str(row["good"])
        known = self.known.get(name.strip().lower())
        identity = known["id"] if known else self.good_ids.id_of(name)
        if identity not in self.goods:
            cells = known or {"id": identity, "name": _label(name, row.get("good_zh"))}
            self.goods[identity] = _row(row, "good", cells)
        return identity

    def _layer(self, row: Row) -> str:
        """The id of a layer, '' where none is named."""
        name = str(row.get("layer", "")).strip()
        if not name:
            return ""
        if base := titles.named(name, LAYERS):
            return base
        identity = name if LAYER.fullmatch(name) else self.layer_ids.id_of(name)
        if identity not in self.layers:
            self.layers[identity] = _row(row, "layer", {"id": identity, "name": name})
        return identity

    def _flow(self, row: Row, start: str, end: str, good: str) -> str:
        """The id of the flow, made where it first comes; '' if a flow of that name runs elsewhere."""
        name = str(row["flow"]) if "flow" in row else ""
        identity = self.flow_ids.id_of(name) if name else f"{good}__{start}__{end}"
        ends = {"good": good, "from": start, "to": end}
        if identity not in self.flows:
            label = {"name": name} if name else {}
            self.flows[identity] = _row(row, "flow", {"id": identity, **label, **ends})
        elif any(self.flows[identity][key] != value for key, value in ends.items()):
            first = self.flows[identity].line
            self.wrong(
                row, "flow", f"`{name}` has another good or other ends in row {int(first)}.", "Name it anew."
            )
            return ""
        return identity

    def _number(self, row: Row) -> tuple[str, dict[str, str]] | None:
        """The amount as a scenario writes it (a share of the input ends in %), and its uncertainty."""
        if "value" not in row:
            if "uncertainty" in row:
                self.wrong(
                    row, "uncertainty", "there is no value that it belongs to.", "Write one, or clear it."
                )
            return None
        value, unit = row["value"], str(row.get("unit", "")).strip()
        text = number_text(value) if _is_number(value) else str(value)
        if SHARE_OF_INPUT.fullmatch(unit):
            amount, unit = text.rstrip("% "), "%"
        else:
            amount = text
        try:
            found = units.parse(f"{amount} {unit}".strip())
            if found.unit in GOOD_KINDS.values():
                unit = f"{unit}/a"
                found = units.parse(f"{amount} {unit}")
        except UnitError as error:
            problem = error.problems[0]
            self.wrong(row, "value" if "unit" not in row else "unit", problem.message, problem.hint)
            return None
        if unit != "%" and found.unit not in {f"{known}/a" for known in KIND_OF}:
            what = f"in {found.unit}" if found.unit else "without a unit"
            hint = "Write t, m3 or GJ a year, such as kt/a, or `% of input`."
            self.wrong(row, "unit", f"{shown(text)} is {what}.", hint)
            return None
        spread = self._uncertainty(row, unit) if "uncertainty" in row else {}
        return (f"{amount} {unit}".strip(), spread) if spread is not None else None

    def _uncertainty(self, row: Row, unit: str) -> dict[str, str] | None:
        cell = row["uncertainty"]
        text = number_text(cell) if _is_number(cell) else str(cell).strip()
        match = UNCERTAINTY.fullmatch(text)
        if not match:
            hint = (
                "Write `5 %` of the value, or a number in its unit, such as `± 3`: one standard uncertainty."
            )
            self.wrong(row, "uncertainty", f"{shown(cell)} is neither a share nor a number.", hint)
            return None
        return {"cv": f"{match[1]} %"} if match[2] else {"sd": f"{match[1]} {unit}"}


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _row(row: Row, column: str, cells: Mapping[str, Any]) -> Row:
    place = row.lines.get(column, row.line)
    return Row(cells, row.file, row.line, dict.fromkeys(cells, place))


def _label(name: str, zh: Any) -> Any:
    return {"en": name, "zh": str(zh)} if zh is not None else name


def _library_goods() -> dict[str, dict[str, Any]]:
    """The goods of the shipped library by id, English and Chinese name in small letters."""
    table = read_csv(share() / "data" / "goods.csv")
    out: dict[str, dict[str, Any]] = {}
    for position in range(len(table.lines)):
        cells = {name: column[position] for name, column in table.columns.items() if column[position] != ""}
        cells["name"] = {"en": cells.pop("en"), "zh": cells.pop("zh")}
        for name in (cells["name"]["zh"], cells["name"]["en"], cells["id"]):
            out[name.lower()] = cells
    return out
