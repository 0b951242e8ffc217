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


def random_park(folder: Path, count: int, seed: int = 0) -> Result:
    """A park of ``count`` processes with loops: routes between market and landfill, each with one amount."""
    draw = np.random.default_rng(seed)
    classes = ("product", "raw_material", "by_product", "recyclable", "solid_waste", "fuel", "mineral")
    goods = {f"g{at}": classes[at % len(classes)] for at in range(max(8, count // 3))}
    sums: dict[tuple[str, str, str], float] = {}
    for start in range(count):
        amount, way = round(10 ** draw.uniform(1, 4), 1), [start]
        while draw.random() < 0.72 and len(way) < 7:
            way.append(int(np.clip(way[-1] + draw.choice([1, 1, 2, 2, 3, -2, -4]), 0, count - 1)))
        ends = ["market", *(f"p{at}" for at in way), str(draw.choice(["market", "landfill"]))]
        for source, target in zip(ends, ends[1:], strict=False):
            if source != target:
                key = str(draw.choice([*goods])), source, target
                sums[key] = round(sums.get(key, 0.0) + amount, 1)
    processes = {
        f"p{at}": f"{{name: {{en: process {at} of the park, zh: 园区第{at}号工序}}, firm: firm_{at % 7}, "
        f"site: site_{at % 3}, chain: chain_{at * 8 // count}}}"
        for at in range(count)
    }
    return balanced(folder, goods, processes, [(*key, amount) for key, amount in sums.items()])
