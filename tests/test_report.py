"""Reports: the same numbers everywhere, both languages whole, safe with any text, the same bytes."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from docx import Document as Word

import flowsim as fs
from flowsim.cli import main
from flowsim.compare import Comparison, compare
from flowsim.errors import InputError
from flowsim.report import excel, page, pdf, report, word, write
from flowsim.report.document import (
    PAPER_ROWS,
    Bullets,
    Document,
    Formula,
    Paragraph,
    Picture,
    Section,
    Table,
    both,
)
from flowsim.report.sections import document
from flowsim.report.summary import HEADLINE, in_words
from flowsim.result import Result
from flowsim.views.text import Grid

ROOT = Path(__file__).parents[1]
HOSTILE = """flowsim: 1
name: {en: "<script>alert(1)</script>", zh: "=HYPERLINK(1)"}
goods: {ware: {name: {en: "<img src=x onerror=bad()>", zh: "@SUM(A1)"}, class: solid_waste, fate: landfill}}
processes:
  shop: {kind: trade, name: {en: "=HYPERLINK(\\"http://x.example\\")", zh: "<script>bad()</script>"}}
flows:
  - {id: in, good: ware, from: market, to: shop, amount: 7 t/a, source: "+1 </td><script>"}
  - {id: sold, good: ware, from: shop, to: landfill}
variants: {b: {name: {en: "-2+3", zh: "\\"><b>"}, flows: {in: {amount: 9 t/a}}}}
"""
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def results() -> list[Result]:
    scenario = fs.example("nickel_loop")
    return [fs.balance(fs.assemble(scenario.with_variant(name))) for name in ("as_planned", "symbiosis")]


@pytest.fixture(scope="module")
def comparison(results: list[Result]) -> Comparison:
    return compare(results, names=[*HEADLINE, "first"])


@pytest.fixture(scope="module")
def made(comparison: Comparison) -> dict[str, Document]:
    return {lang: document(comparison, lang) for lang in ("en", "zh")}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Document:
    file = tmp_path_factory.mktemp("hostile") / "x.yaml"
    file.write_text(HOSTILE, encoding="utf-8")
    answers = [fs.balance(fs.assemble(fs.read(file, name))) for name in (None, "b")]
    compared = compare(answers, names=[*HEADLINE, "first"])
    return both(document(compared, "en"), document(compared, "zh")).numbered()


def tables(made: Document) -> Iterator[Table]:
    return (part for section in made.sections for part in section.parts if isinstance(part, Table))


def texts(made: Document) -> Iterator[str]:
    """Every text that the program wrote or chose, but for the cells of tables."""
    yield from (made.title, made.subtitle, *(text for fact in made.facts for text in fact))
    for section in made.sections:
        yield section.heading
        for part in section.parts:
            match part:
                case Paragraph():
                    yield part.text
                case Bullets():
                    yield from part.items
                case Picture():
                    yield from (part.title, part.alt)
                case Table():
                    yield from (part.grid.title, *part.grid.columns, *part.columns)


# --- contents --------------------------------------------------------------------------------------------


def test_a_report_has_every_section_that_a_reader_expects(made: dict[str, Document]) -> None:
    found = [section.heading for section in made["en"].sections]
    wanted = ["Summary", "Indicators", "Targets", "What explains the changes", "The flows"]
    wanted += ["Differences of the flows", "Balances", "Symbiosis", "Where to look next"]
    wanted += ["Method and definitions", "Data quality", "Assumptions of the variants", "Weak points"]
    wanted += [
        "Annex: full tables",
        "Processes",
        "Targets without a verdict",
        "Sources",
        "All flows",
        "Origin",
    ]
    assert found == wanted


def test_both_languages_say_the_same_and_each_is_whole(made: dict[str, Document]) -> None:
    en, zh = made["en"], made["zh"]
    assert len(en.sections) == len(zh.sections)
    for one, other in zip(en.sections, zh.sections, strict=True):
        assert [type(part) for part in one.parts] == [type(part) for part in other.parts]
    assert not [text for text in texts(en) if HAN.search(text)]
    plain = {"id", "%", "2025", "qinzhou_2025"}
    unsaid = [text for text in texts(zh) if not HAN.search(text) and text not in plain]
    assert not [text for text in unsaid if "flowsim" not in text]


def test_numbers_of_text_table_and_json_agree(comparison: Comparison, made: dict[str, Document]) -> None:
    stated = json.loads(json.dumps(comparison.as_json()))["indicators"][1]
    value = stated["values"]["symbiosis"]["value"]
    sentence = in_words(comparison, stated["id"], "en")
    assert stated["id"] == "cn.isw_utilisation_rate" and f"to {value:.2f} %" in sentence
    cells = {table.sheet: table for table in tables(made["en"])}
    assert cells["summary"].grid.rows[1][2].startswith(f"{value:.2f} (")
    assert cells["indicators"].grid.rows[1][3].startswith(f"{value:.2f} (")
    full = next(row for row in cells["indicators"].cells if row[0] == stated["id"] and row[2] == "Symbiosis")
    assert isinstance(full[9], Formula) and full[9].value == value
    assert any(f"({value:.2f} against ≥ 85 %)" in text for text in texts(made["en"]))


def test_chains_close_and_hold_all_that_crosses_them(
    results: list[Result], made: dict[str, Document]
) -> None:
    cells = next(table for table in tables(made["en"]) if table.sheet == "chains").cells
    assert {row[1] for row in cells} >= {"Nickel, cobalt, lithium and batteries", "Building materials"}
    for row in cells:
        assert isinstance(row[5], Formula) and abs(row[5].value) < 1e-6 * max(1.0, float(row[2]))  # type: ignore[arg-type]
    processes, flows = results[1].system.processes, results[1].system.flows
    chain = processes["chain"].to_numpy()
    into = (chain[flows["to_at"]] == "building_materials") & (chain[flows["from_at"]] != "building_materials")
    wanted = results[1].layer("mass")[into].sum()
    got = next(row[2] for row in cells if row[0] == "Symbiosis" and row[1] == "Building materials")
    assert got == pytest.approx(wanted)


def test_parts_of_a_change_add_up_to_it(comparison: Comparison, made: dict[str, Document]) -> None:
    cells = next(table for table in tables(made["en"]) if table.sheet == "changes").cells
    for first, other in zip(*comparison.values, strict=True):
        parts = [row[3] for row in cells if row[0] == first.indicator.en]
        if parts:
            assert sum(parts) == pytest.approx(other.value - first.value)  # type: ignore[arg-type]


def test_every_sheet_has_a_chinese_name(made: dict[str, Document], hostile: Document) -> None:
    used = {table.sheet.partition("#")[0] for found in (*made.values(), hostile) for table in tables(found)}
    assert used <= set(excel.SHEETS)


def test_every_flow_stands_in_the_annex_with_its_amounts(
    results: list[Result], made: dict[str, Document]
) -> None:
    rows = {
        row[0]: row for row in next(table for table in tables(made["en"]) if table.sheet == "flows").cells
    }
    for at, result in enumerate(results):
        for name, amount in zip(result.system.flows["id"], result.amounts, strict=True):
            if amount:
                assert rows[name][4 + at] == amount


def test_wastes_that_leave_unused_are_named_largest_first(made: dict[str, Document]) -> None:
    cells = next(table for table in tables(made["en"]) if table.sheet == "wastes").cells
    assert cells[0][0] == "lithium slag (25 % moisture)" and cells[0][3] == "landfill"
    assert cells[0][4] == pytest.approx(cells[0][5] + 500_000)  # type: ignore[operator]


def test_missing_targets_say_why(made: dict[str, Document]) -> None:
    rows = next(table for table in tables(made["en"]) if table.sheet == "not judged").grid.rows
    assert len(rows) > 40 and all(row[3] for row in rows)


def test_the_ledger_is_there_where_few_links_are_open(results: list[Result], tmp_path: Path) -> None:
    for wanted, there in ((None, True), (False, False)):
        file = tmp_path / "x.html"
        report(results[1:], file, ledger=wanted)
        said = file.read_text(encoding="utf-8")
        assert ("What each open link saves: Symbiosis" in said) is there
        assert ("`--ledger` adds it" in said) is not there


def test_a_scenario_alone_has_no_changes_to_explain() -> None:
    alone = fs.balance(fs.assemble(fs.example("japan_steel_2019")))
    found = document(compare([alone], names=[*HEADLINE, "first"]), "en")
    headings = [section.heading for section in found.sections]
    assert "What explains the changes" not in headings and "Differences of the flows" not in headings
    lines = [text for text in texts(found) if text.startswith("Main resource productivity")]
    assert lines and "is missing: " in lines[-1]


# --- files -----------------------------------------------------------------------------------------------


def parts(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            name: archive.read(name).decode("utf-8")
            for name in archive.namelist()
            if name.endswith((".xml", ".rels"))
        }


def test_hostile_texts_are_only_texts_in_html(hostile: Document) -> None:
    made = page.content(hostile).decode("utf-8")
    assert "<script" not in made and "<img src=x" not in made and "&lt;script&gt;alert(1)" in made
    bare = re.sub(r"https?://(www\.w3\.org|x\.example)[^\"&<]*", "", made)
    assert "http" not in bare.replace("http-equiv", "")
    assert not re.search(r"(src|href)=\"(?!data:|#)", made)


def test_hostile_texts_are_only_texts_in_a_workbook(hostile: Document) -> None:
    book = openpyxl.load_workbook(io.BytesIO(excel.content(hostile)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    formulas = {cell.value for cell in cells if cell.data_type == "f"}
    assert formulas and all(re.fullmatch(r"=[A-Z]\d+([-/*][A-Z]\d+)+", str(value)) for value in formulas)
    assert any("=HYPERLINK(" in str(cell.value) and cell.data_type == "s" for cell in cells)


def test_hostile_texts_are_only_texts_in_word(hostile: Document) -> None:
    made = Word(io.BytesIO(word.content(hostile)))
    said = [cell.text for table in made.tables for row in table.rows for cell in row.cells]
    assert any('=HYPERLINK("http://x.example")' in text for text in said)
    assert "x.example" not in "".join(
        text for name, text in parts(word.content(hostile)).items() if "rels" in name
    )


@pytest.mark.parametrize("writer", [page, word, excel, pdf])
def test_the_same_document_gives_the_same_bytes(writer: object, hostile: Document) -> None:
    first, second = (writer.content(hostile) for _ in range(2))  # type: ignore[attr-defined]
    assert first == second and len(first) > 10_000


def test_word_has_headings_captions_and_repeated_header_rows(made: dict[str, Document]) -> None:
    zh = made["zh"]
    short = Document(zh.title, zh.subtitle, zh.facts, (*zh.sections[:3], zh.sections[-2]), "zh").numbered()
    data = word.content(short)
    found = Word(io.BytesIO(data))
    heads = [line.text for line in found.paragraphs if line.style.name.startswith("Heading")]
    assert heads[0] == "1  摘要" and len(heads) == 4
    captions = [line.text for line in found.paragraphs if line.style.name == "Caption"]
    assert captions[0] == "表 1  三项核心指标" and any(text.startswith("图 1  ") for text in captions)
    body = parts(data)["word/document.xml"]
    assert body.count("<w:tblHeader/>") == len(found.tables) == body.count("SEQ Table")
    assert 'descr="' in body and 'w:eastAsia="Microsoft YaHei"' in parts(data)["word/styles.xml"]
    assert len(found.tables[-1].rows) == PAPER_ROWS + 1
    assert any("此处省略" in line.text for line in found.paragraphs)
    assert [page.page_width > page.page_height for page in found.sections] == [False, True]


def test_formulas_of_a_workbook_give_the_values_beside_them(
    comparison: Comparison, made: dict[str, Document]
) -> None:
    data = excel.content(made["en"].numbered())
    live, kept = (openpyxl.load_workbook(io.BytesIO(data), data_only=only) for only in (False, True))
    checked = 0
    for row in range(4, live["indicators"].max_row + 1):
        formula = live["indicators"].cell(row, 10).value
        if isinstance(formula, str):
            now = kept["indicators"]
            top, below, factor = (now.cell(row, column).value for column in (5, 7, 9))
            worked = top / below * factor if "/" in formula else top * factor
            assert worked == pytest.approx(now.cell(row, 10).value)
            checked += 1
    assert checked == sum(
        bool(value.terms and not value.reason) for mine in comparison.values for value in mine
    )


def test_a_bilingual_table_states_numbers_once() -> None:
    def one(lang: str, title: str, names: list[str], row: list[str]) -> Document:
        table = Table(Grid(title, names, [row], (2, 3)), "x")
        return Document(lang, "", (), (Section(lang, (table, Paragraph(lang))),), lang)

    en = one("en", "Wastes", ["good", "unit", "2020", "verdict"], ["slag", "kt/a", "1,200 (+3)", "pass (7)"])
    zh = one("zh", "废物", ["物料", "单位", "2020", "结论"], ["矿渣", "万t/a", "120 (+0.3)", "达标 (7)"])
    found = both(en, zh).sections[0]
    table = found.parts[0]
    assert isinstance(table, Table) and table.grid.columns[0] == "good / 物料"
    assert table.grid.rows == [["slag / 矿渣", "kt/a", "1,200 (+3)", "pass (7) / 达标 (7)"]]
    assert [part.text for part in found.parts[1:] if isinstance(part, Paragraph)] == ["en", "zh"]


def test_a_bilingual_table_with_units_in_its_headings_states_both_numbers() -> None:
    def one(lang: str, heading: str, number: str) -> Document:
        table = Table(Grid("", ["", heading, "n"], [["x", number, "7"]], (1, 2)), "x")
        return Document("", "", (), (Section("", (table,)),), lang)

    table = both(one("en", "saved, kt/a", "-27.47"), one("zh", "减少, 万t/a", "-2.747")).sections[0].parts[0]
    assert isinstance(table, Table)
    assert table.grid.columns[1:] == ["saved, kt/a / 减少, 万t/a", "n"]
    assert table.grid.rows == [["x", "-27.47 / -2.747", "7"]]


# --- the command -----------------------------------------------------------------------------------------


SCENARIOS = {path.stem for path in (ROOT / "scenarios").glob("*.yaml")}
MEASURED = {"japan_steel_measured", "seven_flows"}
"""Their data contradict each other: `reconcile` reports on them."""


@pytest.mark.parametrize("name", sorted(SCENARIOS - MEASURED - {"water_and_heat"}))
def test_every_scenario_makes_a_page(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    made = tmp_path / "report.html"
    chosen = ["--variants", "as_planned_2025,circular"] if name == "qinzhou_park" else []
    command = ["report", f"scenarios/{name}.yaml", "--no-ledger", "-o", str(made), *chosen]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    said = made.read_text(encoding="utf-8")
    assert '<h2 id="s1">1&ensp;Summary</h2>' in said and f"flowsim report scenarios/{name}.yaml" in said
    assert "date" not in re.findall(r"<dt>(.*?)</dt>", said)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "x.txt"], "`x.txt` is no report. End it in one of .html, .docx, .xlsx, .pdf."),
        (["-o", "no/folder/x.html"], "There is no folder"),
        (["--targets", "qinzou_2025"], "there is no target set `qinzou_2025`."),
        (["--base", "nobody"], "there is no variant `nobody` to count changes from."),
        (["--set", "nothing"], "there is no set of indicators `nothing`."),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(options: list[str], message: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(HOSTILE, encoding="utf-8")
    output = [] if "-o" in options else ["-o", str(tmp_path / "x.html")]
    done = CliRunner().invoke(main, ["report", str(file), *output, *options])
    assert done.exit_code == 2 and message in done.output
    assert "Traceback" not in done.output and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("form", "package", "extra"),
    [("docx", "docx", "report"), ("pdf", "weasyprint", "pdf"), ("html", "matplotlib", "viz")],
)
def test_a_missing_extra_is_named(form: str, package: str, extra: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; from flowsim.cli import main; main()"
    command = [sys.executable, "-c", code, "report", str(ROOT / "scenarios" / "nickel_loop.yaml")]
    command += ["--variants", "as_planned", "-o", str(tmp_path / f"x.{form}")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2 and f'pip install "flowsim[{extra}]"' in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


def test_an_unknown_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no language `de`"):
        write(lambda lang: Document("", "", (), (), lang), tmp_path / "x.html", "de")


@pytest.mark.parametrize(("lang", "verdict"), [("en", "The data agree"), ("zh", "数据在其不确定度内一致")])
def test_reconcile_makes_a_report(
    lang: str, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    made = tmp_path / "balance.html"
    command = ["reconcile", "scenarios/seven_flows.yaml", "--report", str(made), "--lang", lang]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    said = made.read_text(encoding="utf-8")
    shown = done.output.splitlines()[-1]
    assert shown.startswith(verdict) and shown.replace("<", "&lt;") in said
