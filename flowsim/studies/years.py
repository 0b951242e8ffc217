"""A `Simulation`: a system over the years as tidy tables, and what planners read off them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.cohorts import NOISE, Steps
from flowsim.display import Displayed
from flowsim.errors import InputError, Problem
from flowsim.files import write_folder
from flowsim.result import FORMAT, Result, records
from flowsim.scenario import Scenario
from flowsim.stocks import GOOD, Ledger, Space

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Simulation(Displayed):
    """A system over the years.

    Attributes
    ----------
    scenario : what was asked
    steps : years that the steps end with, and their lengths; flows are per year, stocks stand at the end
    results : the `Result` of each step
    books : the ledger of each stock
    """

    scenario: Scenario
    steps: Steps
    results: tuple[Result, ...]
    books: tuple[Ledger, ...]

    @property
    def years(self) -> list[float]:
        """The year that each step ends with."""
        return [result.system.about["year"] for result in self.results]

    @property
    def flows(self) -> pd.DataFrame:
        """The flows of every year, with the columns of `Result.flows`."""
        import pandas as pd

        return pd.concat([result.flows for result in self.results], ignore_index=True)

    @property
    def processes(self) -> pd.DataFrame:
        """Year, and the columns of `Result.processes`."""
        import pandas as pd

        parts = [
            result.processes.assign(year=year) for year, result in zip(self.years, self.results, strict=True)
        ]
        made = pd.concat(parts, ignore_index=True)
        return made[["year", *made.columns.drop("year")]]

    @property
    def stocks(self) -> pd.DataFrame:
        """Tidy stocks: year, length, stock, at, good, layer, inflow, outflow, level, change, space, unit,
        entry, lifetime. ``layer`` is empty for the good itself; flows are per year."""
        import pandas as pd

        return pd.DataFrame([row for book in self.books for row in self._stock_rows(book)], columns=STOCKS)

    def _stock_rows(self, book: Ledger) -> Iterator[list[Any]]:
        unit = self.results[0].system.goods.set_index("id")["unit"][book.row["good"]]
        for layer, table in book.cohorts.items():
            level = table.sum(axis=1)[book.start :]
            change = np.diff(np.append(book.standing(book.start - 1)[layer], level)) / self.steps.lengths
            inflow, outflow = (moved[layer][book.start :] for moved in (book.inflow, book.outflow))
            name, said = ("", unit) if layer == GOOD else (layer, "t")
            head = [book.row["id"], book.row["at"], book.row["good"], name]
            tail = [book.row["space"] if layer == GOOD else np.nan, said, book.row["entry"], str(book.life)]
            for at, year in enumerate(self.years):
                moved = [inflow[at], outflow[at], level[at], change[at]]
                yield [year, self.steps.lengths[at], *head, *moved, *tail]

    @property
    def cohorts(self) -> pd.DataFrame:
        """What is left of each cohort: year, stock, layer, entered (NaN: before all records), when in that
        step, amount."""
        import pandas as pd

        parts = []
        for book in self.books:
            entered = np.append(np.nan, book.steps.ends)
            for layer, table in book.cohorts.items():
                row, column = np.nonzero(table[book.start :])
                made = {
                    "year": np.array(self.years)[row],
                    "stock": book.row["id"],
                    "layer": "" if layer == GOOD else layer,
                    "entered": entered[column],
                    "entry": book.row["entry"],
                    "amount": table[book.start :][row, column],
                }
                parts.append(pd.DataFrame(made))
        names = ["year", "stock", "layer", "entered", "entry", "amount"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)

    @property
    def checks(self) -> pd.DataFrame:
        """Balance over the years: layer, in, out, change (each summed over all years), difference, share.

        What enters the system from outside, less what leaves it, is what its stores have gained.
        """
        import pandas as pd

        rows = []
        for layer in ("mass", *self.results[0].system.layers):
            into, out, change = np.sum(
                [_crossing(r, layer) for r in self.results] * self.steps.lengths[:, None], axis=0
            )
            gap = into - out - change
            rows.append([layer, into, out, change, gap, gap / max(into, out, 1e-9)])
        return pd.DataFrame(rows, columns=["layer", "in", "out", "change", "difference", "share"])

    def ratio(self, part: Iterable[str], whole: Iterable[str], layer: str = "mass") -> pd.DataFrame:
        """How much some flows are of others in each year: year, part, whole, share.

        Parameters
        ----------
        part, whole : ids of flows, or goods (all flows of that good)

        Raises
        ------
        InputError : a name that no flow has, or a layer that there is not
        """
        import pandas as pd

        sums = {name: self._sums(list(names), layer) for name, names in (("part", part), ("whole", whole))}
        share = np.divide(
            sums["part"], sums["whole"], out=np.full(len(self.years), np.nan), where=sums["whole"] != 0
        )
        return pd.DataFrame({"year": self.years, **sums, "share": share})

    def _sums(self, names: list[str], layer: str) -> np.ndarray:
        flows = self.results[0].system.flows
        missing = [name for name in names if not ((flows["id"] == name) | (flows["good"] == name)).any()]
        if missing or not names:
            what = f"there is no flow or good `{missing[0]}`." if missing else "no flow is named."
            raise InputError(Problem(what, str(self.scenario.file), hint="Name flows by id, or goods."))
        return np.array([_sum_of(result, names, layer) for result in self.results])

    def passes(
        self, share: pd.DataFrame, levels: Sequence[float] = (0.1, 0.3, 0.5)
    ) -> dict[float, float | None]:
        """The first year in which a share (from `ratio`) reaches each level and stays there; None: never."""
        above = {level: (share["share"] >= level).to_numpy() for level in levels}
        lasts = {level: np.logical_and.accumulate(mine[::-1])[::-1] for level, mine in above.items()}
        return {
            level: self.years[int(mine.argmax())] if mine.any() else None for level, mine in lasts.items()
        }

    def full(self) -> dict[str, float | None]:
        """For each stock or store with a space: the first year at whose end it takes no more; None: never."""
        found: dict[str, float | None] = {}
        for of, part in self.filling.groupby("of", sort=False):
            over = (part["share"] >= 1 - NOISE).to_numpy()
            found[str(of)] = self.years[int(over.argmax())] if over.any() else None
        return found

    @property
    def filling(self) -> pd.DataFrame:
        """How full each space is at the end of each year: year, of (stock or store), filled, space, share,
        unit."""
        import pandas as pd

        units = self.results[0].system.goods.set_index("id")["unit"]
        rows = []
        for space, book in {book.space: book for book in self.books}.items():
            if space is None:
                continue
            for at, year in enumerate(self.years):
                filled = book.filled(book.start + at)
                unit = space.unit or units[book.row["good"]]
                rows.append([year, space.of, filled, space.most, filled / space.most, unit])
        return pd.DataFrame(rows, columns=["year", "of", "filled", "space", "share", "unit"])

    def spilt(self) -> pd.DataFrame:
        """What found no room in a full stock and went where its good goes by rule: year, stock, good, to,
        amount (per year, in the unit of the good)."""
        import pandas as pd

        flows = self.results[0].system.flows
        rows = []
        for book in (book for book in self.books if book.space is not None):
            of_good = flows["good"] == book.row["good"]
            sources = set(flows["from"][of_good & (flows["to"] == book.row["at"])])
            beside = of_good & flows["from"].isin(sources) & (flows["how"] == "implied")
            for at in np.flatnonzero(beside):
                for result in self.results:
                    if (amount := float(result.amounts[at])) > 0:
                        year = result.system.about["year"]
                        rows.append([year, book.row["id"], book.row["good"], flows["to"].iat[at], amount])
        return pd.DataFrame(rows, columns=["year", "stock", "good", "to", "amount"])

    def notes(self, lang: str = "en") -> list[str]:
        """How the stocks were kept, which are full, and what the study of the first year remarked."""
        zh = lang == "zh"
        said = [self._kept(book, zh) for book in self.books]
        full = {name: year for name, year in self.full().items() if year is not None}
        said += [self._filled(space, full[space.of], lang) for space in self._spaces() if space.of in full]
        if (self.steps.lengths != 1).any():
            spans = ", ".join(f"{length:g}" for length in dict.fromkeys(self.steps.lengths.tolist()))
            said.append(
                f"步长{spans}年；每步以其年末命名"
                if zh
                else f"steps of {spans} years; each ends with the year it is called by"
            )
        return [*said, *self.results[0].all_notes(lang)]

    def _kept(self, book: Ledger, zh: bool) -> str:
        entry = _ENTRY[book.row["entry"]][zh]
        if not zh:
            return f"stock {book.row['id']}: {book.life}, things enter at {entry}"
        return f"存量 {book.row['id']}：寿命分布 {_life_in_chinese(str(book.life))}，{entry}"

    def _spaces(self) -> list[Space]:
        return [space for space in dict.fromkeys(book.space for book in self.books) if space is not None]

    def _filled(self, space: Space, year: float, lang: str) -> str:
        """In which year a stock or a store is full, and what has found no room since."""
        system, zh = self.results[0].system, lang == "zh"
        goods, places = (table.set_index("id") for table in (system.goods, system.processes))
        said = f"存量 {space.of} 于{year:g}年用尽库容" if zh else f"stock {space.of} is full in {year:g}"
        if space.shared:
            name = places[lang][space.of]
            said = f"{name}于{year:g}年用尽库容" if zh else f"{name} is full in {year:g}"
        spilt = self.spilt()
        spilt = spilt[spilt["stock"].isin(dict(space.bulk))]
        length = dict(zip(self.years, self.steps.lengths, strict=True))
        for good, part in spilt.groupby("good", sort=False):
            total = f"{(part['amount'] * part['year'].map(length)).sum():.6g} {goods['unit'][good]}"
            to = ", ".join(places[lang][place] for place in dict.fromkeys(part["to"]))
            name = goods[lang][good]
            said += (
                f"；此后共有 {total} {name}无处容纳，去往{to}"
                if zh
                else f"; from then on {total} of {name} find no room and go to {to}"
            )
        return said

    def __repr__(self) -> str:
        variant = f", {self.scenario.variant}" if self.scenario.variant else ""
        span = f"{self.years[0]:g} to {self.years[-1]:g}"
        return f"<Simulation of {self.scenario.name['en']}{variant}: {span}, {len(self.books)} stocks>"


STOCKS = [
    *("year", "length", "stock", "at", "good", "layer", "inflow", "outflow", "level", "change"),
    *("space", "unit", "entry", "lifetime"),
]
"""Columns of `Simulation.stocks`."""

_ENTRY = {
    "start": ("the start of a step", "于时段初进入"),
    "middle": ("the middle of a step", "于时段中进入"),
    "end": ("the end of a step", "于时段末进入"),
    "spread": ("an even rate through a step", "在时段内均匀进入"),
}
_LIVES = {
    "fixed": "定值",
    "normal": "正态",
    "folded_normal": "折叠正态",
    "lognormal": "对数正态",
    "weibull": "韦布尔",
    "gamma": "伽马",
    "logistic": "逻辑斯谛",
    "unlimited": "无限期",
}
_SAID = ((" within ", "，至多与所属产品同寿："), (" by cohort", "，随入库年份而变"))


def _life_in_chinese(life: str) -> str:
    """What `Lifetime` says of itself, in Chinese."""
    for said, chinese in (*_LIVES.items(), *_SAID):
        life = re.sub(rf"(?<!\w){said}\b" if said.isidentifier() else said, chinese, life)
    return re.sub(r"table of (\d+) ages", r"存活表（\1个年龄）", life)


def _crossing(result: Result, layer: str) -> list[float]:
    """What enters the system, what leaves it, and what its stores gain, in one layer, per year."""
    closure = result.closure(layer)
    outside = result.system.processes["outside"].to_numpy()
    flows, amount = result.system.flows, result.layer(layer)
    into = amount[outside[flows["from_at"]] & ~outside[flows["to_at"]]].sum()
    out = amount[outside[flows["to_at"]] & ~outside[flows["from_at"]]].sum()
    return [float(into), float(out), float(closure["stock_change"].sum())]


def _sum_of(result: Result, names: list[str], layer: str) -> float:
    flows = result.system.flows
    mine = flows["id"].isin(names) | flows["good"].isin(names)
    return float(result.layer(layer)[mine.to_numpy()].sum())


TABLES = ("flows", "processes", "stocks", "cohorts", "filling", "checks")
"""The tidy tables of a simulation."""


More = Mapping[str, Sequence["pd.DataFrame"]]
"""Further tables by name, one for each simulation."""


def export(simulations: Sequence[Simulation], folder: str | Path, more: More | None = None) -> list[Path]:
    """Write the tidy tables of every variant as CSV, a column ``variant`` in front; all or none.

    Raises
    ------
    InputError : the folder is a file
    """
    import pandas as pd

    texts = {}
    for name, each in _tables(simulations, more).items():
        frames = []
        for made, table in zip(simulations, each, strict=True):
            frame = table.copy()
            frame.insert(0, "variant", made.scenario.variant)
            frames.append(frame)
        text = pd.concat(frames, ignore_index=True).to_csv(index=False, lineterminator="\n")
        texts[f"{name}.csv"] = "\ufeff" + text
    return write_folder(folder, texts)


def _tables(simulations: Sequence[Simulation], more: More | None) -> dict[str, Sequence[pd.DataFrame]]:
    own = {name: [getattr(made, name) for made in simulations] for name in TABLES}
    return {**own, **(more or {})}


def years_json(simulations: Sequence[Simulation], more: More | None = None) -> dict[str, Any]:
    """The simulations in the documented layout (docs/json.md)."""
    first, each = simulations[0].scenario, _tables(simulations, more)
    return {
        "flowsim_json": FORMAT,
        "kind": "simulation",
        "name": dict(first.name),
        "variants": [
            {
                "id": made.scenario.variant,
                "years": made.years,
                **{name: records(frames[at]) for name, frames in each.items()},
                "notes": made.notes(),
                "origin": made.results[0].origin,
            }
            for at, made in enumerate(simulations)
        ],
    }
