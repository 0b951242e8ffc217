"""What must hold of links: their numbers, distances between sites, permits, ceilings of contents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import Problem
from flowsim.schema import OUTSIDE
from flowsim.tables import Say, nearest, report

if TYPE_CHECKING:
    import pandas as pd

HAZARDOUS = "hazardous_waste"
"""The class of goods that only permitted processes may take."""

MONTHS = tuple(str(month) for month in range(1, 13))


def check_links(typed: Mapping[str, pd.DataFrame], problems: list[Problem]) -> None:
    """Links say what makes sense together; distances, permits and ceilings name what is there."""
    _check_numbers(typed, problems)
    _check_treatments(typed, problems)
    _check_distances(typed, problems)
    _check_permits(typed, problems)
    _check_ceilings(typed, problems)


def _report(
    typed: Mapping[str, pd.DataFrame], problems: list[Problem], name: str, faulty: np.ndarray, say: Say
) -> None:
    """Report the rows of a table that a mask marks and that are not reported yet."""
    frame = typed[name]
    rows = np.flatnonzero(np.asarray(faulty, dtype=bool) & ~frame["wrong"].to_numpy())
    report(problems, name, frame["file"].to_numpy(), frame["line"].to_numpy(), rows, say)


def _check_numbers(typed: Mapping[str, pd.DataFrame], problems: list[Problem]) -> None:
    links = typed["links"]
    whole = (links["loss"] >= 1).to_numpy()
    _report(typed, problems, "links", whole, ("`loss` leaves nothing to arrive.", "Write less than 100 %."))
    outside = ((links["loss"] > 0) & links["from"].isin([*OUTSIDE])).to_numpy()
    hint = "State it on a link that begins at a process."
    _report(typed, problems, "links", outside, ("`loss` of what comes from outside is not ours.", hint))
    never = (links["available"] == 0).to_numpy()
    _report(typed, problems, "links", never, ("`available: 0` means never.", "Leave the link closed."))
    odd = np.array([not set(months) <= set(MONTHS) for months in links["months"]], dtype=bool)
    _report(typed, problems, "links", odd, ("`months` must be numbers from 1 to 12.", "Write `[5, 6, 7]`."))
    far = (links["freight"].notna() & links["distance"].isna()).to_numpy()
    hint = "State it, or put the two sites into the table `distances`."
    _report(typed, problems, "links", far, ("`freight` needs a `distance`.", hint))


def _check_names(
    typed: Mapping[str, pd.DataFrame],
    problems: list[Problem],
    name: str,
    column: str,
    known: set[str],
    what: str,
    hint: str = "",
) -> None:
    """Report cells, or members of lists, that are not empty and not known."""
    cells = [(cell,) if isinstance(cell, str) else cell for cell in typed[name][column]]
    odd = np.array([bool(set(names) - known - {""}) for names in cells], dtype=bool)

    def say(row: int) -> tuple[str, str]:
        found = next(item for item in cells[row] if item not in known)
        return f"`{column}`: there is no {what} `{found}`.", nearest(found, known) or hint

    _report(typed, problems, name, odd, say)


def _check_treatments(typed: Mapping[str, pd.DataFrame], problems: list[Problem]) -> None:
    """A treatment has a recipe, and a name that nothing else has."""
    links, recipes = typed["links"], set(typed["recipes"]["recipe"])
    hint = "Declare it under `recipes:`."
    _check_names(typed, problems, "links", "through", recipes, "recipe", hint)
    bare = ((links["becomes"] != "") & (links["through"] == "")).to_numpy()
    hint = "Name the recipe of the treatment, or leave `becomes` out."
    _report(typed, problems, "links", bare, ("`becomes` goes with `through`.", hint))
    names = links["id"].to_numpy() + "_treatment"
    taken = (links["through"] != "").to_numpy() & np.isin(names, typed["processes"]["id"].to_numpy())

    def say(row: int) -> tuple[str, str]:
        return f"its treatment would be called `{names[row]}`, as a process is.", "Rename one of them."

    _report(typed, problems, "links", taken, say)


def _check_distances(typed: Mapping[str, pd.DataFrame], problems: list[Problem]) -> None:
    sites = set(typed["processes"]["site"]) - {""}
    for end in ("from", "to"):
        _check_names(typed, problems, "distances", end, sites, "site", "Name the site of a process.")


def fill_distances(typed: dict[str, pd.DataFrame]) -> None:
    """Flows and links that state no distance take that between the sites of their ends."""
    table = typed["distances"]
    if table.empty:
        return
    known: dict[tuple[str, str], float] = {}
    rows = list(zip(table["from"], table["to"], table["distance"], strict=True))
    known.update({(to, begin): distance for begin, to, distance in rows})
    known.update({(begin, to): distance for begin, to, distance in rows})
    site = dict(zip(typed["processes"]["id"], typed["processes"]["site"], strict=True))
    for name in ("flows", "links"):
        frame = typed[name]
        ends = zip(frame["from"], frame["to"], strict=True)
        found = np.array(
            [known.get((site.get(a, ""), site.get(b, "")), np.nan) for a, b in ends], dtype=float
        )
        stated = frame["distance"].to_numpy()
        typed[name] = frame.assign(distance=np.where(np.isnan(stated), found, stated))


# ---- permits ----


def permitted(typed: Mapping[str, pd.DataFrame]) -> dict[str, set[str]]:
    """For each process the hazardous goods that it may take; `HAZARDOUS` among them stands for all.

    A recipe whose reference line is an incoming hazardous waste is that of a plant for hazardous waste; one
    that lists a hazardous waste among its inputs is made for that one. All others need ``permits``.
    """
    goods, recipes = typed["goods"], typed["recipes"]
    hazardous = set(goods["id"][goods["class"] == HAZARDOUS])
    lines = recipes[(recipes["direction"] == "in") & recipes["good"].isin(hazardous)]
    own: dict[str, set[str]] = {}
    for recipe, good, role in zip(lines["recipe"], lines["good"], lines["role"], strict=True):
        own.setdefault(recipe, set()).add(HAZARDOUS if role == "reference" else good)
    processes = typed["processes"]
    return {
        name: own.get(recipe, set()) | set(permits)
        for name, recipe, permits in zip(
            processes["id"], processes["recipe"], processes["permits"], strict=True
        )
    }


def _check_permits(typed: Mapping[str, pd.DataFrame], problems: list[Problem]) -> None:
    """Hazardous waste goes to permitted processes only."""
    goods = typed["goods"]
    hazardous = set(goods["id"][goods["class"] == HAZARDOUS])
    hint = f"Write `{HAZARDOUS}` for all."
    _check_names(typed, problems, "processes", "permits", hazardous | {HAZARDOUS}, "hazardous waste", hint)
    may = permitted(typed)
    for name in ("flows", "links"):
        frame = typed[name]
        good, target = frame["good"].to_numpy(), frame["to"].to_numpy()
        faulty = np.array(
            [_forbidden(g, to, hazardous, may) for g, to in zip(good, target, strict=True)], bool
        )
        if name == "links":
            faulty &= (frame["open"] & (frame["through"] == "")).to_numpy()
        _report(typed, problems, name, faulty, _say_forbidden(good, target))


def _forbidden(good: str, target: str, hazardous: set[str], may: Mapping[str, set[str]]) -> bool:
    return good in hazardous and target in may and not may[target] & {good, HAZARDOUS}


def _say_forbidden(good: np.ndarray, target: np.ndarray) -> Say:
    def say(row: int) -> tuple[str, str]:
        message = f"`{good[row]}` is hazardous waste, and `{target[row]}` has no permit for it."
        hint = f"Send it to a permitted process, or state `permits: [{good[row]}]` there if it has one."
        return message, hint

    return say


# ---- ceilings ----


def _check_ceilings(typed: Mapping[str, pd.DataFrame], problems: list[Problem]) -> None:
    """A ceiling names a process or a recipe, goods, and a substance that something states."""
    if typed["ceilings"].empty:
        return
    places = {*typed["processes"]["id"], *typed["recipes"]["recipe"]}
    layers = {*typed["contents"]["layer"], *typed["layers"]["id"]}
    _check_names(typed, problems, "ceilings", "at", places, "process or recipe")
    _check_names(typed, problems, "ceilings", "layer", layers, "layer that a good states a content of,")
    _check_names(typed, problems, "ceilings", "goods", set(typed["goods"]["id"]), "good")
