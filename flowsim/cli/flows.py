"""Balance a scenario and follow a number: `check`, `run`, `trace`."""

from __future__ import annotations

import sys
from typing import Any

import click

from flowsim.cli.base import (
    BOUNDARY,
    FACTORS,
    INPUTS,
    JSON,
    LANG,
    STUDY,
    VARIANT,
    balanced,
    fails_clearly,
    inputs_of,
    main,
    print_json,
    width_of,
)


@main.command()
@click.argument("file")
@VARIANT
@LANG
@fails_clearly
def check(file: str, variant: str | None, lang: str) -> None:
    """Validate FILE and every variant: all problems with file and line, and the closure of each process."""
    from flowsim.document import read_document
    from flowsim.errors import FlowsimError, Problem
    from flowsim.words import say

    stated = None if variant else read_document(file).get("variants")
    names = [variant] if variant else [None, *(stated if isinstance(stated, dict) else ())]
    said: list[Problem] = []
    for name in names:
        click.echo(f"== {name or file}")
        try:
            result = balanced(file, name, "auto")
        except FlowsimError as error:
            new = [problem for problem in error.problems if problem not in said]
            said += new
            click.echo(
                "\n".join(f"flowsim: {problem}" for problem in new) or say("as above", lang), err=bool(new)
            )
            continue
        _print_closure(result, lang)
    if said:
        sys.exit(2)


def _print_closure(result: Any, lang: str) -> None:
    from flowsim.views.text import closure_grid, print_grids, residual_text
    from flowsim.words import say

    click.echo(print_grids([closure_grid(result, lang)], width=width_of()), nl=False)
    for note in result.all_notes(lang):
        click.echo(f"{say('note', lang)}: {note}")
    decided = "dispatched by merit order" if result.study == "dispatch" else "all fixed by facts"
    click.echo(f"{say('no problems', lang)}; {say(decided, lang)}; {residual_text(result, lang)}")


@main.command()
@click.argument("file")
@VARIANT
@STUDY
@JSON
@LANG
@click.option(
    "--out",
    type=click.Path(),
    help="Write the tidy tables as CSV and the result as JSON into this folder, or into one workbook .xlsx.",
)
@click.option("--save", "save_as", type=click.Path(), help="Write the whole result into one file (SQLite).")
@click.option("--all", "every", is_flag=True, help="Show every flow.")
@fails_clearly
def run(
    file: str,
    variant: str | None,
    study: str,
    as_json: bool,
    lang: str,
    out: str | None,
    save_as: str | None,
    every: bool,
) -> None:
    """Balance one variant of FILE: flows, activities against capacity, water, energy, largest residual."""
    from flowsim import result as results
    from flowsim.files import write_bytes
    from flowsim.views.result_book import result_book
    from flowsim.views.text import print_grids, residual_text, run_grids, variant_heading
    from flowsim.words import say

    result = balanced(file, variant, study)
    if out and out.lower().endswith(".xlsx"):
        write_bytes(out, result_book(result, lang))
    elif out:
        results.export(result, out)
    if save_as:
        results.save(result, save_as)
    if as_json:
        print_json(results.as_json(result))
        return
    click.echo(variant_heading(result, lang))
    click.echo(print_grids(run_grids(result, lang, every), width=width_of()), nl=False)
    for note in result.all_notes(lang):
        click.echo(f"{say('note', lang)}: {note}")
    click.echo(residual_text(result, lang))


@main.command()
@click.argument("file")
@click.argument("name", metavar="INDICATOR|FLOW")
@VARIANT
@BOUNDARY
@INPUTS
@FACTORS
@STUDY
@JSON
@LANG
@fails_clearly
def trace(
    file: str,
    name: str,
    variant: str | None,
    boundary: str,
    given: tuple[str, ...],
    factors: tuple[str, ...],
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """Where a number comes from: an indicator's flows, a flow's facts, each with file, line and source."""
    from flowsim.indicators import factor_sets
    from flowsim.trace import trace as trace_result
    from flowsim.views.indicator_text import clause_text, figure_grid
    from flowsim.views.text import print_grids, trace_grids
    from flowsim.words import say

    result = balanced(file, variant, study)
    sets = factor_sets(result, factors)
    found = trace_result(result, name, boundary, inputs=inputs_of(given), sets=sets)
    if as_json:
        print_json(found.as_json())
        return
    grids = trace_grids(found, lang)
    if found.value is not None and (figure := figure_grid(found.value, lang)):
        grids.insert(0, figure)
    click.echo(print_grids(grids, width=width_of()), nl=False)
    if found.value is not None:
        indicator = found.value.indicator
        formula = indicator.formula_zh if lang == "zh" else indicator.formula
        click.echo(f"{formula}  [{clause_text(indicator.clause, lang)}; {say(indicator.certainty, lang)}]")
        if found.value.reason:
            click.echo(found.value.reason_zh if lang == "zh" else found.value.reason)
