"""The command line. Each command is a call or two into the rooms below; nothing is calculated here."""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Callable
from typing import Any

import click

from flowsim import __version__

LANG = click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of the output.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON in the layout of docs/json.md.")
VARIANT = click.option("--variant", help="Variant to apply; without it the scenario as it stands.")
BOUNDARY = click.option(
    "--boundary",
    default="park",
    help="What the account is drawn around: park, firm:ID, site:ID, chain:ID, process:ID.",
)
INPUTS = click.option(
    "--input",
    "given",
    multiple=True,
    metavar="NAME=NUMBER",
    help="A figure that no flow carries, such as employees=1200; the reason of a missing value names it.",
)
STUDY = click.option(
    "--study",
    type=click.Choice(["auto", "solve", "dispatch"]),
    default="auto",
    help="auto: solve where facts fix all, dispatch where they leave choices.",
)


def fails_clearly(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn what a user can mend into messages on standard error and exit code 2."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from flowsim.errors import FlowsimError

        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            raise
        except FlowsimError as error:
            click.echo(f"flowsim: {error}", err=True)
        except OSError as error:
            click.echo(f"flowsim: {error.filename or 'a file'}: {error.strerror or error}.", err=True)
        sys.exit(2)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="flowsim")
def main() -> None:
    """Material and energy flows of industrial parks: balanced, compared, traced to their sources."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


def _balance(file: str, variant: str | None, study: str) -> Any:
    from flowsim.assemble import assemble
    from flowsim.scenario import read
    from flowsim.studies import balance

    return balance(assemble(read(file, variant)), study=study)  # type: ignore[arg-type]


def _print_json(value: Any) -> None:
    import json

    click.echo(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))


def _listed(text: str) -> list[str]:
    """The parts of an option that are separated by commas."""
    return [part for part in (part.strip() for part in text.split(",")) if part]


def _variants(file: str, listed: str | None) -> list[str | None]:
    """The variants that an option lists, else all of the file, else the scenario as it stands."""
    from flowsim.scenario import read

    return [*_listed(listed)] if listed else [*read(file).variant_names] or [None]


def _inputs(given: tuple[str, ...]) -> dict[str, float]:
    """``name=number`` options as a mapping; the names are checked by the indicators."""
    from flowsim.errors import InputError, Problem

    made = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            made[name.strip()] = float(value.strip().removesuffix("%"))
        except ValueError:
            raise InputError(
                Problem(f"`--input {text}` is no NAME=NUMBER.", hint="Write employees=1200.")
            ) from None
    return made


def _width() -> int | None:
    """Terminals keep their width; a pipe or a file gets lines that do not fold."""
    return None if sys.stdout.isatty() else 160


@main.command()
@click.argument("file")
@VARIANT
@LANG
@fails_clearly
def check(file: str, variant: str | None, lang: str) -> None:
    """Validate FILE and every variant: all problems with file and line, and the closure of each process."""
    from flowsim.errors import FlowsimError, Problem
    from flowsim.files import read_yaml
    from flowsim.words import say

    stated = None if variant else read_yaml(file).get("variants")
    names = [variant] if variant else [None, *(stated if isinstance(stated, dict) else ())]
    said: list[Problem] = []
    for name in names:
        click.echo(f"== {name or file}")
        try:
            result = _balance(file, name, "auto")
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

    click.echo(print_grids([closure_grid(result, lang)], width=_width()), nl=False)
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
    "--out", type=click.Path(), help="Write the tidy tables as CSV and the result as JSON into this folder."
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
    from flowsim.views.text import print_grids, residual_text, run_grids, variant_heading
    from flowsim.words import say

    result = _balance(file, variant, study)
    if out:
        results.export(result, out)
    if save_as:
        results.save(result, save_as)
    if as_json:
        _print_json(results.as_json(result))
        return
    click.echo(variant_heading(result, lang))
    click.echo(print_grids(run_grids(result, lang, every), width=_width()), nl=False)
    for note in result.all_notes(lang):
        click.echo(f"{say('note', lang)}: {note}")
    click.echo(residual_text(result, lang))


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

    results = [_balance(file, name, study) for file in files for name in _variants(file, variants)]
    comparison = compare_results(
        results, targets=targets, names=_listed(names), boundary=boundary, base=base, inputs=_inputs(given)
    )
    if form == "json":
        _print_json(comparison.as_json())
    elif form == "csv":
        click.echo(comparison_csv(comparison, lang), nl=False)
    else:
        click.echo(print_grids(comparison_grids(comparison, lang), form, _width()), nl=False)
        for note in comparison_notes(comparison, lang):
            click.echo(f"- {note}")


@main.command()
@click.argument("file")
@click.argument("name", metavar="INDICATOR|FLOW")
@VARIANT
@BOUNDARY
@INPUTS
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
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """Where a number comes from: an indicator's flows, a flow's facts, each with file, line and source."""
    from flowsim.trace import trace as trace_result
    from flowsim.views.indicator_text import figure_grid
    from flowsim.views.text import print_grids, trace_grids
    from flowsim.words import say

    found = trace_result(_balance(file, variant, study), name, boundary, inputs=_inputs(given))
    if as_json:
        _print_json(found.as_json())
        return
    grids = trace_grids(found, lang)
    if found.value is not None and (figure := figure_grid(found.value, lang)):
        grids.insert(0, figure)
    click.echo(print_grids(grids, width=_width()), nl=False)
    if found.value is not None:
        indicator = found.value.indicator
        formula = indicator.formula_zh if lang == "zh" else indicator.formula
        click.echo(f"{formula}  [{indicator.clause}; {say(indicator.certainty, lang)}]")
        if found.value.reason:
            click.echo(found.value.reason_zh if lang == "zh" else found.value.reason)


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
        chosen = [item for name in _listed(names) for item in ([get(name)] if "." in name else known(name))]
        grids = [shown.list_grid(chosen, lang)]
    elif not file:
        raise InputError(Problem("name a scenario FILE.", hint="Or ask for `--list` or `--explain ID`."))
    elif ledger:
        grids = _ledger_grids(file, variant, boundary, lang)
    else:
        result = _balance(file, variant, study)
        values = evaluate(result, _listed(names), boundary, inputs=_inputs(given))
        if as_json:
            _print_json(values_json(result, values, boundary))
            return
        grids = shown.indicator_grids(values, lang)
    click.echo(print_grids(grids, width=_width()), nl=False)


def _ledger_grids(file: str, variant: str | None, boundary: str, lang: str) -> Any:
    from flowsim.indicators.ledger import ledger
    from flowsim.scenario import read
    from flowsim.views.indicator_text import ledger_grids

    return ledger_grids(ledger(read(file, variant), boundary=boundary), lang)


@main.command()
@click.argument("file")
@click.option("--years", required=True, help="2020:2060, with a step 2020:2060:5, or a list 2020,2025,2035.")
@click.option("--variants", help="Variants to simulate, separated by commas; without it FILE as it stands.")
@click.option("--part", help="Flows or goods whose share in `--whole` is wanted, separated by commas.")
@click.option("--whole", help="Flows or goods that make up the whole.")
@click.option("--layer", default="mass", help="Layer of the share.")
@click.option("--out", type=click.Path(), help="Write the tidy tables as CSV into this folder.")
@STUDY
@JSON
@LANG
@fails_clearly
def simulate(
    file: str,
    years: str,
    variants: str | None,
    part: str | None,
    whole: str | None,
    layer: str,
    out: str | None,
    study: str,
    as_json: bool,
    lang: str,
) -> None:
    """Follow FILE through the years: stocks, cohorts and flows, balanced in every year and over all."""
    from flowsim.errors import InputError, Problem
    from flowsim.scenario import read
    from flowsim.studies.simulate import simulate as through_years
    from flowsim.studies.years import export, years_json
    from flowsim.views.text import print_grids
    from flowsim.views.years_text import simulation_grids, variant_grid
    from flowsim.words import say

    if bool(part) != bool(whole):
        raise InputError(
            Problem("a share needs `--part` and `--whole`.", hint="Name flows or goods for both.")
        )
    names = _listed(variants) if variants else [None]
    made = [through_years(read(file, name), years=_years(years), study=study) for name in names]  # type: ignore[arg-type]
    if out:
        export(made, out)
    if as_json:
        _print_json(years_json(made))
        return
    grids = [grid for one in made for grid in simulation_grids(one, lang)]
    if part and whole:
        grids.append(variant_grid(made, _listed(part), _listed(whole), lang, layer))
    click.echo(print_grids(grids, width=_width()), nl=False)
    for note in dict.fromkeys(note for one in made for note in one.notes()):
        click.echo(f"{say('note', lang)}: {note}")


def _years(text: str) -> list[float]:
    """``2020:2060``, ``2020:2060:5`` or ``2020,2025``."""
    from flowsim.errors import InputError, Problem

    try:
        if ":" not in text:
            return [float(year) for year in _listed(text)]
        first, last, *step = (int(part) for part in text.split(":"))
        return [float(year) for year in range(first, last + 1, *step)]
    except (TypeError, ValueError):
        raise InputError(
            Problem(f"`--years {text}` are no years.", hint="Write 2020:2060 or 2020,2030.")
        ) from None


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
@click.option("--all", "every", is_flag=True, help="Show every value.")
@click.option("--out", type=click.Path(), help="Write the balanced tables as CSV and JSON into this folder.")
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
    every: bool,
    out: str | None,
    as_json: bool,
    lang: str,
) -> None:
    """Move the uncertain numbers of FILE least so that every balance holds, and say what does not fit."""
    from flowsim.assemble import assemble
    from flowsim.result import export
    from flowsim.scenario import read
    from flowsim.studies.reconcile import reconcile as adjust
    from flowsim.views.reconcile_text import reconcile_grids, verdict
    from flowsim.views.text import print_grids
    from flowsim.words import say

    answer = adjust(
        assemble(read(file, variant)),
        alpha=alpha,
        pedigree=pedigree,
        eliminate=eliminate,
        sample=sample,
        seed=seed,
    )
    if out:
        export(answer.result, out)
    if as_json:
        _print_json(answer.as_json())
        return
    click.echo(print_grids(reconcile_grids(answer, lang, every), width=_width()), nl=False)
    for note in answer.notes:
        click.echo(f"{say('note', lang)}: {note}")
    click.echo(verdict(answer, lang))


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
    result = _balance(file, first, study)
    second = _balance(file, other, study) if other else None
    left_out = LEFT_OUT if exclude is None else tuple(_listed(exclude))
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

    results = [_balance(file, name, study) for name in _variants(file, variants)]
    write_text(output, make_page(results, layer=layer, lang=lang))  # type: ignore[arg-type]
    click.echo(output)


@main.command()
@click.argument("folder", type=click.Path())
@fails_clearly
def init(folder: str) -> None:
    """Make FOLDER with a starter scenario that runs."""
    from flowsim.starter import write_starter

    path = write_starter(folder)
    click.echo(f"{path} is there. Try: flowsim compare {path}")


@main.command()
@click.argument("search", default="")
@LANG
@JSON
@fails_clearly
def library(search: str, lang: str, as_json: bool) -> None:
    """Recipes and goods of the shipped library whose id or name contains SEARCH."""
    from flowsim.library import search_library
    from flowsim.views.text import library_grids, print_grids
    from flowsim.words import say

    recipes, goods = search_library(search)
    if as_json:
        _print_json({"flowsim_json": 1, "kind": "library", "recipes": recipes, "goods": goods})
        return
    if not recipes and not goods:
        click.echo(f"{say('nothing in the library matches', lang)} `{search}`")
    click.echo(print_grids(library_grids(recipes, goods, lang), width=_width()), nl=False)
