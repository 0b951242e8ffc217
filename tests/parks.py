"""Small parks for the tests of indicators: scenarios of stated flows, written, read and balanced."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flowsim.assemble import assemble
from flowsim.indicators import evaluate
from flowsim.result import Result
from flowsim.scenario import read
from flowsim.studies import balance

DATA = Path(__file__).parents[1] / "data"

KINDS = {
    "fresh_water": "water",
    "circulating_water": "water",
    "process_water": "water",
    "reclaimed_water": "water",
    "wastewater": "water",
    "sea_water": "water",
    "vapour": "water",
    "power": "energy",
    "heat": "energy",
}
"""Class of a good → its kind, where that is not material."""
UNITS = {"material": "t/a", "water": "m3/a", "energy": "GJ/a"}


def balanced(
    folder: Path,
    goods: dict[str, str],
    processes: dict[str, str],
    flows: list[tuple[str, str, str, float]],
    prices: dict[str, float] | None = None,
    factors: tuple[tuple[str, str, float, str], ...] = (),
    contents: str = "",
    scale: float = 1.0,
) -> Result:
    """The result of a scenario of stated flows (good, from, to, amount); goods are given by their class."""
    kind = {good: KINDS.get(class_, "material") for good, class_ in goods.items()}
    lines = ["flowsim: 1", "name: test", "year: 2025", "goods:"]
    lines += [f"  {good}: {{name: {good}, class: {c}, kind: {kind[good]}}}" for good, c in goods.items()]
    hazardous = {good for good, class_ in goods.items() if class_ == "hazardous_waste"}
    lines += ["processes:"]
    for name, body in processes.items():
        permits = sorted(hazardous & {good for good, _, target, _ in flows if target == name})
        stated = [body[1:-1], f"permits: [{', '.join(permits)}]" if permits else ""]
        lines.append(f"  {name}: {{{', '.join(part for part in stated if part)}}}")
    lines += ["flows:"]
    for good, source, target, amount in flows:
        stated = f"amount: {amount * scale!r} {UNITS[kind[good]]}"
        lines.append(f"  - {{good: {good}, from: {source}, to: {target}, {stated}}}")
    if prices:
        lines += ["prices:"]
        for good, price in prices.items():
            lines.append(f"  - {{good: {good}, price: {price} CNY/{UNITS[kind[good]][:-2]}, year: 2020}}")
    if factors:
        lines += ["factors:"]
        for at, (factor, good, number, unit) in enumerate(factors):
            row = f"factor: {factor}, good: {good}, value: {number}, unit: {unit}, set: set_{at}"
            lines += [f"  - {{{row}}}"] if good in goods else []
    path = folder / "scenario.yaml"
    path.write_text("\n".join([*lines, contents]) + "\n", encoding="utf-8")
    return balance(assemble(read(path)))


def library(folder: Path, text: str) -> Result:
    """A result of a scenario that reads the data library."""
    (folder / "data").symlink_to(DATA)
    path = folder / "scenario.yaml"
    path.write_text(f"flowsim: 1\nname: test\nyear: 2025\nlibrary: [data]\n{text}", encoding="utf-8")
    return balance(assemble(read(path)))


def value(result: Result, id: str, boundary: str = "park", **inputs: float) -> float:
    """An indicator that must have a value."""
    found = evaluate(result, id, boundary, inputs=inputs)[0]
    assert not found.reason, found.reason
    return found.value


def reason(result: Result, id: str, boundary: str = "park", **inputs: float) -> str:
    """Why an indicator, which must be missing, is."""
    found = evaluate(result, id, boundary, inputs=inputs)[0]
    assert np.isnan(found.value) and any("\u4e00" <= sign <= "\u9fff" for sign in found.reason_zh)
    return found.reason
