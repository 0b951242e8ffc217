"""Figures of results: `compare` and `indicators`."""

from __future__ import annotations

from typing import Any

import click

from flowsim.cli.base import (
    BOUNDARY,
    INPUTS,
    JSON,
    LANG,
    STUDY,
    VARIANT,
    balanced,
    fails_clearly,
    inputs_of,
    listed,
    main,
    print_json,
    variants_of,
    width_of,
)


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--variants", help="Variants to compare, separated by commas; without it all of them.")
@click.option("--targets", help="Target set; without it the scenario's own.")
@click.option("--base", help="Variant that targets stated as a change are counted from.")
@click.option("--set", "names", default="first", help="Indicator sets or ids, separated by commas.")
@BOUNDARY
@INPUTS
@STUDY
@LANG
@click.option("--format", "form", type=click.Choice(["table", "csv", "json", "markdown"]), default="table")
@fails_clearly
def compare(
    files: tuple[str, ...],
    variants: str | None,
    targets: str | None,
    base: str | None,
    names: str,
    boundary: str,
    given: tuple[str, ...],
    study: str,
    lang: str,
    form: str,
) -> None:
    """Put variants of FILE side by side: indicators, changes, targets, and what explains each change."""
    from flowsim.compare import compare as compare_results
    from flowsim.views.text import comparison_csv, comparison_grids, comparison_notes, print_grids

    results = [balanced(file, name, study) for file in files for name in variants_of(file, variants)]
    comparison = compare_results(
        results, targets=targets, names=listed(names), boundary=boundary, base=base, inputs=inputs_of(given)
    )
    if form == "json":
        print_json(comparison.as_json())
    elif form == "csv":
        click.echo(comparison_csv(comparison, lang), nl=False)
    else:
        click.echo(print_grids(comparison_grids(comparison, lang), form, width_of()), nl=False)
        for note in comparison_notes(comparison, lang):
            click.echo(f"- {note}")


@main.command()
@click.argument("file", required=False)
@click.option("--set", "names", default="first", help="Indicator sets or ids, separated by commas; `all`.")
@click.option("--list", "listing", is_flag=True, help="List the definitions instead.")
@click.option("--explain", metavar="ID", help="Say all that is known of one definition.")
@click.option("--ledger", is_flag=True, help="What each open link saves, against the same without it.")
@VARIANT
@BOUNDARY
@INPUTS
@STUDY
@JSON
@LANG
@fails_clearly
def indicators(
    file: str | None,
    names: str,
    listing: bool,
    explain: str | None,
    ledger: bool,
    variant: str | None,
    boundary: str,
    given: tuple[str, ...],
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """Indicators of FILE at a boundary, or what their definitions are."""
    from flowsim.errors import InputError, Problem
    from flowsim.indicators import evaluate, get, known
    from flowsim.indicators.layout import values_json
    from flowsim.views import indicator_text as shown
    from flowsim.views.text import print_grids

    if explain:
        grids = [shown.explain_grid(get(explain), lang)]
    elif listing:
        chosen = [item for name in listed(names) for item in ([get(name)] if "." in name else known(name))]
        grids = [shown.list_grid(chosen, lang)]
    elif not file:
        raise InputError(Problem("name a scenario FILE.", hint="Or ask for `--list` or `--explain ID`."))
    elif ledger:
        grids = _ledger_grids(file, variant, boundary, lang)
    else:
        result = balanced(file, variant, study)
        values = evaluate(result, listed(names), boundary, inputs=inputs_of(given))
        if as_json:
            print_json(values_json(result, values, boundary))
            return
        grids = shown.indicator_grids(values, lang)
    click.echo(print_grids(grids, width=width_of()), nl=False)


def _ledger_grids(file: str, variant: str | None, boundary: str, lang: str) -> Any:
    from flowsim.indicators.ledger import ledger
    from flowsim.scenario import read
    from flowsim.views.indicator_text import ledger_grids

    return ledger_grids(ledger(read(file, variant), boundary=boundary), lang)
