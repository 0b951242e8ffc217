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
FIRST = click.option(
    "--first", type=float, help="Length of the first step in years; without it as long as the second."
)
VARIANT = click.option("--variant", help="Variant to apply; without it the scenario as it stands.")
BOUNDARY = click.option(
    "--boundary",
    default="park",
    help="What the account is drawn around: park, city, firm:ID, site:ID, chain:ID, process:ID.",
)
INPUTS = click.option(
    "--input",
    "given",
    multiple=True,
    metavar="NAME=NUMBER",
    help="A figure that no flow carries, such as employees=1200; the reason of a missing value names it.",
)
FACTORS = click.option(
    "--factors",
    "factors",
    multiple=True,
    metavar="SET",
    help="Set of factors that holds before others, such as provincial_2025 or co2_bought=guangxi_2022.",
)
STUDY = click.option(
    "--study",
    type=click.Choice(["auto", "solve", "dispatch"]),
    default="auto",
    help="auto: solve where facts fix all, dispatch where they leave choices.",
)

OR_RECONCILE = click.option(
    "--study",
    type=click.Choice(["auto", "solve", "dispatch", "reconcile"]),
    default="auto",
    help="As for run, or reconcile: move uncertain numbers least, show what stays uncertain.",
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
        except KeyboardInterrupt:
            click.echo("flowsim: stopped. No file is half written.", err=True)
            sys.exit(130)
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


def balanced(file: str, variant: str | None, study: str) -> Any:
    from flowsim.scenario import read

    return answered(read(file, variant), study)


def answered(said: Any, study: str) -> Any:
    """The result of a scenario."""
    from flowsim.assemble import assemble
    from flowsim.studies import balance

    if study == "reconcile":
        from flowsim.studies.reconcile import reconcile

        return reconcile(assemble(said)).result
    return balance(assemble(said), study=study)  # type: ignore[arg-type]


def through_years(said: Any, years: str, study: str) -> list[Any]:
    """The results of a scenario through years as the option states them, one a year."""
    from flowsim.errors import InputError, Problem
    from flowsim.studies.reconcile import reconcile
    from flowsim.studies.simulate import simulate
    from flowsim.yearly import all_years, each_year

    if not (wanted := years_of(years)):
        raise InputError(Problem(f"`--years {years}` are no years.", hint="Write 2020:2060 or 2020,2030."))
    if study == "reconcile":
        return [*each_year(reconcile(all_years(said, wanted)).result, said).values()]
    return list(simulate(said, years=wanted, study=study).results)  # type: ignore[arg-type]


CHARTS = ("svg", "png", "pdf", "html")
"""Forms of a chart."""


def form_of(output: str, forms: tuple[str, ...]) -> str:
    """The ending of a picture's name, if it is one of these."""
    from flowsim.errors import InputError, Problem

    form = output.rpartition(".")[2].lower()
    if form not in forms:
        hint = f"End it in .{', .'.join(forms[:-1])} or .{forms[-1]}."
        raise InputError(Problem(f"`{output}` is no picture.", hint=hint))
    return form


def write_chart(chart: Any, output: str, width: int = 1600) -> None:
    """Write a chart in the form that the name of the file asks for."""
    from flowsim.files import write_bytes, write_text
    from flowsim.views import charts

    form = form_of(output, CHARTS)
    if form == "png":
        write_bytes(output, charts.png(chart, width))
    elif form == "pdf":
        write_bytes(output, charts.pdf(chart))
    else:
        write_text(output, charts.svg(chart) if form == "svg" else charts.page(chart))


def print_json(value: Any) -> None:
    import json

    click.echo(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))


def listed(text: str) -> list[str]:
    """The parts of an option that are separated by commas."""
    return [part for part in (part.strip() for part in text.split(",")) if part]


def scenarios_of(file: str, stated: str | None) -> list[Any]:
    """The variants that an option lists, else all of the file, else the scenario as it stands; read once."""
    from flowsim.scenario import read

    names = listed(stated) if stated else []
    if stated and not names:
        return []
    first = read(file, names[0] if names else None)
    names = names or [*first.variant_names]
    return [first.with_variant(name) for name in names] if names else [first]


def balanced_variants(file: str, stated: str | None, study: str) -> list[Any]:
    """The results of `scenarios_of`."""
    return [answered(said, study) for said in scenarios_of(file, stated)]


def inputs_of(given: tuple[str, ...]) -> dict[str, float]:
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


def years_of(text: str) -> list[float]:
    """``2020:2060``, ``2020:2060:5`` or ``2020,2025``."""
    from flowsim.errors import InputError, Problem

    try:
        if ":" not in text:
            return [float(year) for year in listed(text)]
        first, last, *step = (int(part) for part in text.split(":"))
        return [float(year) for year in range(first, last + 1, *step)]
    except (TypeError, ValueError):
        raise InputError(
            Problem(f"`--years {text}` are no years.", hint="Write 2020:2060 or 2020,2030.")
        ) from None


def width_of() -> int | None:
    """Terminals keep their width; a pipe or a file gets lines that do not fold."""
    return None if sys.stdout.isatty() else 160
