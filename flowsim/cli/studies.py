"""Questions asked of a system: `reconcile`, `simulate`."""

from __future__ import annotations

from typing import Any

import click

from flowsim.cli.base import (
    BOUNDARY,
    FACTORS,
    FIRST,
    INPUTS,
    JSON,
    LANG,
    STUDY,
    VARIANT,
    fails_clearly,
    inputs_of,
    listed,
    main,
    print_json,
    width_of,
    years_of,
)


@main.command()
@click.argument("file")
@click.option("--years", required=True, help="2020:2060, with a step 2020:2060:5, or a list 2020,2025,2035.")
@FIRST
@click.option("--variants", help="Variants to simulate, separated by commas; without it FILE as it stands.")
@click.option("--part", help="Flows or goods whose share in `--whole` is wanted, separated by commas.")
@click.option("--whole", help="Flows or goods that make up the whole.")
@click.option("--layer", default="mass", help="Layer of the share.")
@click.option("--set", "wanted", help="Indicator sets or ids for each year, separated by commas.")
@BOUNDARY
@INPUTS
@FACTORS
@click.option("--out", type=click.Path(), help="Write the tidy tables as CSV into this folder.")
@STUDY
@JSON
@LANG
@fails_clearly
def simulate(
    file: str,
    years: str,
    first: float | None,
    variants: str | None,
    part: str | None,
    whole: str | None,
    layer: str,
    wanted: str | None,
    boundary: str,
    given: tuple[str, ...],
    factors: tuple[str, ...],
    out: str | None,
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """Follow FILE through the years: stocks, cohorts, flows and indicators, balanced in every year and over
    all. `flowsim plot FILE years` draws them."""
    from flowsim.errors import InputError, Problem
    from flowsim.indicators import factor_sets
    from flowsim.indicators.by_year import indicators_by_year
    from flowsim.scenario import read
    from flowsim.studies.simulate import simulate as through_years
    from flowsim.studies.years import export, years_json
    from flowsim.views.text import print_grids
    from flowsim.views.years_text import note_lines, simulation_grids, variant_grid, yearly_grids
    from flowsim.words import say

    if bool(part) != bool(whole):
        raise InputError(
            Problem("a share needs `--part` and `--whole`.", hint="Name flows or goods for both.")
        )
    names = listed(variants) if variants else [None]
    asked = {"years": years_of(years), "study": study, "first": first}
    made = [through_years(read(file, name), **asked) for name in names]  # type: ignore[arg-type]
    more = {}
    if wanted:
        inputs, sets = inputs_of(given), factor_sets(made[0].results[0], factors)
        more["indicators"] = [
            indicators_by_year(each, listed(wanted), boundary, inputs=inputs, sets=sets) for each in made
        ]
    if out:
        export(made, out, more)
    if as_json:
        print_json(years_json(made, more))
        return
    grids = [grid for one in made for grid in simulation_grids(one, lang)]
    if part and whole:
        grids.append(variant_grid(made, listed(part), listed(whole), lang, layer))
    if wanted:
        grids += yearly_grids(made, more["indicators"], lang)
    click.echo(print_grids(grids, width=width_of()), nl=False)
    for line in note_lines(made, lang):
        click.echo(f"{say('note', lang)}: {line}")


@main.command()
@click.argument("file")
@VARIANT
@click.option("--alpha", default=0.05, help="Level of significance of the tests.")
@click.option(
    "--pedigree", is_flag=True, help="Give numbers without uncertainty that of their quality class."
)
@click.option("--eliminate", is_flag=True, help="Leave out the worst datum until the global test passes.")
@click.option("--sample", default=0, help="Draws for skewed or bounded data; 0: normal theory alone.")
@click.option("--seed", default=0, help="Seed of the starts and the draws.")
@click.option("--years", help="Years that stocks tie together: 2020:2023, or a list 2020,2022.")
@click.option("--measure", metavar="NAME", help="What to measure next to narrow this flow or indicator.")
@click.option("--indicators", "names", metavar="SETS", help="Indicator sets or ids, with their uncertainty.")
@BOUNDARY
@click.option("--all", "every", is_flag=True, help="Show every value.")
@click.option("--out", type=click.Path(), help="Write the balanced tables as CSV and JSON into this folder.")
@click.option("--report", "document", type=click.Path(), help="Write a report: .html, .docx, .xlsx or .pdf.")
@JSON
@LANG
@fails_clearly
def reconcile(
    file: str,
    variant: str | None,
    alpha: float,
    pedigree: bool,
    eliminate: bool,
    sample: int,
    seed: int,
    years: str | None,
    measure: str | None,
    names: str | None,
    boundary: str,
    every: bool,
    out: str | None,
    document: str | None,
    as_json: bool,
    lang: str,
) -> None:
    """Move the uncertain numbers of FILE least so that every balance holds, and say what does not fit."""
    from flowsim.assemble import assemble
    from flowsim.errors import InputError, Problem
    from flowsim.result import export, records
    from flowsim.scenario import read
    from flowsim.studies.reconcile import reconcile as adjust
    from flowsim.studies.reconciliation import finite
    from flowsim.views.reconcile_text import next_grid, reconcile_grids, uncertain_grids, verdict
    from flowsim.views.text import print_grids
    from flowsim.words import say
    from flowsim.yearly import all_years

    if years and names:
        hint = "Leave out `--years`, and give each year as a scenario of its own."
        raise InputError(Problem("indicators are those of one year.", hint=hint))
    scenario = read(file, variant)
    answer = adjust(
        all_years(scenario, years_of(years)) if years else assemble(scenario),
        alpha=alpha,
        pedigree=pedigree,
        eliminate=eliminate,
        sample=sample,
        seed=seed,
    )
    tables = _reconciled_tables(answer, measure, names, boundary, seed)
    if out:
        export(answer.result, out)
    if document:
        _reconciled_report(answer, document, tables, measure, lang)
    if as_json:
        extra = {name: records(finite(table)) for name, table in tables.items()}
        print_json({**answer.as_json(), **extra})
        return
    grids = reconcile_grids(answer, lang, every)
    if names:
        grids += uncertain_grids(tables["indicators"], lang)
    if measure:
        grids.append(next_grid(tables["next"], measure, lang))
    click.echo(print_grids(grids, width=width_of()), nl=False)
    for note in answer.notes_zh if lang == "zh" else answer.notes:
        click.echo(f"{say('note', lang)}: {note}")
    click.echo(verdict(answer, lang))


def _reconciled_report(
    answer: Any, path: str, tables: dict[str, Any], measure: str | None, lang: str
) -> None:
    """The same tables as a document, with the method and what the data leave open."""
    from flowsim.report import write
    from flowsim.report.answers import reconciled
    from flowsim.views.reconcile_text import next_grid, uncertain_grids

    def extra(lang: str) -> list[Any]:
        grids = uncertain_grids(tables["indicators"], lang) if "indicators" in tables else []
        return grids + ([next_grid(tables["next"], str(measure), lang)] if "next" in tables else [])

    write(lambda one: reconciled(answer, one, extra=extra(one)), path, lang)


def _reconciled_tables(
    answer: Any, measure: str | None, names: str | None, boundary: str, seed: int
) -> dict[str, Any]:
    """Indicators with their uncertainty, and what to measure next, where they are asked for."""
    from flowsim.indicators.uncertain import target_of, uncertain_indicators
    from flowsim.studies.measure import next_measurements

    tables = {}
    if names:
        tables["indicators"] = uncertain_indicators(answer, listed(names), boundary, seed)
    if measure:
        tables["next"] = next_measurements(answer, target_of(answer, measure, boundary))
    return tables
