"""Results as a document to hand over: one page of HTML, Word, a workbook or PDF."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flowsim.errors import InputError, Problem
from flowsim.files import check_writable, write_bytes
from flowsim.report.document import Document, both

if TYPE_CHECKING:
    from flowsim.compare import Comparison
    from flowsim.indicators.ledger import Ledger
    from flowsim.result import Result
    from flowsim.studies import Study

WRITERS = {"html": "page", "docx": "word", "xlsx": "excel", "pdf": "pdf"}
"""Ending of a file → the room that writes it."""
MOST_LINKS = 12
"""Open links up to which the symbiosis ledger is worked out without being asked for: each takes a balance."""

Languages = Literal["en", "zh", "both"]


def report(
    results: Sequence[Result],
    path: str | Path,
    *,
    lang: Languages = "en",
    targets: str | None = None,
    names: str | Sequence[str] = "first",
    boundary: str = "park",
    base: str | None = None,
    inputs: Mapping[str, float] | None = None,
    sets: Mapping[str, str] | None = None,
    ledger: bool | None = None,
    date: str = "",
    command: str = "",
) -> None:
    """Write results as one document; the ending of ``path`` is .html, .docx, .xlsx or .pdf.

    Parameters
    ----------
    results : at least one; changes are counted against the first
    lang : en, zh, or both
    targets, names, boundary, base, inputs, sets : as in `flowsim.compare.compare`; the three headline
        indicators stand before ``names``
    ledger : whether to close each open link in turn; None: where at most `MOST_LINKS` are open
    date, command : what the title page and the last section state; no clock is read

    Raises
    ------
    InputError : another ending, language or name that does not exist, a package that is missing, or a file
        that cannot be written; then nothing is written
    """
    from flowsim.compare import compare
    from flowsim.report.sections import document
    from flowsim.report.summary import HEADLINE

    check(path, lang)
    wanted = [*HEADLINE, *([names] if isinstance(names, str) else names)]
    made = compare(
        results, targets=targets, names=wanted, boundary=boundary, base=base, inputs=inputs, sets=sets
    )
    ledgers = _ledgers(made, ledger, inputs, sets)
    write(lambda one: document(made, one, ledgers=ledgers, date=date, command=command), path, lang)


def check(path: str | Path, lang: str) -> None:
    """Refuse an ending, a language or a place that cannot be before work begins. Raises InputError."""
    form = Path(path).suffix.lower().removeprefix(".")
    if form not in WRITERS:
        known = ", ".join(f".{each}" for each in WRITERS)
        raise InputError(Problem(f"`{path}` is no report.", hint=f"End it in one of {known}."))
    if lang not in ("en", "zh", "both"):
        raise InputError(Problem(f"there is no language `{lang}`.", hint="Known: en, zh, both."))
    importlib.import_module(f"flowsim.report.{WRITERS[form]}").check()
    check_writable(path)


def write(make: Callable[[str], Document], path: str | Path, lang: str = "en") -> None:
    """Write the document that ``make(lang)`` builds, whole or not at all. Raises InputError as `report`."""
    check(path, lang)
    made = both(make("en"), make("zh")) if lang == "both" else make(lang)
    form = Path(path).suffix.lower().removeprefix(".")
    writer = importlib.import_module(f"flowsim.report.{WRITERS[form]}")
    write_bytes(path, writer.content(made.numbered()))


def _ledgers(
    comparison: Comparison,
    wanted: bool | None,
    inputs: Mapping[str, float] | None,
    sets: Mapping[str, str] | None,
) -> dict[str, Ledger]:
    """The symbiosis ledger of the last variant that has open links."""
    from flowsim.indicators.ledger import ledger
    from flowsim.report.summary import HEADLINE

    for name, result in reversed(list(zip(comparison.names, comparison.results, strict=True))):
        count = int((result.system.flows["how"] == "link").sum())
        scenario = result.system.scenario
        if not count or scenario is None:
            continue
        if wanted is False or (wanted is None and count > MOST_LINKS):
            return {}
        study: Study = "solve" if result.study == "solve" else "dispatch"
        return {name: ledger(scenario, HEADLINE, comparison.boundary, study=study, inputs=inputs, sets=sets)}
    return {}
