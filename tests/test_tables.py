"""Cells of YAML and CSV become typed columns, and each wrong cell is named with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flowsim import tables
from flowsim.errors import Problem
from flowsim.files import Row, read_csv, read_yaml

Read = Callable[[str, str], tuple[pd.DataFrame, list[Problem]]]


@pytest.fixture
def rows(tmp_path: Path) -> Read:
    """Reads YAML rows of one table."""

    def read(name: str, text: str) -> tuple[pd.DataFrame, list[Problem]]:
        path = tmp_path / "rows.yaml"
        path.write_text(f"rows:\n{text}", encoding="utf-8")
        problems: list[Problem] = []
        raw = tables.from_rows(name, read_yaml(path)["rows"], problems)
        return tables.typed([raw], name, problems), problems

    return read


@pytest.fixture
def csv(tmp_path: Path) -> Read:
    """Reads CSV text of one table."""

    def read(name: str, text: str) -> tuple[pd.DataFrame, list[Problem]]:
        path = tmp_path / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        problems: list[Problem] = []
        return tables.typed([tables.from_csv(name, read_csv(path), problems)], name, problems), problems

    return read


FLOW = "good: ore, from: mine, to: kiln"


def test_a_row_gets_its_values_and_the_defaults(rows: Read) -> None:
    frame, problems = rows("links", f"  - {{id: a, {FLOW}, distance: 800 m, cost: 3 元/t, open: true}}\n")
    assert problems == []
    row = frame.iloc[0]
    assert (row["id"], row["distance"], row["cost"], row["open"]) == ("a", 0.8, 3.0, True)
    assert row["en"] == row["source"] == "" and np.isnan(row["prefer"])
    assert Path(row["file"]).name == "rows.yaml" and row["line"] == 2


def test_yaml_and_csv_say_the_same(rows: Read, csv: Read) -> None:
    one, _ = rows(
        "flows", f"  - {{id: a, {FLOW}, name: {{en: x, zh: 甲}}, amount: 8 kt/a, limit: 15 % of clay}}\n"
    )
    two, _ = csv("flows", "zh,en,to,from,good,id,amount,limit\n甲,x,kiln,mine,ore,a,8 kt/a,15 % of clay\n")
    places = ["file", "line"]
    pd.testing.assert_frame_equal(one.drop(columns=places), two.drop(columns=places))
    assert (one["amount"][0], one["limit"][0], one["limit_of"][0]) == (8000.0, 0.15, "clay")


def test_a_table_without_rows_has_all_columns() -> None:
    frame = tables.typed([], "facts", [])
    assert len(frame) == 0 and {"amount", "amount_unit", "of", "file", "line", "wrong"} <= set(frame.columns)


def test_texts_stay_objects_on_every_pandas() -> None:
    assert tables.typed([], "flows", [])["good"].dtype == object


def test_a_label_in_one_csv_column_serves_for_both_languages(csv: Read) -> None:
    frame, problems = csv("processes", "id,en\nkiln,kiln\n")
    assert problems == [] and frame["zh"][0] == "kiln"


@pytest.mark.parametrize(
    ("cells", "message", "hint"),
    [
        ("amont: 5 t/a", "unknown key `amont` in flows.", "Did you mean `amount`?"),
        ("zzz: 1", "unknown key `zzz` in flows.", "Known: amount"),
        ("amount: 5", "flows: `amount: 5` has no unit.", "for example `80 kt/a`"),
        ("amount: 5 foo/a", "flows: `amount`: '5 foo/a': unknown unit 'foo'", ""),
        ("amount: [5]", "flows: `amount`: a number with its unit is wanted here, not a list.", ""),
        ("amount: {a: 5}", "flows: `amount`: a number with its unit is wanted here, not a mapping.", ""),
        ("amount: .nan", "flows: `amount`: `nan` is no number with a unit.", ""),
        ("amount: true", "flows: `amount`: 'True' is no number with a unit.", ""),
        ("amount: -5 t/a", "flows: `amount` is negative (convention C3).", "Swap `from` and `to` instead."),
        ("minimum: -5 t/a", "flows: `minimum` is negative (convention C3).", "Write it without the minus."),
        ("distance: 3 t", "flows: `distance` is in t, and must be in km or a unit like it.", ""),
        ("distance: 3", "flows: `distance: 3` has no unit.", "for example `1 km`"),
        ("cost: 3", "flows: `cost: 3` has no unit.", "for example `30 CNY/t`"),
        ("limit: 15 %", "flows: `limit` is a percentage without its base.", "Write `15 % of GOOD`."),
        ("limit: 3 t/a of clay", "flows: `limit` is no share.", "Write it as `15 % of clay`."),
        ("limit: 150 % of clay", "flows: `limit` is over 100 %.", "Write a share from 0 to 100 %."),
        ("prefer: first", "flows: `prefer`: `first` is not a plain number.", "Write digits"),
        ("prefer: .inf", "flows: `prefer`: `inf` is not a plain number.", "Write digits"),
        ("prefer: true", "flows: `prefer`: `true` is not a plain number.", "Write digits"),
        ("prefer: [1]", "flows: `prefer`: a list is not a plain number.", "Write digits"),
        ("cv: -5 %", "flows: `cv`: `-5 %` is negative.", "from 0 to 100 %"),
        ("cv: 5 t", "flows: `cv`: `5 t` is no share.", "such as 0.4 or 40 %"),
        ("cv: [1]", "flows: `cv`: a share is wanted here, not a list.", "Write 0.4 or 40 %."),
        ("cv: much", "flows: `cv`: 'much' is no number with a unit.", "Write one number"),
        ("quality: gues", "flows: `quality`: `gues` is not one of standard", ""),
        (
            "quality: estimat",
            "flows: `quality`: `estimat` is not one of standard",
            "Did you mean `estimate`?",
        ),
        ("source: [a]", "flows: `source`: a text is wanted here, not a list.", "Put quotes round a text."),
        ("source: true", "flows: `source`: a text is wanted here, not `true`.", "Put quotes round a text."),
        ("name: {en: a}", "flows: `name`: write a text for both languages, or {en: ..., zh: ...}.", ""),
        ("name: {en: a, zh: }", "flows: `name`: write a text for both languages", ""),
        ("name: [a]", "flows: `name`: write a text for both languages", ""),
        ("id: 铜", "flows: `id`: `铜` is no id.", "(convention C9)"),
        (
            f"id: {'a' * 99}!",
            "flows: `id`: `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...` is no id.",
            "",
        ),
    ],
)
def test_a_wrong_cell_is_named_with_the_way_out(rows: Read, cells: str, message: str, hint: str) -> None:
    _, problems = rows(
        "flows", f"  - {{id: a, {FLOW}}}\n  - good: ore\n    from: a\n    to: b\n    {cells}\n"
    )
    assert [problem.line for problem in problems] == [6]
    assert problems[0].message.startswith(message)
    assert hint in problems[0].hint


@pytest.mark.parametrize(
    ("table", "row", "message"),
    [
        ("links", f"{FLOW}, open: perhaps", "links: `open`: `perhaps` is neither true nor false."),
        ("contents", "good: ore, layer: Cu, value: 3", "contents: `value`: `3` is over 100 %."),
        ("layers", "id: Cu-1", "layers: `id`: `Cu-1` is no id."),
        ("goods", "id: ore", "goods: `name` is missing (English and Chinese name)."),
        (
            "goods",
            "id: oil, name: oil, lhv: 40 t",
            "goods: `lhv` is in t, and must be in GJ/t or a unit like it.",
        ),
        ("prices", "good: ore", "prices: `price` is missing"),
        ("facts", "share: a, of: [[1]]", "facts: `of`: a text is wanted here, not a list."),
    ],
)
def test_wrong_cells_of_other_tables(rows: Read, table: str, row: str, message: str) -> None:
    frame, problems = rows(table, f"  - {{{row}}}\n")
    assert len(problems) == 1 and problems[0].message.startswith(message)
    assert frame["wrong"].tolist() == [True]


def test_a_share_over_one_is_asked_about(rows: Read) -> None:
    _, problems = rows("contents", "  - {good: ore, layer: Cu, value: 3}\n")
    assert problems[0].hint == "Did you mean 3 %?"


def test_numbers_that_equal_truth_values_are_told_apart(rows: Read) -> None:
    frame, problems = rows("flows", f"  - {{{FLOW}, prefer: 1}}\n  - {{{FLOW}, prefer: true}}\n")
    assert [problem.line for problem in problems] == [3] and frame["prefer"][0] == 1


def test_a_list_is_written_as_list_or_text(rows: Read) -> None:
    frame, _ = rows("facts", "  - {share: a, of: [x, y]}\n  - {share: a, of: 'x, y'}\n")
    assert frame["of"].tolist() == [("x", "y"), ("x", "y")]


def test_csv_names_its_unknown_columns_and_missing_names(csv: Read) -> None:
    _, problems = csv("goods", "id,en,zh,knd\nore,ore,,\n")
    assert [(p.line, p.message) for p in problems] == [
        (1, "unknown column `knd` in goods."),
        (2, "goods: the name needs both `en` and `zh`."),
    ]
    assert problems[0].hint == "Did you mean `kind`?"


def test_a_fault_in_many_rows_is_counted(csv: Read) -> None:
    frame, problems = csv("flows", "good,from,to,amount\n" + "ore,a,b,5\n" * 30)
    assert len(problems) == tables.MOST_ROWS + 1
    assert (
        problems[-1].message == "flows: 20 more rows have this fault; the next is here."
        and problems[-1].line == 12
    )
    assert frame["wrong"].all() and (frame["amount_unit"] == tables.UNREADABLE).all()


def test_the_nearest_of_very_many_words_is_found_quickly() -> None:
    known = [f"process_{number}" for number in range(100_000)]
    assert tables.nearest("proces_77", known) == "Did you mean `process_77`?"
    assert tables.nearest("", known) == "" and tables.nearest("q" * 10_000, known) == ""


def test_an_object_array_takes_tuples() -> None:
    assert tables.objects([("a",), ()]).tolist() == [("a",), ()]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "`nothing`"), (True, "`true`"), (1, "`1`"), ([1], "a list")]
)
def test_values_in_messages(value: Any, text: str) -> None:
    assert tables.shown(value) == text


def test_rows_made_by_hand_are_read(rows: Read) -> None:
    problems: list[Problem] = []
    raw = tables.from_rows("pools", [Row({"site": "port", "good": "steam"}, "x.yaml", 3)], problems)
    assert tables.typed([raw], "pools", problems)["good"].tolist() == ["steam"] and problems == []
