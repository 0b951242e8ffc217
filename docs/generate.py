"""Write the generated pages of this folder again. Run by ``make docs``."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from flowsim import schema, variants
from flowsim.files import write_text
from flowsim.schema import Column

HERE = Path(__file__).parent

KINDS = {
    "id": "id",
    "layer": "layer id",
    "ref": "id in `{of}`",
    "text": "text",
    "label": "label",
    "quantity": "{of}",
    "share": "share",
    "number": "number",
    "flag": "true or false",
    "list": "list",
    "limit": "amount per year, or `15 % of GOOD`",
}
AMOUNTS = {
    "amount": "amount per year",
    "stock": "amount",
    "CNY/amount": "CNY per unit of the good",
    "CNY/stock": "CNY per unit of the good",
    "CNY/amount/km": "CNY per unit of the good and km",
}
CHOICES = {
    "Classes of goods": schema.GOOD_CLASSES,
    "Kinds of processes": {
        kind: names for kind, names in schema.PROCESS_KINDS.items() if kind not in ("pool", "outside")
    },
    "Places outside": schema.OUTSIDE,
}


def scenario_language() -> str:
    """The guide, then every key of the language as `flowsim.schema` has it."""
    parts = [
        (HERE / "_guide.md").read_text(encoding="utf-8").rstrip(),
        "# Every key",
        _keys("A scenario", schema.TOP),
    ]
    parts += [_table(name, columns) for name, columns in schema.TABLES.items()]
    parts.append(_keys("A variant", variants.KEYS))
    parts += [_choices(title, choices) for title, choices in CHOICES.items()]
    return "\n\n".join(parts) + "\n"


def _keys(title: str, keys: dict[str, str]) -> str:
    rows = [f"| `{key}` | {text} |" for key, text in keys.items()]
    return "\n".join([f"## {title}", "", "| key | meaning |", "|---|---|", *rows])


def _table(name: str, columns: tuple[Column, ...]) -> str:
    """One table of the language: each key, what is written there, and what it means."""
    named_by = ", ".join(f"`{key}`" for key in schema.IDENTITY[name])
    library = " A library may hold it." if name in schema.LIBRARY else ""
    head = [
        f"## `{name}`",
        "",
        f"A row is named by {named_by}.{library}",
        "",
        "| key | written | meaning |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *(_row(column) for column in columns)])


def _row(column: Column) -> str:
    of = column.of if isinstance(column.of, str) else " or ".join(column.of)
    written = ", ".join(f"`{choice}`" for choice in column.of if choice)
    if column.kind != "choice":
        written = KINDS[column.kind].format(of=AMOUNTS.get(of, of))
    elif len(column.of) > len(schema.QUALITIES):
        written = "one of the list below"
    note = (
        ", required"
        if column.required
        else f"; left out: `{_said(column.default)}`"
        if column.default
        else ""
    )
    return f"| `{column.name}` | {written}{note} | {column.en} |"


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _choices(title: str, choices: dict[str, tuple[str, str]]) -> str:
    rows = [f"| `{key}` | {en} | {zh} |" for key, (en, zh) in choices.items()]
    return "\n".join([f"## {title}", "", "| key | en | zh |", "|---|---|---|", *rows])


BLOCK = re.compile(r"(<!-- output (\d+): (.+?) -->\n```text\n).*?(```\n)", re.DOTALL)
"""A place in a page for the first lines of what a command prints."""

PICTURES = {
    "pictures/nickel_loop_ni.svg": "sankey scenarios/nickel_loop.yaml --variant all --layer Ni",
    "pictures/steel_measured.svg": "sankey scenarios/japan_steel_measured.yaml --study reconcile",
    "pictures/targets.svg": "plot scenarios/nickel_loop.yaml bars",
    "pictures/change.svg": "plot scenarios/nickel_loop.yaml waterfall --variants as_planned,all "
    "--indicator general.co2",
    "pictures/stocks_zh.svg": "plot scenarios/battery_stocks.yaml years --years 2020:2060 --lang zh",
}

SCREENS = {
    "pictures/explore.png": "explore scenarios/japan_steel_measured.yaml --study reconcile",
    "pictures/report.png": "report scenarios/nickel_loop.yaml --variants as_planned,symbiosis",
}
"""Pages that are shown as they look in a browser, where there is one."""


def printed(command: str) -> str:
    """What a flowsim command prints, run at the top of the project."""
    done = subprocess.run(
        [sys.executable, "-c", "from flowsim.cli import main; main()", *shlex.split(command)],
        cwd=HERE.parent,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


def with_outputs(text: str) -> str:
    """A page with every block of output printed anew."""

    def block(found: re.Match[str]) -> str:
        lines = printed(found.group(3)).splitlines()
        kept = [line.rstrip() for line in lines[: int(found.group(2))]]
        return (
            found.group(1)
            + "\n".join([*kept, *(["…"] if len(lines) > len(kept) else [])])
            + "\n"
            + found.group(4)
        )

    return BLOCK.sub(block, text)


def readme() -> str:
    """The README with the output of its commands."""
    return with_outputs((HERE.parent / "README.md").read_text(encoding="utf-8"))


def photographed(picture: str, command: str) -> None:
    """Write a picture of the page that a command makes, if Chromium is there."""
    if not (browser := shutil.which("chromium")):
        return
    with tempfile.TemporaryDirectory() as folder:
        printed(f"{command} -o {folder}/page.html")
        shot = [f"--screenshot={HERE / picture}", "--window-size=1280,800", f"file://{folder}/page.html"]
        asked = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *shot]
        subprocess.run(asked, check=True, capture_output=True)


NOTEBOOKS = HERE.parent / "notebooks"
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def notebook(script: str) -> str:
    """The page of a notebook, without outputs, from its script in the percent format."""
    parts = re.split(r"^# %%(.*)\n", script, flags=re.MULTILINE)[1:]
    cells: list[dict[str, object]] = []
    for at, (head, body) in enumerate(zip(parts[::2], parts[1::2], strict=True)):
        is_text = "[markdown]" in head
        text = re.sub(r"^# ?", "", body, flags=re.MULTILINE) if is_text else body
        cell = {"cell_type": "markdown" if is_text else "code", "id": f"c{at}", "metadata": {}}
        if not is_text:
            cell |= {"execution_count": None, "outputs": []}
        cells.append({**cell, "source": text.strip().splitlines(keepends=True)})
    page = {"cells": cells, "metadata": {**KERNEL, "language_info": {"name": "python"}}}
    return json.dumps({**page, "nbformat": 4, "nbformat_minor": 5}, ensure_ascii=False, indent=1) + "\n"


PAGES: dict[str, Callable[[], str]] = {"../README.md": readme, "scenario-language.md": scenario_language}


if __name__ == "__main__":
    for page, text in PAGES.items():
        write_text(HERE / page, text())
    for other in ("generate_indicators.py", "generate_chains.py"):
        subprocess.run([sys.executable, str(HERE / other)], check=True)
    for script in sorted(NOTEBOOKS.glob("*.py")):
        write_text(script.with_suffix(".ipynb"), notebook(script.read_text(encoding="utf-8")))
    for picture, command in PICTURES.items():
        printed(f"{command} -o docs/{picture}")
    for picture, command in SCREENS.items():
        photographed(picture, command)
