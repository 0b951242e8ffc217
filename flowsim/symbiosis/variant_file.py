"""A scenario file with one more variant: the same text, and the variant where its variants stand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowsim.errors import InputError, Problem
from flowsim.files import check_writable, write_text

if TYPE_CHECKING:
    from flowsim.scenario import Scenario


def free_name(scenario: Scenario, plain: str) -> str:
    """An id for a variant: this one, a number behind it where the scenario has one of that name."""
    name, count = plain, 1
    while name in scenario.variant_names:
        count += 1
        name = f"{plain}_{count}"
    return name


def check_target(scenario: Scenario, path: str | Path) -> None:
    """Whether a scenario with one more variant can be written there; asked before the work begins.

    Raises
    ------
    InputError : no file behind the scenario, another folder, a file that exists, or no permission
    """
    source, path = Path(scenario.file), Path(path)
    if not scenario.file:
        raise InputError(Problem("this scenario was made from tables, so no file can be extended."))
    if source.suffix.lower() not in (".yaml", ".yml"):
        hint = f"Write it as YAML first: `flowsim excel yaml {source.name} -o {source.stem}.yaml`."
        raise InputError(Problem("a variant can be added to a YAML file only.", str(source), hint=hint))
    if path.resolve() == source.resolve():
        raise InputError(Problem("this is the scenario itself.", str(path), hint="Name another file."))
    if path.resolve().parent != source.resolve().parent:
        hint = f"Write it into {source.parent}, so that its library and tables are found."
        raise InputError(Problem("the folder is not that of the scenario.", str(path), hint=hint))
    check_writable(path)
    if path.exists():
        hint = "Name a new file, or remove this one first."
        raise InputError(Problem("there is a file of this name already.", str(path), hint=hint))


def extend(scenario: Scenario, path: str | Path, text: str) -> None:
    """Write the scenario with a variant added, beside the scenario; ``text`` is YAML, two spaces in.

    Raises
    ------
    InputError : as `check_target`, or variants that stand on one line
    """
    check_target(scenario, path)
    source = Path(scenario.file)
    said = source.read_text(encoding="utf-8-sig")
    found = re.search(r"^variants:[ \t]*(#.*)?$", said, flags=re.MULTILINE)
    if found:
        head, tail = said[: found.end()], said[found.end() :]
        made = f"{head}\n{_indented(text, tail).rstrip()}{tail}"
    elif re.search(r"^variants:", said, flags=re.MULTILINE):
        hint = "Write its variants one to a line below `variants:`."
        message = "`variants:` stands on one line, so none can be added."
        raise InputError(Problem(message, str(source), hint=hint))
    else:
        made = f"{said.rstrip()}\n\nvariants:\n{text}"
    write_text(path, made)


def _indented(text: str, tail: str) -> str:
    """The variant as far in as those that follow it."""
    beside = re.search(r"^([ ]+)[^\s#]", tail, flags=re.MULTILINE)
    extra = " " * max(0, len(beside[1]) - 2) if beside else ""
    return "".join(extra + line for line in text.splitlines(keepends=True))


def added_rows(rows: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """New rows, table by table, as the lines of `add:` in a variant; cells are JSON, which is YAML."""
    lines = ["    add:"]
    for table, named in rows.items():
        lines.append(f"      {table}:")
        for name, row in named.items():
            said = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in row.items())
            lines.append(f"        {name}: {{{said}}}")
    return lines
