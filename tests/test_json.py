"""docs/json.md names every key that the commands print, and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowsim.cli import main
from flowsim.result import FORMAT

ROOT = Path(__file__).parent.parent
NICKEL = str(ROOT / "scenarios" / "nickel_loop.yaml")
CDW = str(ROOT / "scenarios" / "construction_waste.yaml")
PINCH = str(ROOT / "scenarios" / "water_and_heat.yaml")
STORE = """
flowsim: 1
year: 2025
goods: {scrap: {name: scrap}}
processes: {yard: {kind: store}}
flows:
  - {id: comes, good: scrap, from: market, to: yard, amount: 10 t/a}
  - {id: goes, good: scrap, from: yard, to: market, amount: 4 t/a}
"""
COMMANDS = {
    "result": ["run", NICKEL, "--variant", "all", "--json"],
    "comparison": ["compare", NICKEL, "--variants", "as_planned,all", "--format", "json"],
    "trace": ["trace", NICKEL, "slag_to_landao", "--variant", "all", "--json"],
    "indicators": ["indicators", NICKEL, "--variant", "all", "--set", "all", "--json"],
    "changes": ["indicators", NICKEL, "--variant", "all", "--base", "as_planned", "--years", "5", "--json"],
    "ledger": ["indicators", NICKEL, "--variant", "symbiosis", "--ledger", "--json"],
    "library": ["library", "nickel", "--json"],
    "optimum": ["optimise", CDW, "--variant", "as_planned", "--objective", "waste", "--shares", "--json"],
    "front": [
        "optimise",
        CDW,
        "--variant",
        "as_planned",
        "--pareto",
        "cost,waste",
        "--points",
        "3",
        "--json",
    ],
    "stress": ["stress", CDW, "--variant", "all", "--remove", "block,cement", "--json"],
    "matches": ["match", NICKEL, "--variant", "as_planned", "--quick", "--json"],
    "curve": ["curve", NICKEL, "--links", "slag_to_landao", "--json"],
    "water_network": ["water", PINCH, "--json"],
    "heat_cascade": ["heat", PINCH, "--json"],
}


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every key of a JSON value, with the keys above it."""
    if isinstance(value, list):
        for item in value:
            yield from paths(item, f"{at}[]")
    elif isinstance(value, dict):
        for key, item in value.items():
            path = f"{at}.{key}" if at else key
            yield path
            yield from paths(item, path)


def generic(path: str) -> str:
    """A path with the ids of variants and packages taken out."""
    path = re.sub(r"^(indicators\[\]\.values)\.\w+", r"\1.<variant>", path)
    path = re.sub(r"^((flows\[\]\.contents)|(places\[\]\.(in|out)))\..+", r"\1", path)
    path = re.sub(r"^((links|candidates)\[\]\.saved)\.\w+", r"\1.<kind>", path)
    path = re.sub(r"^(links\[\]\.adds)\..+", r"\1", path)
    path = re.sub(r"^(base(?=\.\w+\.)|cases\[\]\.(values|firms)|points\[\]\.links)\..+", r"\1", path)
    return re.sub(r"(origin\.(versions|options))\.\w+$", r"\1", path)


def documented(section: str) -> set[str]:
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    body = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", body, re.MULTILINE))


def printed(arguments: list[str]) -> Any:
    ran = CliRunner().invoke(main, arguments)
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def output() -> dict[str, Any]:
    return {kind: printed(arguments) for kind, arguments in COMMANDS.items()}


def keys(*values: Any) -> tuple[set[str], set[str]]:
    """The keys of an output, those of its origins apart."""
    found = {generic(path) for value in values for path in paths(value)}
    origin = {path for path in found if "origin." in path}
    return found - origin, {path.removeprefix("variants[].") for path in origin}


@pytest.mark.parametrize(
    "kind",
    [
        "comparison",
        "indicators",
        "changes",
        "ledger",
        "library",
        "optimum",
        "front",
        "stress",
        "matches",
        "curve",
    ],
)
def test_every_key_is_documented_and_every_documented_key_printed(kind: str, output: dict[str, Any]) -> None:
    assert keys(output[kind])[0] == documented(kind)


def test_the_keys_of_a_result_are_documented(output: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "store.yaml"
    path.write_text(STORE, encoding="utf-8")
    store = printed(["run", str(path), "--json"])
    assert keys(output["result"], store)[0] == documented("result")


def test_the_keys_of_a_trace_are_documented(output: dict[str, Any]) -> None:
    indicator = printed(["trace", NICKEL, "cn.isw_utilisation_rate", "--variant", "all", "--json"])
    assert keys(output["trace"], indicator)[0] == documented("trace")


@pytest.mark.parametrize("kind", ["result", "comparison"])
def test_the_keys_of_an_origin_are_documented(kind: str, output: dict[str, Any]) -> None:
    assert keys(output[kind])[1] == documented("origin")


@pytest.mark.parametrize("kind", COMMANDS)
def test_every_output_says_its_version_and_kind(kind: str, output: dict[str, Any]) -> None:
    assert (output[kind]["flowsim_json"], output[kind]["kind"]) == (FORMAT, kind)


def test_the_documented_version_is_the_one_that_is_printed() -> None:
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    assert f"version of this layout: {FORMAT}." in text
