"""Pictures and pages: `sankey`, `plot`, `explore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flowsim.cli.base import (
    BOUNDARY,
    CHARTS,
    FIRST,
    INPUTS,
    LANG,
    OR_RECONCILE,
    STUDY,
    VARIANT,
    answered,
    balanced_variants,
    fails_clearly,
    form_of,
    inputs_of,
    listed,
    main,
    scenarios_of,
    through_years,
    write_chart,
    years_of,
)

if TYPE_CHECKING:
    from flowsim.views.chart import Chart


@main.command()
@click.argument("file")
@click.option("-o", "--output", default="sankey.svg", help="Picture to write: .svg, .png or .html.")
@VARIANT
@click.option("--layer", default="mass", help="mass, water, energy or a substance such as Ni.")
@click.option(
    "--group", type=click.Choice(["firm", "site", "chain"]), help="Draw these instead of processes."
)
@click.option("--diff", nargs=2, metavar="V1 V2", help="Draw what changes from one variant to another.")
@click.option("--top", type=click.IntRange(1), help="Draw only this many of the largest flows.")
@click.option("--exclude", help="Classes of goods to leave out, separated by commas.")
@click.option("--years", help="Follow FILE through 2020:2035, or a list 2020,2030, and draw the last year.")
@click.option("--width", type=click.IntRange(200, 10000), default=2400, help="Pixels of a .png.")
@OR_RECONCILE
@LANG
@fails_clearly
def sankey(
    file: str,
    output: str,
    variant: str | None,
    layer: str,
    group: str | None,
    diff: tuple[str, str] | None,
    top: int | None,
    exclude: str | None,
    years: str | None,
    width: int,
    study: str,
    lang: str,
) -> None:
    """Draw the flows of FILE to scale; what returns runs below the picture."""
    from flowsim.files import write_bytes, write_text
    from flowsim.scenario import read
    from flowsim.views.sankey import LEFT_OUT, page, png
    from flowsim.views.sankey import sankey as draw

    form = form_of(output, ("svg", "png", "html"))
    first, other = diff if diff else (variant, None)

    def last(name: str | None) -> Any:
        said = read(file, name)
        return through_years(said, years, study)[-1] if years else answered(said, study)

    result = last(first)
    second = last(other) if other else None
    left_out = LEFT_OUT if exclude is None else tuple(listed(exclude))
    svg = draw(result, layer, group, lang, second, top, exclude=left_out)  # type: ignore[arg-type]
    if form == "png":
        write_bytes(output, png(svg, width))
    else:
        write_text(output, svg if form == "svg" else page(svg))
    click.echo(output)


PLOTS = {
    "bars": ("indicator", "targets", "base", "boundary", "given"),
    "waterfall": ("indicator", "boundary", "given"),
    "years": ("years", "names", "part", "whole", "layer", "view", "first"),
}
"""Kinds of charts, and the options that each takes besides those of all."""


@main.command()
@click.argument("file")
@click.argument("kind", type=click.Choice([*PLOTS]))
@click.option("-o", "--output", help="Picture to write: .svg, .png, .pdf or .html; else KIND.svg.")
@click.option("--variants", help="Variants to show, separated by commas; without it all of them.")
@click.option("--indicator", metavar="ID", help="bars, waterfall: the indicator to show.")
@click.option("--targets", help="bars: target set; without it the scenario's own.")
@click.option("--base", help="bars: variant that targets stated as a change are counted from.")
@BOUNDARY
@INPUTS
@FIRST
@click.option("--years", help="years: 2020:2060, with a step 2020:2060:5, or a list 2020,2025,2035.")
@click.option(
    "--view",
    type=click.Choice(["stocks", "cohorts", "filling"]),
    default="stocks",
    help="years: stocks as lines, stacked by when things entered, or how full landfills are.",
)
@click.option("--flows", "names", help="years: flows or goods to stack; without it the stocks.")
@click.option("--part", help="years: flows or goods whose share in `--whole` is wanted.")
@click.option("--whole", help="years: flows or goods that make up the whole.")
@click.option("--layer", default="mass", help="years: mass, water, energy or a substance such as Ni.")
@click.option("--width", type=click.IntRange(200, 10000), default=1600, help="Pixels of a .png.")
@STUDY
@LANG
@click.pass_context
@fails_clearly
def plot(
    context: click.Context, file: str, kind: str, output: str | None, width: int, **options: Any
) -> None:
    """Draw a chart of FILE: targets as bars, a change as a waterfall, or stocks and flows over the years."""
    output = output or f"{kind}.svg"
    form_of(output, CHARTS)
    _check_options(context, kind)
    chart = _years_chart(file, **options) if kind == "years" else _comparison_chart(file, kind, **options)
    write_chart(chart, output, width)
    click.echo(output)


def _check_options(context: click.Context, kind: str) -> None:
    """An option that the kind of chart does not know is refused, not passed over."""
    from flowsim.errors import InputError, Problem

    for option in context.command.params:
        others = [each for each, taken in PLOTS.items() if option.name in taken]
        is_given = context.get_parameter_source(str(option.name)) is click.core.ParameterSource.COMMANDLINE
        if others and kind not in others and is_given:
            hint = f"It belongs to {' and '.join(others)}."
            raise InputError(Problem(f"`{option.opts[0]}` says nothing to {kind}.", hint=hint))


def _comparison_chart(
    file: str,
    kind: str,
    *,
    variants: str | None,
    indicator: str | None,
    targets: str | None,
    base: str | None,
    boundary: str,
    given: tuple[str, ...],
    study: str,
    lang: str,
    **_: Any,
) -> Chart:
    from flowsim.compare import compare
    from flowsim.errors import InputError, Problem
    from flowsim.views.charts import bars, waterfall

    if kind == "waterfall" and not indicator:
        hint = "Name it: --indicator general.co2; `flowsim indicators --list` lists them."
        raise InputError(Problem("a waterfall needs an indicator.", hint=hint))
    results = balanced_variants(file, variants, study)
    names = [indicator] if indicator else "first"
    made = compare(
        results, targets=targets, names=names, boundary=boundary, base=base, inputs=inputs_of(given)
    )
    return bars(made, lang, indicator) if kind == "bars" else waterfall(made, str(indicator), lang=lang)


def _years_chart(
    file: str,
    *,
    variants: str | None,
    years: str | None,
    names: str | None,
    part: str | None,
    whole: str | None,
    layer: str,
    view: str,
    first: float | None,
    study: str,
    lang: str,
    **_: Any,
) -> Chart:
    from flowsim.errors import InputError, Problem
    from flowsim.studies.simulate import simulate
    from flowsim.views.charts import years as draw

    if not years:
        raise InputError(Problem("which years?", hint="Name them: --years 2020:2060."))
    if bool(part) != bool(whole):
        hint = "Name flows or goods for both."
        raise InputError(Problem("a share needs `--part` and `--whole`.", hint=hint))
    steps = years_of(years)
    simulations = [
        simulate(said, years=steps, study=study, first=first)  # type: ignore[arg-type]
        for said in scenarios_of(file, variants)
    ]
    chosen, parts, wholes = (listed(text or "") for text in (names, part, whole))
    return draw(simulations, chosen, part=parts, whole=wholes, layer=layer, view=view, lang=lang)  # type: ignore[arg-type]


@main.command()
@click.argument("file")
@click.option("-o", "--output", default="graph.html", help="Page to write.")
@click.option("--variants", help="Variants to switch between, separated by commas; without it all of them.")
@click.option("--years", help="Years to switch between: 2020:2060, with a step 2020:2060:5, or a list.")
@click.option("--layer", default="mass", help="Layer shown first.")
@OR_RECONCILE
@LANG
@fails_clearly
def explore(
    file: str, output: str, variants: str | None, years: str | None, layer: str, study: str, lang: str
) -> None:
    """Make one page in which to explore the flow graph of FILE by hand; it needs no network."""
    from flowsim.files import write_text
    from flowsim.views.explore import explore as make_page

    if years:
        chosen = scenarios_of(file, variants)
        results = [result for said in chosen for result in through_years(said, years, study)]
    else:
        results = balanced_variants(file, variants, study)
    write_text(output, make_page(results, layer=layer, lang=lang))  # type: ignore[arg-type]
    click.echo(output)
