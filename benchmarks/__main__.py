"""``python -m benchmarks``: measure, and print one table of ratios."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks import exchanges, inputs, measures
from benchmarks.reconciling import reconciling
from benchmarks.timing import Row, table

SIZES = (100, 1_000, 10_000, 100_000)
PARTS = ("start", "read", "steady", "indicators", "dispatch", "optimise", "reconcile")
FIRMS = (500, 2_000)
"""Firms of the parks that choose exchanges, as far as the largest size goes."""
PACKAGES = ("numpy", "scipy", "pandas", "networkx", "bw2calc", "clarabel", "linopy", "highspy")


def main() -> None:
    """Parse the options, measure with one BLAS thread, print."""
    options = _options()
    print(_header(), flush=True)
    with threadpool_limits(1):
        print(table(_rows(options.sizes, options.only)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="sizes up to 1,000 processes")
    parser.add_argument("--sizes", type=int, nargs="+", help=f"processes; multiples of {inputs.PARK}")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts to measure")
    options = parser.parse_args()
    options.sizes = options.sizes or (SIZES[:2] if options.quick else SIZES)
    if any(size < 2 * inputs.PARK or size % inputs.PARK for size in options.sizes):
        parser.error(f"--sizes must be multiples of {inputs.PARK}, from {2 * inputs.PARK} on.")
    return options


def _rows(sizes: tuple[int, ...], parts: tuple[str, ...]) -> Iterator[Row]:
    """The rows of all parts; what is being measured is shown on a terminal's error stream."""
    if "start" in parts:
        yield from measures.start()
    for part, measure in (("read", measures.read), ("steady", measures.steady)):
        for count in sizes if part in parts else ():
            for layers in measures.LAYERS:
                _say(f"{part}, {count:,} processes, {layers} layers")
                yield from measure(count, layers)
    for count in sizes if "indicators" in parts else ():
        _say(f"indicators, {count:,} processes")
        yield from measures.indicate(count)
    for count in sizes if "dispatch" in parts else ():
        _say(f"dispatch, {count:,} processes")
        yield from measures.choose(count)
    for count in [firms for firms in FIRMS if firms <= max(sizes)] if "optimise" in parts else ():
        _say(f"optimise, {count:,} firms")
        yield from exchanges.exchange(count)
    for count in sizes if "reconcile" in parts else ():
        _say(f"reconcile, {count:,} processes")
        yield from reconciling(count)


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"{text} ...", file=sys.stderr)


def _header() -> str:
    """The machine and the versions; no date and no names, so that two runs can be compared."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} missing")
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {_processor()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    note = "Medians of 5 runs (the largest: 3), taken in turns, one BLAS thread; ratio: flowsim over other."
    return "\n".join([system, ", ".join([python, *found]), note, ""])


def _processor() -> str:
    """The model of the processor, where the system says it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "processor unknown"


if __name__ == "__main__":
    main()
