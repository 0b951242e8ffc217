"""Figures of results: `compare` and `indicators`."""

from __future__ import annotations

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
    balanced_variants,
    fails_clearly,
    inputs_of,
    listed,
    main,
    print_json,
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
@FACTORS
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
    factors: tuple[str, ...],
    study: str,
    lang: str,
    form: str,
) -> None:
    """Put variants of FILE side by side: indicators, changes, targets, and what explains each change."""
    from flowsim.compare import compare as compare_results
    from flowsim.indicators import factor_sets
    from flowsim.views.text import comparison_csv, comparison_grids, comparison_notes, print_grids

    results = [result for file in files for result in balanced_variants(file, variants, study)]
    comparison = compare_results(
        results,
        targets=targets,
        names=listed(names),
        boundary=boundary,
        base=base,
        inputs=inputs_of(given),
        sets=factor_sets(results[0], factors) if results else None,
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
@click.option("--set", "names", help="Indicator sets or ids, separated by commas; `all`.")
@click.option("--list", "listing", is_flag=True, help="List the definitions instead.")
@click.option("--explain", metavar="ID", help="Say all that is known of one definition.")
@click.option("--ledger", is_flag=True, help="What each open link saves, against the same without it.")
@click.option(
    "--base",
    metavar="VARIANT|FILE",
    help="Show changes against this variant of FILE, `plain` for none, or another scenario file.",
)
@click.option(
    "--years", type=float, help="Years from base to target; without it the difference of the files' years."
)
@VARIANT
@BOUNDARY
@INPUTS
@FACTORS
@STUDY
@JSON
@LANG
@fails_clearly
def indicators(
    file: str | None,
    names: str | None,
    listing: bool,
    explain: str | None,
    ledger: bool,
    base: str | None,
    years: float | None,
    variant: str | None,
    boundary: str,
    given: tuple[str, ...],
    factors: tuple[str, ...],
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """Indicators of FILE at a boundary, their changes against a base, or what their definitions are."""
    from flowsim.errors import InputError, Problem
    from flowsim.indicators import factor_sets, get, known
    from flowsim.views import indicator_text as shown
    from flowsim.views.text import print_grids

    chosen = listed(names or ("change" if base else "first"))
    if explain:
        grids = [shown.explain_grid(get(explain), lang)]
    elif listing:
        every = [item for name in chosen for item in ([get(name)] if "." in name else known(name))]
        grids = [shown.list_grid(every, lang)]
    elif not file:
        raise InputError(Problem("name a scenario FILE.", hint="Or ask for `--list` or `--explain ID`."))
    else:
        result = balanced(file, variant, study)
        figures = {"inputs": inputs_of(given), "sets": factor_sets(result, factors)}
        if ledger:
            grids, found = _ledger(file, variant, study, chosen, boundary, figures, lang)
        elif base:
            first = _base(file, base, study)
            grids, found = _changes(first, result, years, chosen, boundary, figures, lang)
        else:
            grids, found = _values(result, chosen, boundary, figures, lang)
        if as_json:
            print_json(found)
            return
    click.echo(print_grids(grids, width=width_of()), nl=False)


def _values(result: Any, names: list[str], boundary: str, figures: Any, lang: str) -> tuple[Any, Any]:
    """Values as tables and as JSON."""
    from flowsim.indicators import evaluate
    from flowsim.indicators.as_json import values_json
    from flowsim.views.indicator_text import indicator_grids

    values = evaluate(result, names, boundary, **figures)
    return indicator_grids(values, lang), values_json(result, values, boundary)


def _base(file: str, base: str, study: str) -> Any:
    """The result that changes are counted from: a variant, the file as it stands, or another file."""
    if base.endswith((".yaml", ".yml")):
        return balanced(base, None, study)
    return balanced(file, None if base == "plain" else base, study)


def _changes(
    base: Any, result: Any, years: float | None, names: list[str], boundary: str, figures: Any, lang: str
) -> tuple[Any, Any]:
    """Changes against a base as tables and as JSON, and elasticities where years lie between."""
    from flowsim.indicators import changes, elasticity
    from flowsim.indicators.as_json import changes_json
    from flowsim.indicators.change import ELASTICITIES
    from flowsim.views.indicator_text import change_grids

    found = changes(names, base, result, boundary, **figures)
    span = years if years is not None else result.system.about["year"] - base.system.about["year"]
    kinds = ELASTICITIES if span > 0 and "change" in names else ()
    elastic = [elasticity(kind, base, result, span, boundary, **figures) for kind in kinds]
    grids = change_grids(base, result, found, elastic, span, lang)
    return grids, changes_json(base, result, found, elastic, span, boundary)


def _ledger(
    file: str, variant: str | None, study: str, names: list[str], boundary: str, figures: Any, lang: str
) -> tuple[Any, Any]:
    """The symbiosis ledger as tables and as JSON."""
    from flowsim.indicators.as_json import ledger_json
    from flowsim.indicators.ledger import ledger
    from flowsim.scenario import read
    from flowsim.views.indicator_text import ledger_grids

    found = ledger(read(file, variant), names, boundary, study=study, **figures)  # type: ignore[arg-type]
    return ledger_grids(found, lang), ledger_json(found)
