"""Workbooks as scenarios: what is said survives the way in and out, and what is wrong names its cell."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flowsim as fs
from flowsim import schema, titles
from flowsim.book import columns_of
from flowsim.cli import main
from flowsim.document import read_document
from flowsim.flat import flat, path_of, path_text
from flowsim.scenario import Scenario
from flowsim.sheets import add_table, put, workbook_bytes
from flowsim.template import template
from flowsim.workbook import letters, read_workbook
from flowsim.write import scenario_yaml

ROOT = Path(__file__).parents[1]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))
NICKEL = ROOT / "scenarios" / "nickel_loop.yaml"
Cells = Sequence[Sequence[Any]]

TOP = [("key", "value"), ("flowsim", 1), ("name_en", "test"), ("library", "flowsim")]
GOODS = [("id", "en", "zh"), ("ore", "ore", "矿石"), ("metal", "metal", "金属"), ("slag", "slag", "渣")]
PROCESSES = [("id", "en"), ("smelter", "smelter")]
FLOWS = [
    ("good", "from", "to", "amount", "unit", "sd", "source"),
    ("ore", "market", "smelter", None, None, None, None),
    ("metal", "smelter", "market", 100, "kt/a", 5, "report"),
    ("slag", "smelter", "landfill", "50 kt/a", None, None, None),
]
BOOK = {"scenario": TOP, "goods": GOODS, "processes": PROCESSES, "flows": FLOWS}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes sheets with openpyxl into `x.xlsx` of the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(sheets: Mapping[str, Cells], change: Callable[[Any], None] | None = None) -> str:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(list(row))
        if change:
            change(book)
        book.save("x.xlsx")
        return "x.xlsx"

    return write


def problems(path: str | Path) -> list[str]:
    with pytest.raises(fs.FlowsimError) as caught:
        fs.read(path)
    return [str(problem) for problem in caught.value.problems]  # type: ignore[attr-defined]


def assert_same(one: Scenario, other: Scenario) -> None:
    """The same in everything but the places."""
    for name, frame in one.tables.items():
        there = other.tables[name].drop(columns=["file", "line"])
        pd.testing.assert_frame_equal(frame.drop(columns=["file", "line"]), there)
    for field in ("name", "description", "year", "target_set", "variant_names"):
        assert getattr(one, field) == getattr(other, field)


# ---- there and back ----


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_goes_through_a_workbook_and_back_to_yaml_unchanged(path: Path, tmp_path: Path) -> None:
    scenario = fs.read(path)
    book, text = tmp_path / "x.xlsx", tmp_path / "x.yaml"
    data = template(scenario, "en", tmp_path)
    assert template(scenario, "en", tmp_path) == data
    book.write_bytes(data)
    read = fs.read(book)
    text.write_text(scenario_yaml(read.document), encoding="utf-8")
    assert read_document(text) == read.document
    assert_same(scenario, read)
    for variant in scenario.variant_names:
        changed = scenario.with_variant(variant)
        assert_same(changed, read.with_variant(variant))


def test_chinese_sheets_and_headings_say_the_same(tmp_path: Path) -> None:
    scenario = fs.example("nickel_loop")
    (tmp_path / "x.xlsx").write_bytes(template(scenario, "zh", tmp_path))
    assert_same(scenario, fs.read(tmp_path / "x.xlsx"))
    assert openpyxl.load_workbook(tmp_path / "x.xlsx").sheetnames[:3] == ["情景", "层", "物料"]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_yaml_that_is_written_reads_back_as_it_was(path: Path, tmp_path: Path) -> None:
    document = read_document(path)
    (tmp_path / "x.yaml").write_text(scenario_yaml(document), encoding="utf-8")
    assert read_document(tmp_path / "x.yaml") == document


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff\ufeff\u2028\u2029")
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(bool), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.dictionaries(TEXTS.filter(bool), VALUES, min_size=1, max_size=3))
def test_any_document_reads_back_as_it_was_written(tmp_path: Path, document: dict[str, Any]) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(scenario_yaml(document), encoding="utf-8", newline="")
    assert read_document(path) == document


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(
        st.sampled_from(["=", "+", "-", "@", "http://", "{=", "_x0041_", "'", ""]).flatmap(
            lambda start: TEXTS.map(lambda rest: start + rest)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_text_stays_a_text(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(
        workbook_bytes(lambda book: add_table(book, "s", ["h"], [[text] for text in texts]) and None)
    )
    (sheet,) = read_workbook(path)
    cells = {number: row[0] for number, row in sheet.rows}
    assert [cells.get(row) for row in range(2, len(texts) + 2)] == [text.strip() or None for text in texts]
    with zipfile.ZipFile(path) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
        assert not [name for name in parts.namelist() if "worksheets/_rels" in name]


@pytest.mark.parametrize("value", [0.1, 1e-300, 12345678901234, True, False, 3])
def test_a_number_stays_a_number(tmp_path: Path, value: float) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(workbook_bytes(lambda book: put(book.add_worksheet("s"), 0, 0, value)))
    assert read_workbook(path)[0].rows == [(1, [value])]


def test_a_text_that_is_too_long_for_a_cell_is_named() -> None:
    with pytest.raises(fs.FlowsimError, match="a text of 40000 signs is too long"):
        workbook_bytes(lambda book: put(book.add_worksheet("s"), 0, 0, "x" * 40_000))


# ---- the template ----


def test_the_template_has_drop_downs_notes_and_frozen_headings(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    done = CliRunner().invoke(main, ["excel", "template", "-o", str(path)])
    assert done.exit_code == 0, done.output
    book = openpyxl.load_workbook(path)
    flows = book["flows"]
    assert flows.freeze_panes == "B3"
    heads = {cell.value: cell for cell in flows[1]}
    assert heads["good"].fill.fgColor.rgb != heads["note"].fill.fgColor.rgb  # required ones stand out
    note = heads["good"].comment.text
    assert "what flows" in note and "必填" in note and "物料" in note
    assert str(flows["A2"].value).startswith("# ")
    letter = heads["quality"].column_letter
    rules = {str(rule.sqref).split(":")[0]: rule for rule in flows.data_validations.dataValidation}
    entries = rules[f"{letter}3"].formula1
    listed = openpyxl.utils.cell.coordinate_from_string(entries.split("!")[1].split(":")[0].replace("$", ""))
    column = [cell.value for cell in book["_lists"][listed[0]]][1:]
    assert column[: len(schema.QUALITIES)] == list(schema.QUALITIES)
    assert rules[f"{heads['from'].column_letter}3"].showErrorMessage is False  # a new id may be written
    assert book["_lists"].sheet_state == "hidden"
    assert fs.read(path).variant_names.keys() == {"as_planned", "symbiosis", "bigger_refinery"}


def test_the_commands_take_a_workbook(tmp_path: Path) -> None:
    path, run = tmp_path / "book.xlsx", CliRunner().invoke
    assert (
        run(main, ["excel", "template", "-o", str(path), "--from", str(NICKEL), "--lang", "zh"]).exit_code
        == 0
    )
    for command in (["check"], ["run", "--variant", "symbiosis"], ["compare"]):
        mine, theirs = (run(main, [command[0], str(file), *command[1:]]) for file in (path, NICKEL))
        assert mine.exit_code == 0, mine.output
        assert mine.output.replace(str(path), "") == theirs.output.replace(str(NICKEL), "")
    text = run(main, ["excel", "yaml", str(path)]).output
    assert "library: [flowsim]" in text


def test_an_optimum_is_not_written_into_a_workbook(tmp_path: Path) -> None:
    path, run = tmp_path / "book.xlsx", CliRunner().invoke
    assert run(main, ["excel", "template", "-o", str(path)]).exit_code == 0
    done = run(main, ["optimise", str(path), "--objective", "waste", "--write", str(tmp_path / "best.yaml")])
    assert done.exit_code == 2
    assert "Write it as YAML first: `flowsim excel yaml book.xlsx -o book.yaml`." in done.output


def test_every_column_has_a_chinese_title_and_no_two_of_a_table_the_same() -> None:
    for table, columns in schema.TABLES.items():
        assert table in titles.TABLES, table
        names = [
            name
            for column in columns
            for name in (("en", "zh") if column.kind == "label" else (column.name,))
        ]
        assert set(names) - set(titles.COLUMNS) == set(), f"titles.COLUMNS lacks columns of {table}"
        shown = list(columns_of(table).values())
        assert len(set(shown)) == len(shown), table


def test_a_result_as_a_workbook(tmp_path: Path) -> None:
    for lang, sheet in (("en", "flows"), ("zh", "物质流")):
        path = tmp_path / f"{lang}.xlsx"
        done = CliRunner().invoke(main, ["run", str(NICKEL), "--out", str(path), "--lang", lang])
        assert done.exit_code == 0, done.output
        rows = list(openpyxl.load_workbook(path)[sheet].values)
        result = fs.balance(fs.assemble(fs.read(NICKEL)))
        assert len(rows) == len(result.flows) + 1
        assert rows[1][6] == pytest.approx(result.flows["value"].iloc[0])
    assert rows[0][:3] == ("年份", "编号", "来自")


# ---- what is wrong ----


def test_a_book_by_hand_is_read(write: Callable[..., str]) -> None:
    scenario = fs.read(write(BOOK))
    flow = scenario.tables["flows"].set_index("good").loc["metal"]
    assert (flow["amount"], flow["sd"], flow["file"], flow["line"]) == (1e5, 5e3, "x.xlsx, sheet flows", 3)
    assert fs.balance(fs.assemble(scenario)).flows["value"].sum() == pytest.approx(3e5)


def changed(sheet: str, cell: str, value: Any) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[sheet][cell] = value

    return change


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "said"),
    [
        ("flows", "A3", "metl", "x.xlsx, sheet flows, cell A3: flows: `good`: there is no good `metl`. Did"),
        (
            "flows",
            "B2",
            "makret",
            "x.xlsx, sheet flows, cell B2: flows: `from`: there is no process `makret`.",
        ),
        ("flows", "D3", -1, "x.xlsx, sheet flows, cell D3: flows: `amount` is negative"),
        ("flows", "E3", "kg", "x.xlsx, sheet flows, cell D3: flows: `amount` is in t: an amount per year"),
        ("flows", "E3", "ton/a", "x.xlsx, sheet flows, cell D3: flows: `amount`:"),
        ("flows", "E3", None, "x.xlsx, sheet flows, cell D3: flows: `amount: 100` has no unit."),
        ("flows", "D3", datetime.date(2025, 1, 1), "sheet flows, cell D3: `amount`: the cell holds a date"),
        ("flows", "D3", True, "x.xlsx, sheet flows, cell D3: flows: `amount`:"),
        (
            "flows",
            "D3",
            "=1+1",
            "x.xlsx, sheet flows, cell D3: the formula in this cell was never calculated.",
        ),
        ("flows", "H3", "stray", "x.xlsx, sheet flows, cell H3: the value `stray` has no heading."),
        (
            "flows",
            "G1",
            "sourc",
            "x.xlsx, sheet flows, cell G1: unknown column `sourc`. Did you mean `source`",
        ),
        ("flows", "G1", "sd", "x.xlsx, sheet flows, cell G1: a second column is `sd`."),
        (
            "processes",
            "A2",
            "Big smelter",
            "x.xlsx, sheet processes, cell A2: processes: `id`: `Big smelter` is no id",
        ),
        ("scenario", "B2", 7, "x.xlsx, sheet scenario, cell B2: `flowsim:` `7` is no known version."),
        ("scenario", "A3", "nam", "x.xlsx, sheet scenario, cell A3: unknown key `nam`."),
        ("scenario", "B4", "nowhere", "x.xlsx, sheet scenario, cell B4: There is no folder 'nowhere'."),
    ],
)
def test_a_problem_names_sheet_and_cell(
    write: Callable[..., str], sheet: str, cell: str, value: Any, said: str
) -> None:
    assert any(said in problem for problem in problems(write(BOOK, changed(sheet, cell, value))))


def test_an_error_of_a_formula_is_no_empty_cell(write: Callable[..., str]) -> None:
    def change(book: Any) -> None:
        book["flows"]["D3"] = "#REF!"
        book["flows"]["D3"].data_type = "e"

    assert problems(write(BOOK, change)) == [
        "x.xlsx, sheet flows, cell D3: the cell holds #REF!. Mend its formula, or write the value."
    ]


def test_a_formula_counts_by_the_value_that_excel_stored(tmp_path: Path) -> None:
    for value, is_known in ((42, True), (0, False)):
        book = xlsxwriter.Workbook(tmp_path / "x.xlsx")
        book.add_worksheet("s").write_formula(0, 0, "=6*7", None, value)
        book.close()
        if is_known:
            assert read_workbook(tmp_path / "x.xlsx")[0].rows == [(1, [42])]
        else:  # what a program wrote that cannot calculate
            with pytest.raises(
                fs.FlowsimError, match="cell A1: the formula in this cell was never calculated"
            ):
                read_workbook(tmp_path / "x.xlsx")


def test_a_percentage_of_excel_is_a_percentage(write: Callable[..., str]) -> None:
    def change(book: Any) -> None:
        book["facts"]["C2"].number_format = "0.0%"

    book = {**BOOK, "facts": [("transfer", "at", "value"), ("metal", "smelter", 0.4)]}
    write(book, change)
    (sheet,) = [sheet for sheet in read_workbook("x.xlsx") if sheet.name == "facts"]
    assert sheet.rows[1] == (2, ["metal", "smelter", "40 %"])


def test_values_merged_over_rows_are_refused(write: Callable[..., str]) -> None:
    found = problems(write(BOOK, lambda book: book["flows"].merge_cells("B3:B4")))
    assert found == [
        "x.xlsx, sheet flows, cell B3: the cells B3:B4 are merged over several rows. Split the cell and "
        "write the value in each row."
    ]


def test_titles_empty_rows_explanations_and_hidden_rows_do_no_harm(write: Callable[..., str]) -> None:
    rows = [("Flows of the smelter",), (), FLOWS[0], ("# what flows", "where"), (), *FLOWS[1:], ()]

    def change(book: Any) -> None:
        book["flows"].merge_cells("A1:E1")
        book["flows"].row_dimensions[7].hidden = True

    result = fs.balance(
        fs.assemble(fs.read(write({**BOOK, "flows": rows, "_own": [("any", "thing")]}, change)))
    )
    assert result.all_notes()[0].startswith(
        "1 hidden rows of the workbook hold data and are read: x.xlsx, sheet f"
    )
    assert "1 个隐藏行" in result.all_notes("zh")[0]


@pytest.mark.parametrize(
    ("sheets", "said"),
    [
        (
            {"flow": FLOWS},
            "x.xlsx, sheet flow: there is no table `flow`. Did you mean `flows`? Begin its name",
        ),
        (
            {"物质流": FLOWS},
            "x.xlsx, sheet 物质流: the sheets `flows` and `物质流` are both the table `flows`.",
        ),
        ({"facts": [("what", "ever")]}, "x.xlsx, sheet facts: no row names the columns."),
        (
            {"recipes": [("recipe", "direction", "good"), ("r", "into", "ore")]},
            "sheet recipes, cell B2: recipes: `dire",
        ),
        ({"recipes": [("recipe", "direction", "good"), ("r", None, "ore")]}, "sheet recipes, cell"),
        (
            {"contents": [("good", "layer", "value"), ("ore", "Cu", 0.1), ("ore", "Cu", 0.2)]},
            "sheet contents, row 3: contents: `Cu` of `ore` is stated twice",
        ),
        (
            {"flows": [*FLOWS, FLOWS[1]]},
            "x.xlsx, sheet flows, row 5: `flows`: two rows are both called `ore__",
        ),
    ],
)
def test_sheets_that_do_not_fit_are_named(
    write: Callable[..., str], sheets: Mapping[str, Cells], said: str
) -> None:
    assert any(said in problem for problem in problems(write({**BOOK, **sheets})))


HEAD = ("variant", "en", "zh", "base", "action", "what", "value")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            ("v", None, None, None, "ste", "flows.a.amount", 1),
            "cell E3: variants: there is no action `ste`. Did you mean `set`?",
        ),
        (
            ("v", None, None, None, "set", "flows", 1),
            "sheet variants, cell F3: variants: `flows` names no value.",
        ),
        (
            ("v", None, None, None, "set", "flows.a.amount", None),
            "sheet variants, cell G3: variants: `value` is missing.",
        ),
        (
            ("v", None, None, None, "set", "processes.smeltr.firm", "a"),
            "cell G3: variant `v`: there is no `smeltr` in `processes`",
        ),
        (("v", None, None, None, "open", "links.a", None), "sheet variants, cell F3: variant `v`"),
        (
            ("v", "other", None, None, None, None, None),
            "sheet variants, cell B3: variants: `v` has another `name` in a row above.",
        ),
        (
            ("v", None, None, "nobody", None, None, None),
            "sheet variants, cell D3: there is no variant `nobody`.",
        ),
    ],
)
def test_a_problem_of_a_variant_names_its_cell(
    write: Callable[..., str], row: tuple[Any, ...], said: str
) -> None:
    book = {**BOOK, "variants": [HEAD, ("v", "first", "第一"), row]}
    found = problems(write(book))
    assert any(said in problem for problem in found), found


def test_rows_with_a_variant_are_what_it_adds(write: Callable[..., str]) -> None:
    flows = [(*FLOWS[0], "variant"), *FLOWS[1:], ("slag", "smelter", "market", 1, "kt/a", None, None, "sold")]
    book = {**BOOK, "flows": flows, "variants": [HEAD, ("sold", "sold", "出售")]}
    scenario = fs.read(write(book))
    assert len(scenario.tables["flows"]) == 3
    assert len(scenario.with_variant("sold").tables["flows"]) == 4
    found = problems(write({**book, "variants": [HEAD, ("other", "other", "另一")]}))
    assert found == [
        "x.xlsx, sheet flows, cell H5: flows: there is no variant `sold`. Name it on the sheet `variants`."
    ]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        (
            "x.xls",
            b"",
            "x.xls: workbooks of this kind are not read. Open it in Excel or WPS and save it as .xlsx",
        ),
        ("x.ods", b"", "x.ods: workbooks of this kind are not read."),
        ("x.xlsx", b"hello", "x.xlsx: this is no workbook, or a damaged one."),
        ("x.xlsx", b"PK\x03\x04 and no more", "x.xlsx: this is no workbook, or a damaged one."),
        (
            "x.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
            "x.xlsx: this is a workbook with a password",
        ),
        ("x.xlsx", None, "x.xlsx: There is no such file."),
    ],
)
def test_a_file_that_is_no_workbook_is_said_in_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes | None, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if data is not None:
        Path(name).write_bytes(data)
    (problem,) = problems(name)
    assert problem.startswith(said)
    done = CliRunner().invoke(main, ["check", name])
    assert done.exit_code == 2


def test_a_workbook_without_any_table_is_refused(write: Callable[..., str]) -> None:
    (problem,) = problems(write({"Sheet1": [("a", "b"), (1, 2)]}))
    assert problem.startswith(
        "x.xlsx: no sheet is called `scenario`, and none has the columns from, to and good."
    )


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowsim.workbook.UNPACKED_BYTES", 1000)
    path = tmp_path / "x.xlsx"
    path.write_bytes(template(fs.example("seven_flows")))
    assert "the workbook holds over" in problems(path)[0]


def test_a_value_far_out_is_refused(write: Callable[..., str]) -> None:
    (problem,) = problems(write(BOOK, changed("flows", "XFD1048576", 1)))
    assert problem.startswith("x.xlsx, sheet flows, cell XFD1048576: the sheet reaches to here")


# ---- small parts ----


def test_letters_of_columns() -> None:
    assert [letters(at) for at in (0, 25, 26, 701, 702, 16383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


@pytest.mark.parametrize(
    "path",
    [
        ("flows", "a", "amount"),
        ("series", "flows.a.amount", "2030"),
        ("targets", "cn.x", "value"),
        ("facts", "f", "of"),
    ],
)
def test_a_path_reads_back(path: tuple[str, ...]) -> None:
    assert path_of(path_text(path)) == path


def test_every_shorthand_becomes_flat_rows() -> None:
    assert flat("pools", {"port": ["steam", "power"]}) == [
        {"site": "port", "good": "steam"},
        {"site": "port", "good": "power"},
    ]
    assert flat("prices", {"metal": "5 CNY/t"}) == [{"good": "metal", "price": "5 CNY/t"}]
    recipe = {
        "r": {
            "name": {"en": "r", "zh": "配"},
            "in": {"ore": "2 t"},
            "out": {"metal": "1 t", "slag": {}},
            "closing": "slag",
        }
    }
    assert flat("recipes", recipe) == [
        {"amount": "2 t", "recipe": "r", "direction": "in", "good": "ore"},
        {
            "amount": "1 t",
            "recipe": "r",
            "direction": "out",
            "good": "metal",
            "role": "reference",
            "en": "r",
            "zh": "配",
        },
        {"recipe": "r", "direction": "out", "good": "slag", "role": "closing"},
    ]
