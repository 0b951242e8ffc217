"""The commands as a user types them: what they print, what they refuse, and with which exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowsim import __version__
from flowsim.cli import main

ROOT = Path(__file__).parent.parent
NICKEL = str(ROOT / "scenarios" / "nickel_loop.yaml")
SMALL = """
flowsim: 1
name: {en: Small park, zh: 小园区}
year: 2025
goods:
  ore: {name: {en: ore, zh: 矿石}, class: mineral}
  slag: {name: {en: slag, zh: 炉渣}, class: solid_waste, fate: landfill}
  metal: {name: {en: metal, zh: 金属}}
recipes:
  smelting: {in: {ore: 1.2 t}, out: {metal: 1 t, slag: 0.2 t}}
processes:
  smelter: {name: {en: Smelter, zh: 冶炼厂}, recipe: smelting, capacity: 200 kt/a, load: 50 %}
  works: {kind: use}
flows:
  - {id: sold, good: metal, from: smelter, to: works}
  - {id: used, good: metal, from: works, to: market}
variants:
  plan: {name: {en: Plan, zh: 规划}}
  full: {name: {en: Full load, zh: 满负荷}, processes: {smelter: {load: 100 %}}}
"""
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SMALL, encoding="utf-8")
    return "small.yaml"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def printed(*arguments: str) -> str:
    ran = call(*arguments)
    assert ran.exit_code == 0, ran.output
    assert ran.stderr == ""
    return ran.stdout


def refused(*arguments: str) -> str:
    """What is said on standard error; never a traceback, and nothing on standard output."""
    ran = call(*arguments)
    assert ran.exit_code == 2, ran.output
    assert isinstance(ran.exception, SystemExit)
    assert "Traceback" not in ran.output and ran.stderr.startswith("flowsim: ")
    return ran.stderr


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", "from flowsim.cli import main; main()", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=False
    )


# ---- what the commands print ----


def test_help_of_every_command_is_there() -> None:
    for command in ([], *([name] for name in main.commands)):
        text = printed(*command, "--help")
        assert text.startswith("Usage:") and len(text.splitlines()) > 5


def test_the_version_is_that_of_the_package() -> None:
    assert printed("--version").strip() == f"flowsim, version {__version__}"


def test_check_closes_every_process_of_every_variant(small: str) -> None:
    text = printed("check", small)
    assert [line for line in text.splitlines() if line.startswith("==")] == [
        f"== {small}",
        "== plan",
        "== full",
    ]
    assert text.count("mass balance of every process, t/a") == 3
    assert text.count("no problems; all fixed by facts; largest residual") == 3
    assert "works" in text


def test_check_of_one_variant_looks_at_that_one(small: str) -> None:
    text = printed("check", small, "--variant", "full")
    assert text.count("==") == 1 and "240,000" in text


def test_check_goes_on_to_the_other_variants_when_one_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    broken = "  over: {add: {facts: [{limit: smelter, max: 1 kt/a}]}}\n  odd: {open: [nothing]}\n"
    path.write_text(SMALL.replace("variants:\n", "variants:\n" + broken), encoding="utf-8")
    ran = call("check", str(path))
    assert ran.exit_code == 2
    assert "== over" in ran.stdout and "above its limit of 1000" in ran.stderr
    assert "there is no `nothing`" in ran.stderr
    assert ran.stdout.count("no problems") == 2
    assert "Traceback" not in ran.output


def test_check_lists_the_problems_of_all_variants_at_once(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    text = SMALL.replace("load: 100 %", "laod: 100 %").replace(
        "variants:\n", "variants:\n  worse: {open: [nothing]}\n"
    )
    path.write_text(text, encoding="utf-8")
    ran = call("check", str(path))
    assert ran.exit_code == 2
    assert ran.stderr.count("`laod`") == 1 and ran.stderr.count("there is no `nothing`") == 1
    assert "as above" in ran.stdout


def test_check_says_a_problem_of_all_variants_once(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(SMALL + "flaws: []\n", encoding="utf-8")
    ran = call("check", str(path))
    assert ran.exit_code == 2 and ran.stderr.count("unknown key `flaws`") == 1
    assert ran.stdout.count("as above") == 2


def test_run_prints_processes_flows_and_the_largest_residual(small: str) -> None:
    text = printed("run", small)
    assert text.startswith("Small park, 2025\nprocesses\n")
    assert re.search(r"smelter +Smelter +100,000 +200,000 +t/a +50.0 %", text)
    assert re.search(r"slag +Smelter +landfill +20,000 +t/a +implied", text)
    assert "largest residual" in text.splitlines()[-1]


def test_run_of_a_variant_says_which(small: str) -> None:
    assert printed("run", small, "--variant", "full").startswith("Small park, 2025 · Full load\n")


def test_run_shows_only_the_larger_flows_unless_asked_for_all() -> None:
    text = printed("run", NICKEL, "--variant", "as_planned")
    assert "more flows, see --all" in text
    every = printed("run", NICKEL, "--variant", "as_planned", "--all")
    assert "more flows" not in every and len(every.splitlines()) > len(text.splitlines()) + 100


def test_run_writes_tables_and_a_result_that_loads_again(small: str, tmp_path: Path) -> None:
    printed("run", small, "--out", str(tmp_path / "out"), "--save", str(tmp_path / "saved"))
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "flows.csv",
        "processes.csv",
        "result.json",
    }
    from flowsim.result import load

    assert len(load(tmp_path / "saved").flows) == 4


def test_compare_puts_the_variants_side_by_side(small: str) -> None:
    text = printed("compare", small, "--set", "general.solid_waste_landfilled")
    assert "change against: Plan" in text
    assert re.search(r"kt/a +20\.00 +40\.00 \(\+20\.0\)", text)
    assert re.search(r"Full load +\+20\.0 kt/a +\+20\.0 slag", text)


def test_compare_takes_sets_and_ids_together(small: str) -> None:
    found = json.loads(printed("compare", small, "--set", "eu, general.co2", "--format", "json"))
    ids = [row["id"] for row in found["indicators"]]
    assert "general.co2" in ids and {"eu"} <= {name.split(".")[0] for name in ids}


def test_compare_of_a_file_without_variants_shows_the_scenario(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text(SMALL[: SMALL.index("variants:")], encoding="utf-8")
    assert "Small park" in printed("compare", str(path), "--set", "general.co2")


def test_compare_of_two_files_names_both(small: str, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SMALL.replace("Small park", "Other park"), encoding="utf-8")
    found = json.loads(printed("compare", small, str(other), "--set", "general.co2", "--format", "json"))
    assert [variant["id"] for variant in found["variants"]] == [
        "small.plan",
        "small.full",
        "other.plan",
        "other.full",
    ]


def test_csv_is_tidy_with_plain_numbers(small: str) -> None:
    rows = list(csv.DictReader(io.StringIO(printed("compare", small, "--format", "csv"))))
    assert list(rows[0]) == ["id", "en", "zh", "unit", "variant", "value", "change", "reason"]
    landfilled = {row["variant"]: row for row in rows if row["id"] == "general.solid_waste_landfilled"}
    assert float(landfilled["plan"]["value"]) == pytest.approx(20e3) and landfilled["plan"]["change"] == ""
    assert float(landfilled["full"]["change"]) == pytest.approx(20e3)
    missing = next(row for row in rows if row["id"] == "general.value_added")
    assert missing["value"] == "" and "price" in missing["reason"]


def test_csv_gives_the_reason_in_the_language_asked_for(small: str) -> None:
    rows = list(csv.DictReader(io.StringIO(printed("compare", small, "--format", "csv", "--lang", "zh"))))
    assert "价格" in next(row["reason"] for row in rows if row["id"] == "general.value_added")


def test_markdown_has_a_table_for_each_part(small: str) -> None:
    text = printed("compare", small, "--format", "markdown", "--set", "general.solid_waste_landfilled")
    assert text.startswith("### Small park, 2025")
    assert "| --- | --- | ---: | ---: |" in text and text.count("\n### ") == 1


def test_trace_of_an_indicator_shows_both_sides_and_the_clause() -> None:
    text = printed("trace", NICKEL, "cn.isw_utilisation_rate", "--variant", "all")
    assert re.search(r"^ numerator +lithium slag", text, re.MULTILINE)
    assert re.search(r"^ denominator +lithium slag", text, re.MULTILINE)
    assert "NDRC" in text.splitlines()[-1]


def test_trace_of_a_flow_ends_at_the_fact_with_its_line(small: str) -> None:
    text = printed("trace", small, "used")
    line = next(at for at, said in enumerate(SMALL.splitlines(), 1) if said.startswith("  smelter:"))
    assert re.search(rf"given, smelter: activity\(smelter\) = 100000 .*small.yaml:{line}", text)


def test_trace_of_a_missing_indicator_says_why(small: str) -> None:
    assert "no price for" in printed("trace", small, "general.value_added").splitlines()[-1]


def test_init_makes_a_scenario_that_compares(tmp_path: Path) -> None:
    folder = str(tmp_path / "mine")
    said = printed("init", folder)
    path = str(tmp_path / "mine" / "scenario.yaml")
    assert f"flowsim compare {path}" in said
    assert "Symbiosis and a bigger refinery" in printed("compare", path)


def test_the_library_is_searched_in_both_languages() -> None:
    assert "niso4_6h2o" in printed("library", "镍")
    assert "niso4_6h2o" in printed("library", "nickel sulfate")
    assert "nothing in the library matches `zzzz`" in printed("library", "zzzz")


def test_every_json_is_valid_and_versioned(small: str) -> None:
    for arguments in (["run", small], ["trace", small, "used"], ["library", "nickel"]):
        assert json.loads(printed(*arguments, "--json"))["flowsim_json"] == 1


# ---- Chinese ----


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", NICKEL, "--variant", "all"),
        ("compare", NICKEL, "--variants", "as_planned,all"),
        ("trace", NICKEL, "cn.isw_utilisation_rate", "--variant", "all"),
        ("trace", NICKEL, "slag_to_landao", "--variant", "all"),
        ("check", NICKEL, "--variant", "all"),
        ("library", "镍"),
    ],
    ids=lambda arguments: " ".join(arguments[:1]),
)
def test_chinese_output_has_no_english_headings(arguments: tuple[str, ...]) -> None:
    lines = printed(*arguments, "--lang", "zh").splitlines()
    rules = [at for at, line in enumerate(lines) if line.startswith(" ───")]
    assert rules
    for at in rules:
        for heading in lines[at - 1].split():
            assert heading == "id" or CHINESE.search(heading), heading


def test_chinese_output_counts_in_wan_and_yuan() -> None:
    text = printed("compare", NICKEL, "--variants", "as_planned", "--lang", "zh")
    assert "亿元/a" in text and "万t/a" in text and "元/t" in text and "CNY" not in text
    assert "万t/a" in printed("run", NICKEL, "--variant", "all", "--lang", "zh")


def test_english_output_has_no_chinese() -> None:
    for arguments in (
        ("compare", NICKEL, "--variants", "as_planned,all"),
        ("run", NICKEL, "--variant", "all"),
    ):
        assert not CHINESE.search(printed(*arguments))


# ---- what the commands refuse ----


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for command in ("check", "run", "compare"):
        message = refused(command, str(tmp_path / "none.yaml"))
        assert "none.yaml" in message and len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02" * 999, "binary"),
        (b"flowsim: 1\nfloows: []\n", "floows"),
        (b"flowsim: 1\nname: [1\n", "2"),
    ],
    ids=["empty", "binary", "unknown key", "no YAML"],
)
def test_a_file_that_is_no_scenario_is_refused(content: bytes, wanted: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_bytes(content)
    for command in ("run", "compare"):
        message = refused(command, str(path))
        assert "wrong.yaml" in message and wanted in message
    assert call("check", str(path)).stderr == refused("run", str(path))


def test_a_folder_where_a_file_should_be_is_refused(tmp_path: Path) -> None:
    assert "folder" in refused("run", str(tmp_path))


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 12)]
    path.write_text("flowsim: 1\n" + "\n".join(lines), encoding="utf-8")
    assert "bomb.yaml" in refused("run", str(path))


def test_an_unknown_variant_gets_the_nearest_known(small: str) -> None:
    for arguments in (["run", small, "--variant", "pln"], ["compare", small, "--variants", "full,pln"]):
        assert "there is no variant `pln`. Did you mean `plan`?" in refused(*arguments)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["trace", "used_"], "there is no indicator or flow `used_`"),
        (["compare", "--set", "world"], "there is no set of indicators `world`"),
        (["compare", "--targets", "moon"], "there is no target set `moon`"),
        (["compare", "--base", "paln"], "there is no variant `paln` to count changes from"),
        (["compare", "--boundary", "firm:x"], "boundary `firm:x`"),
        (["compare", "--variants", ","], "there is nothing to compare"),
    ],
)
def test_a_wrong_name_is_refused(arguments: list[str], wanted: str, small: str) -> None:
    command, *rest = arguments
    assert wanted in refused(command, small, *rest)


def test_every_problem_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(
        SMALL.replace("load: 50 %", "lod: 50 %").replace("id: used, good: metal", "id: used, good: metl"),
        encoding="utf-8",
    )
    lines = refused("run", str(path)).splitlines()
    assert lines[0] == "flowsim: 2 problems:"
    assert all(re.match(r"  .*two\.yaml:\d+: ", line) for line in lines[1:]) and len(lines) == 3


def test_out_onto_a_file_is_refused_and_the_file_kept(small: str, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine", encoding="utf-8")
    assert "this is a file, but a folder is wanted" in refused("run", small, "--out", str(taken))
    assert (
        "exists" in refused("init", str(_starter(tmp_path))) and taken.read_text(encoding="utf-8") == "mine"
    )


def _starter(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    printed("init", str(folder))
    return folder


def test_saving_where_there_is_no_folder_writes_nothing(small: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    refused("run", small, "--save", str(tmp_path / "no" / "such" / "file"))
    refused("run", small, "--out", "/dev/null/out")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_to_write_is_said(small: str, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert "locked" in refused("run", small, "--out", str(locked))
    assert "locked" in refused("init", str(locked / "mine"))
    assert list(locked.iterdir()) == []


def test_a_scenario_that_cannot_be_balanced_leaves_nothing_behind(small: str, tmp_path: Path) -> None:
    path = tmp_path / "open.yaml"
    path.write_text(SMALL.replace(", load: 50 %", ""), encoding="utf-8")
    assert "smelter" in refused("run", str(path), "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


# ---- as a process of its own ----


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
    ],
)
def test_piped_output_is_utf8_whatever_the_locale(environment: dict[str, str], small: str) -> None:
    ran = process("run", str(Path(small).resolve()), "--lang", "zh", **environment)
    assert ran.returncode == 0, ran.stderr
    assert "冶炼厂" in ran.stdout.decode("utf-8")


def test_an_error_of_a_process_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    ran = process("run", str(tmp_path / "none.yaml"))
    assert ran.returncode == 2 and ran.stdout == b""
    assert len(ran.stderr.decode("utf-8").splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error_message() -> None:
    command = (
        f'"{sys.executable}" -c "from flowsim.cli import main; main()" library | head -c 1 > {os.devnull}'
    )
    ran = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, check=False)
    assert b"Traceback" not in ran.stderr and b"flowsim:" not in ran.stderr


def test_simulate_shows_stocks_by_year_and_writes_its_tables(tmp_path: Path) -> None:
    battery = str(ROOT / "scenarios" / "battery_stocks.yaml")
    share = ("--part", "ni_recycled", "--whole", "ni_recycled,ni_bought", "--layer", "Ni")
    text = printed("simulate", battery, "--years", "2020:2030:5", *share, "--out", str(tmp_path / "out"))
    assert "Balance over all years" in text and "share: ni_recycled" in text
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        f"{name}.csv" for name in ("flows", "processes", "stocks", "cohorts", "filling", "checks")
    }
    shown = json.loads(printed("simulate", battery, "--years", "2020,2025", "--json"))
    assert shown["kind"] == "simulation" and shown["variants"][0]["years"] == [2020, 2025]


def test_simulate_gives_the_indicators_of_every_year(tmp_path: Path) -> None:
    asked = ("simulate", str(ROOT / "scenarios" / "building_stocks.yaml"), "--years", "2020,2040")
    asked += ("--set", "general.solid_waste_landfilled,general.co2_intensity")
    text = printed(*asked, "--variants", "as_assumed,slow_recycling", "--lang", "zh", "--out", str(tmp_path))
    assert "固体废物填埋处置量（资源化能力减半）" in text.replace(" (", "（").replace(") ", "）")
    assert "general.co2_intensity" in text and "缺失" in text
    lines = (tmp_path / "indicators.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("variant,year,id,") and len(lines) == 9
    shown = json.loads(printed(*asked, "--json"))["variants"][0]["indicators"]
    assert [item["year"] for item in shown] == [2020, 2020, 2040, 2040] and shown[1]["value"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--years", "soon"], "`--years soon` are no years. Write 2020:2060"),
        (["--years", "2020:2030", "--part", "a"], "a share needs `--part` and `--whole`."),
    ],
)
def test_simulate_refuses_what_it_cannot_read(options: list[str], message: str) -> None:
    ran = call("simulate", str(ROOT / "scenarios" / "battery_stocks.yaml"), *options)
    assert ran.exit_code == 2 and message in ran.stderr


def test_inputs_that_no_flow_carries_are_given_by_name() -> None:
    asked = ("indicators", NICKEL, "--variant", "all", "--set", "cn.nonfossil_share")
    assert "give the input" in printed(*asked)
    assert "23.34" in printed(*asked, "--input", "nonfossil_share_of_power=30")
    ran = call(*asked, "--input", "nonfossil_share_of_power")
    assert ran.exit_code == 2 and "is no NAME=NUMBER" in ran.stderr


def test_the_ledger_says_what_each_link_saves() -> None:
    text = printed("indicators", NICKEL, "--variant", "symbiosis", "--ledger")
    assert "Lithium slag to building material" in text and "all open links together" in text


def test_changes_against_a_base_are_in_percent_and_by_year() -> None:
    asked = ("indicators", NICKEL, "--variant", "all", "--base", "as_planned")
    text = printed(*asked, "--years", "5")
    assert re.search(r"cn.energy_intensity .*−22.0 % +−4.84 %", text)
    assert re.search(r"Elasticity of energy consumption +-2.576 +\+1.37 %", text)
    assert "yearly" not in printed(*asked) and "elasticities" not in printed(*asked)
    text = printed(*asked, "--set", "cn", "--lang", "zh")
    assert re.search(r"cn.industrial_water_reuse_rate .*\+1.08 个百分点", text) and "基期为零" in text
    other = printed("indicators", NICKEL, "--base", NICKEL, "--set", "eu.dmi,cn.isw_utilised_share")
    assert re.search(r"eu.dmi .* = +=", other) and "相对" not in other


def test_a_set_of_factors_is_chosen_by_name() -> None:
    asked = ("indicators", NICKEL, "--variant", "all", "--set", "general.co2")
    plain, chosen = printed(*asked), printed(*asked, "--factors", "national_2022")
    assert "1.962" in plain and "1.962" not in chosen
    assert printed(*asked, "--factors", "co2_bought=national_2022") == chosen
    ran = call("compare", NICKEL, "--factors", "national_1922")
    assert ran.exit_code == 2 and "no factor has a set `national_1922`" in ran.stderr
    traced = printed("trace", NICKEL, "general.co2", "--variant", "all", "--factors", "national_2022")
    assert "1.962" not in traced


@pytest.mark.parametrize("form", ["svg", "html"])
def test_sankey_and_explore_write_pages_that_load_nothing(form: str, tmp_path: Path) -> None:
    picture, graph = tmp_path / f"x.{form}", tmp_path / "graph.html"
    printed("sankey", NICKEL, "--variant", "all", "--layer", "Ni", "-o", str(picture))
    printed("explore", NICKEL, "--variants", "as_planned,all", "-o", str(graph))
    assert "CNGR" in picture.read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", graph.read_text(encoding="utf-8"))
    assert call("sankey", NICKEL, "-o", str(tmp_path / "x.bmp")).exit_code == 2


def test_explore_holds_every_year_of_every_variant_and_sankey_the_last(tmp_path: Path) -> None:
    graph, picture = tmp_path / "graph.html", tmp_path / "flows.svg"
    stocks = "scenarios/battery_stocks.yaml"
    some = ("--years", "2020:2030:5")
    printed("explore", stocks, "--variants", "as_assumed,long_life", *some, "-o", str(graph))
    text = graph.read_text(encoding="utf-8")
    years = re.findall(
        r'"id":"(as_assumed|long_life)","en":"[^"]*","zh":"[^"]*","name":.*?"year":(\d+)', text
    )
    assert years == [
        (name, year) for name in ("as_assumed", "long_life") for year in ("2020", "2025", "2030")
    ]
    printed("sankey", stocks, *some, "-o", str(picture))
    assert "2030 · mass" in picture.read_text(encoding="utf-8")
    for command in ("explore", "sankey"):
        assert "`--years soon` are no years" in refused(command, stocks, "--years", "soon")
        assert "`--years ,` are no years" in refused(command, stocks, "--years", ",")


def test_pictures_of_a_reconciled_scenario_show_its_uncertainty(tmp_path: Path) -> None:
    graph, picture = tmp_path / "graph.html", tmp_path / "flows.svg"
    measured = "scenarios/japan_steel_measured.yaml"
    printed("explore", measured, "--study", "reconcile", "-o", str(graph))
    assert '"study":"reconcile"' in graph.read_text(encoding="utf-8")
    printed("sankey", measured, "--study", "reconcile", "-o", str(picture))
    assert 'class="halo"' in picture.read_text(encoding="utf-8")


def test_reconcile_shows_the_published_answer() -> None:
    text = printed("reconcile", str(ROOT / "scenarios" / "seven_flows.yaml"))
    assert "102.4 ± 7.9" in text and "χ² = 0.2959, 2 degrees of freedom" in text
    assert re.search(r"f6 .*0 … 152.4 .*unobservable", text)
    assert "不可观测" in printed("reconcile", str(ROOT / "scenarios" / "seven_flows.yaml"), "--lang", "zh")


def test_reconcile_says_what_to_measure_next_for_a_flow_or_an_indicator() -> None:
    file = str(ROOT / "scenarios" / "seven_flows.yaml")
    text = printed("reconcile", file, "--measure", "f1")
    assert "What to measure next for f1" in text and "better: f1" in text
    assert "为确定f6，下一步应测量" in printed("reconcile", file, "--measure", "f6", "--lang", "zh")
    shown = json.loads(printed("reconcile", file, "--measure", "f6", "--json"))
    assert [row["id"] for row in shown["next"]] == ["f6", "f7"] and shown["next"][0]["sd_before"] is None
    wrong = refused("reconcile", file, "--measure", "general.co3")
    assert "there is no flow and no indicator `general.co3`. Did you mean `general.co2`" in wrong
    assert "cannot be narrowed here: no price for material" in refused(
        "reconcile", file, "--measure", "general.value_added"
    )


def test_reconcile_gives_indicators_their_uncertainty() -> None:
    file = str(ROOT / "scenarios" / "seven_flows.yaml")
    for lang, words in (("en", ("first order", "Missing")), ("zh", ("一阶传播", "无法计算"))):
        text = printed("reconcile", file, "--indicators", "general.co2,general.value_added", "--lang", lang)
        assert all(word in text for word in words)
    shown = json.loads(printed("reconcile", file, "--indicators", "general.co2", "--json"))
    assert [row["id"] for row in shown["indicators"]] == ["general.co2"]


def test_reconcile_ties_years_together() -> None:
    file = str(ROOT / "tests" / "golden" / "depot_years.yaml")
    text = printed("reconcile", file, "--years", "2021:2023")
    assert "stock(depot@2020)" in text and "χ² = 1.885" in text
    wrong = refused("reconcile", file, "--years", "2021:2023", "--indicators", "first")
    assert "indicators are those of one year" in wrong


def test_reconcile_prints_json_and_writes_its_tables(tmp_path: Path) -> None:
    file = str(ROOT / "scenarios" / "seven_flows.yaml")
    shown = json.loads(printed("reconcile", file, "--json", "--out", str(tmp_path / "out")))
    assert shown["flowsim_json"] == 1 and shown["kind"] == "reconciliation"
    flows = (tmp_path / "out" / "flows.csv").read_text(encoding="utf-8-sig")
    assert "102.4259596" in flows and "7.8827924" in flows
