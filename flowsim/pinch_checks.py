"""What must hold in the tables of water networks and heat cascades."""

from __future__ import annotations

import numpy as np

from flowsim.checks import Book, Frames, check_known, subjects
from flowsim.errors import Problem

FLOWING = ("source", "sink")
HOT = ("hot", "hot_utility")


def check_networks(typed: Frames, problems: list[Problem]) -> None:
    """References, what each kind needs, and the direction of temperatures and concentrations."""
    book = Book(typed, problems)
    for name in ("heats", "waters"):
        _check_names(book, name)
    if len(typed["heats"]):
        _check_heats(book)
    if len(typed["waters"]):
        _check_waters(book)
    _check_quality(book)


def _check_names(book: Book, name: str) -> None:
    frame = book.typed[name]
    known = set(frame["id"])
    check_known(book, name, "at", set(book.column("processes", "id")), "process", "processes")
    check_known(book, name, "amount_of", set(subjects(book.typed)), "flow or good of a flow,", "flows")
    others = frame["forbid"].to_numpy()
    odd = [row for row, names in enumerate(others) if not set(names) <= known]

    def say(row: int) -> tuple[str, str]:
        missing = ", ".join(sorted(set(others[row]) - known))
        return f"`forbid`: there is no `{missing}` in `{name}`.", "Name ids of the same table."

    book.report(name, odd, say)


def _check_heats(book: Book) -> None:
    frame = book.typed["heats"]
    supply, duty = frame["supply"].to_numpy(), frame["duty"].to_numpy()
    target = np.where(np.isnan(frame["target"]), supply, frame["target"])
    hot = frame["kind"].isin(HOT).to_numpy()
    stream = frame["kind"].isin(("hot", "cold")).to_numpy()
    told = (frame["amount_of"] != "").to_numpy()

    def check(faulty: np.ndarray, message: str, hint: str) -> None:
        book.report("heats", faulty, (message, hint))

    check(supply <= -273.15, "`supply` is below absolute zero.", "Temperatures are in °C.")
    check(target <= -273.15, "`target` is below absolute zero.", "Temperatures are in °C.")
    check(hot & (target > supply), "what gives heat must cool down.", "Swap `supply` and `target`.")
    check(~hot & (target < supply), "what takes heat must warm up.", "Swap `supply` and `target`.")
    check(stream & np.isnan(duty) & ~told, "a stream needs its heat.", "State `duty` or `amount_of`.")
    check(stream & ~np.isnan(duty) & told, "`duty` and `amount_of` say the same.", "State one of them.")
    check(~stream & told, "a utility takes no `amount_of`.", "State its most as `duty`.")
    check(stream & ~np.isnan(frame["cost"]), "`cost` belongs to utilities.", "Leave it out.")
    check((frame["shift"] < 0).to_numpy(), "`shift` is below 0.", "Write a part of the difference in K.")


def _check_waters(book: Book) -> None:
    frame, quality = book.typed["waters"], book.typed["water_quality"]
    flow, kind = frame["flow"].to_numpy(), frame["kind"].to_numpy()
    told = (frame["amount_of"] != "").to_numpy()
    fixed = np.isin(kind, FLOWING)

    def check(faulty: np.ndarray, message: str, hint: str) -> None:
        book.report("waters", faulty, (message, hint))

    check(fixed & np.isnan(flow) & ~told, "a source or sink needs its flow.", "State `flow` or `amount_of`.")
    check(~np.isnan(flow) & told, "`flow` and `amount_of` say the same.", "State one of them.")
    needed = {
        "use": set(quality["water"][~np.isnan(quality["outlet"])]),
        "treatment": set(quality["water"]),
    }
    for name, hint in (
        ("use", "Give it an `outlet` and a `load` (or an `inlet` and a flow) in `water_quality`."),
        ("treatment", "Give it an `outlet` or a `removal` in `water_quality`."),
    ):
        bare = np.array(
            [what == name and at not in needed[name] for at, what in zip(frame["id"], kind, strict=True)]
        )
        check(bare, f"nothing says what this {name} does to the water.", hint)


def _check_quality(book: Book) -> None:
    frame, waters = book.typed["water_quality"], book.typed["waters"]
    if frame.empty:
        return
    check_known(book, "water_quality", "water", set(waters["id"]), "place", "waters")
    kind = frame["water"].map(dict(zip(waters["id"], waters["kind"], strict=True))).to_numpy()
    said = {name: ~np.isnan(frame[name].to_numpy()) for name in ("inlet", "outlet", "load", "removal")}
    limited = frame["water"].isin(waters["id"][~np.isnan(waters["flow"]) | (waters["amount_of"] != "")])

    def check(faulty: np.ndarray, message: str, hint: str) -> None:
        book.report("water_quality", faulty, (message, hint))

    for column, kinds in (
        ("inlet", ("sink", "use", "treatment", "discharge")),
        ("outlet", ("fresh", "source", "use", "treatment")),
        ("load", ("use",)),
        ("removal", ("treatment",)),
    ):
        hint = f"It belongs to: {', '.join(kinds)}."
        check(said[column] & ~np.isin(kind, kinds), f"`{column}` says nothing of this kind of place.", hint)
    use = kind == "use"
    check(
        use & said["load"] & ~said["outlet"],
        "a load needs the highest `outlet`.",
        "State the concentration at which the water leaves.",
    )
    check(
        use & said["outlet"] & ~said["load"] & ~(said["inlet"] & limited.to_numpy()),
        "a use needs its load.",
        "State `load`, or `inlet` here and the limiting `flow` of its place.",
    )
    upside_down = (frame["inlet"] >= frame["outlet"]).to_numpy() & use
    check(upside_down, "`inlet` is not below `outlet`.", "A use adds to what its water carries.")
    both = said["outlet"] & said["removal"]
    check(both, "`outlet` and `removal` say the same.", "State one of them.")
    check((frame["removal"] > 1).to_numpy(), "`removal` is over 100 %.", "Write a share from 0 to 100 %.")
