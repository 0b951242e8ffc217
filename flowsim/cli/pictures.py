"""Pictures and pages: `sankey`, `explore`."""

from __future__ import annotations

import click

from flowsim.cli.base import LANG, STUDY, VARIANT, balanced, fails_clearly, listed, main, variants_of


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
@click.option("--width", type=click.IntRange(200, 10000), default=2400, help="Pixels of a .png.")
@STUDY
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
    width: int,
    study: str,
    lang: str,
) -> None:
    """Draw the flows of FILE to scale; what returns runs below the picture."""
    from flowsim.errors import InputError, Problem
    from flowsim.files import write_bytes, write_text
    from flowsim.views.sankey import LEFT_OUT, page, png
    from flowsim.views.sankey import sankey as draw

    form = output.rpartition(".")[2].lower()
    if form not in ("svg", "png", "html"):
        raise InputError(Problem(f"`{output}` is no picture.", hint="End it in .svg, .png or .html."))
    first, other = diff if diff else (variant, None)
    result = balanced(file, first, study)
    second = balanced(file, other, study) if other else None
    left_out = LEFT_OUT if exclude is None else tuple(listed(exclude))
    svg = draw(result, layer, group, lang, second, top, exclude=left_out)  # type: ignore[arg-type]
    if form == "png":
        write_bytes(output, png(svg, width))
    else:
        write_text(output, svg if form == "svg" else page(svg))
    click.echo(output)


@main.command()
@click.argument("file")
@click.option("-o", "--output", default="graph.html", help="Page to write.")
@click.option("--variants", help="Variants to switch between, separated by commas; without it all of them.")
@click.option("--layer", default="mass", help="Layer shown first.")
@STUDY
@LANG
@fails_clearly
def explore(file: str, output: str, variants: str | None, layer: str, study: str, lang: str) -> None:
    """Make one page in which to explore the flow graph of FILE by hand; it needs no network."""
    from flowsim.files import write_text
    from flowsim.views.explore import explore as make_page

    results = [balanced(file, name, study) for name in variants_of(file, variants)]
    write_text(output, make_page(results, layer=layer, lang=lang))  # type: ignore[arg-type]
    click.echo(output)
