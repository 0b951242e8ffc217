"""Plain tables of flows: what a row means, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

import flowsim as fs
from flowsim.cli import main

ROOT = Path(__file__).parents[1]
HEAD = "from,to,good,layer,value,unit,uncertainty,source\n"
Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        Path("x.csv").write_text(text, encoding="utf-8")
        return "x.csv"

    return write


def problems(path: str) -> list[str]:
    with pytest.raises(fs.FlowsimError) as caught:
        fs.read(path)
    return [str(problem) for problem in caught.value.problems]  # type: ignore[attr-defined]


def sheet_of(csv: str, path: Path) -> None:
    """The same table as the only sheet of a workbook, numbers as numbers."""
    book = openpyxl.Workbook()
    for line in csv.splitlines():
        cells = [float(text) if text.replace(".", "").isdigit() else text or None for text in line.split(",")]
        book.active.append(cells)
    book.save(path)


def test_the_seven_flows_give_the_published_digits(tmp_path: Path) -> None:
    csv = ROOT / "scenarios" / "seven_flows.csv"
    sheet_of(csv.read_text(encoding="utf-8"), tmp_path / "x.xlsx")
    printed = ["f1 102.4", "f2 50.0", "f3 302.4", "f4 150.0", "f5 152.4"]
    for path in (csv, tmp_path / "x.xlsx"):
        result = fs.reconcile(fs.assemble(fs.read(path))).result
        flows = result.flows[result.flows["layer"] == "mass"].set_index("id")["value"]
        assert [f"{name} {flows[name]:.1f}" for name in ("f1", "f2", "f3", "f4", "f5")] == printed
    yaml, plain = (
        fs.reconcile(fs.assemble(fs.read(ROOT / "scenarios" / f"seven_flows.{kind}"))).result.flows
        for kind in ("yaml", "csv")
    )
    for column in ("id", "value", "sd", "how", "low", "high"):
        assert yaml[column].fillna(-1).tolist() == pytest.approx(plain[column].fillna(-1).tolist())


@pytest.mark.parametrize("command", [["reconcile"], ["check"], ["run"], ["sankey", "-o", "x.svg"]])
def test_the_commands_take_a_plain_table(write: Write, command: list[str]) -> None:
    path = write(
        HEAD
        + "Mine,Smelter,ore,,100,kt,5 %,report\nSmelter,market,metal,,,,,\n"
        + "Smelter,landfill,slag,,60,kt,± 3,\n"
    )
    done = CliRunner().invoke(main, [command[0], path, *command[1:]])
    assert done.exit_code == 0, done.output


def test_what_the_columns_mean(write: Write) -> None:
    scenario = fs.read(
        write(
            HEAD
            + "Mine A,Smelter,Iron ore,,100,kt/a,5 %,report\n"
            + "Mine A,Smelter,Iron ore,Fe,60,kt/a,± 2,\n"
            + "Smelter,market,Pig iron,,,,,\n"
            + "Smelter,water,Spent liquor,,7,m3/a,,\n"
            + "import,Smelter,Power,energy,9,GJ/a,3,\n"
            + "Smelter,landfill,Slag,,30,% of input,5,\n"
        )
    )
    goods = scenario.tables["goods"].set_index("id")
    assert goods["kind"].to_dict() == {
        "iron_ore": "material",
        "pig_iron": "material",
        "spent_liquor": "water",
        "power": "energy",
        "slag": "material",
    }
    assert goods.loc["iron_ore", "en"] == "Iron ore"
    processes = scenario.tables["processes"].set_index("id")
    assert processes["kind"].to_dict() == {"mine_a": "store", "smelter": ""}
    flows = scenario.tables["flows"].set_index("good")
    assert (flows.loc["iron_ore", "amount"], flows.loc["iron_ore", "cv"]) == (1e5, 0.05)
    assert (flows.loc["power", "from"], flows.loc["power", "amount"], flows.loc["power", "sd"]) == (
        "market",
        9,
        3,
    )
    facts = scenario.tables["facts"].set_index("id")
    assert facts.loc["row_3", ["given", "layer", "amount", "sd"]].tolist() == [
        "iron_ore__mine_a__smelter",
        "Fe",
        6e4,
        2e3,
    ]
    assert facts.loc["row_7", ["transfer", "at", "value", "sd"]].tolist() == [
        "slag__smelter__landfill",
        "smelter",
        0.3,
        0.05,
    ]
    assert scenario.tables["layers"]["id"].tolist() == ["Fe"]
    assert scenario.name["en"] == "x"


def test_chinese_headings_names_and_units(write: Write) -> None:
    scenario = fs.read(
        write(
            "来自,去向,物料,层,数值,单位,不确定度,来源\n市场,1#炉,铁矿石,质量,8,万吨/年,5%,年报\n1#炉,填埋,炉渣,,2,万吨,,\n1#炉,市场,铁水,,,,,\n"
        )
    )
    assert scenario.tables["flows"]["amount"].tolist()[:2] == [8e4, 2e4]
    assert scenario.tables["processes"][["id", "zh"]].values.tolist() == [["process_1", "1#炉"]]
    assert scenario.tables["flows"]["to"].tolist() == ["process_1", "landfill", "market"]


def test_a_good_that_the_library_knows_keeps_its_class_and_names(write: Write) -> None:
    known = fs.example("nickel_loop").tables["goods"].set_index("id").loc["lithium_slag"]
    for name in ("lithium_slag", known["zh"], known["en"]):
        goods = fs.read(write(HEAD + f"a,b,{name},,1,t,,\n")).tables["goods"].iloc[0]
        assert (goods["id"], goods["class"], goods["zh"]) == ("lithium_slag", known["class"], known["zh"])


def test_names_that_come_to_one_id_stay_apart(write: Write) -> None:
    scenario = fs.read(write(HEAD + "Plant A,Plant-A,x y,,1,t,,\nPlant-A,厂,x-y,,1,t,,\n"))
    assert scenario.tables["processes"]["id"].tolist() == ["plant_a", "plant_a_2", "process_3"]
    assert scenario.tables["goods"]["id"].tolist() == ["x_y", "x_y_2"]


def test_a_named_flow_may_be_measured_twice(write: Write) -> None:
    text = "flow," + HEAD + "f,market,p,x,,100,t,± 10,\nf,market,p,x,,110,t,± 10,\ng,p,market,x,,,,,\n"
    flows = fs.reconcile(fs.assemble(fs.read(write(text)))).result.flows.set_index("id")
    assert flows.loc["g", "value"] == pytest.approx(105)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",b,x,,1,t,,", "x.csv:2: `from`: the cell is empty."),
        ("a,b,x,,1,,,", "x.csv:2: `unit`: `1` is without a unit."),
        ("a,b,x,,1,t/d,,", "x.csv:2: `unit`: `1` is in t/d. Write t, m3 or GJ a year"),
        ("a,b,x,,1,furlong,,", "x.csv:2: `unit`: "),
        ("a,b,x,,much,t,,", "x.csv:2: `unit`: 'much t' is no number with a unit."),
        ("a,b,x,,1,t,about 3,", "x.csv:2: `uncertainty`: `about 3` is neither a share nor a number."),
        ("a,b,x,,,,3,", "x.csv:2: `uncertainty`: there is no value that it belongs to."),
        (
            "market,b,x,,5,% of input,,",
            "x.csv:2: `unit`: a share of the input of `market`, which lies outside.",
        ),
        ("a,nature,x,,1,t,,", "x.csv:2: `to`: nothing goes to `nature`. Write air, water or landfill."),
        ("landfill,b,x,,1,t,,", "x.csv:2: `from`: nothing comes from `landfill`."),
        (
            "a,b,x,,1,t,,\na,b,x,,2,t,,",
            "x.csv:3: `value`: a row above states this flow already. Name the flow in a",
        ),
    ],
)
def test_a_problem_names_row_and_column(write: Write, row: str, said: str) -> None:
    found = problems(write(HEAD + row + "\n"))
    assert any(problem.startswith(said) for problem in found), found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from,to\na,b\n", "x.csv:1: there is no column `good`. It may also be called 物料."),
        (
            HEAD.replace("layer", "lyer") + "a,b,x,,1,t,,\n",
            "x.csv:1: unknown column `lyer`. Did you mean `layer`?",
        ),
        (HEAD.replace("source", "来自") + "a,b,x,,1,t,,\n", "x.csv:1: `来自` and `from` are one column."),
        (
            "flow,from,to,good\nf,a,b,x\nf,b,a,x\n",
            "x.csv:3: `flow`: `f` has another good or other ends in row 2.",
        ),
    ],
)
def test_columns_that_do_not_fit_are_named(write: Write, text: str, said: str) -> None:
    assert said in "\n".join(problems(write(text)))


def test_a_table_in_gbk_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("来自,去向,物料\n甲,乙,钢\n".encode("gbk"))
    (problem,) = problems(str(path))
    assert "looks like GBK" in problem and "Save it as UTF-8" in problem


def test_problems_of_a_sheet_name_the_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sheet_of(HEAD + "a,b,x,,1,furlong,,\na,b,x,,,,3,\n", Path("x.xlsx"))
    assert [problem.split(":")[0] for problem in problems("x.xlsx")] == [
        "x.xlsx, sheet Sheet, cell F2",
        "x.xlsx, sheet Sheet, cell G3",
    ]
    sheet_of(HEAD + "a,a,x,,1,t,,\n", Path("x.xlsx"))
    assert problems("x.xlsx")[0].startswith(
        "x.xlsx, sheet Sheet, row 2: flows: it runs from a process to itself."
    )


def test_two_sheets_with_plain_tables_are_one_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("more")):
        sheet.append(["from", "to", "good"])
    book.save("x.xlsx")
    assert problems("x.xlsx")[0].startswith(
        "x.xlsx: 2 sheets hold plain tables (Sheet, more). Begin its name with _"
    )
