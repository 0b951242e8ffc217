"""Heat cascade: the least heating and cooling that streams need once they exchange what they can.

The problem table (Linnhoff and Flower, 1978, AIChE J. 24, 633) shifts hot streams down and cold streams up
by half the smallest temperature difference and lets heat run downhill, never up. Utilities at several
levels, streams that must not meet, and who heats whom come from the transshipment model (Papoulias and
Grossmann, 1983, Comput. Chem. Eng. 7, 707), a linear programme on HiGHS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csr_array

from flowsim.errors import Infeasible, InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

STREAM = {
    "id": "",
    "hot": True,
    "supply": np.nan,
    "target": np.nan,
    "duty": np.nan,
    "shift": np.nan,
    "cost": np.nan,
    "zone": "",
    "forbid": (),
}
"""Column of a table of streams → what it holds where it is left out.

``supply`` and ``target`` in °C; ``duty`` in GJ/a (or any one unit of heat), of a utility its limit;
``shift`` in K, what the stream itself adds to the smallest temperature difference (NaN: half of the common
one); ``cost`` per unit of heat, of utilities; ``zone`` groups streams, such as firms; ``forbid`` holds
the ids of streams that it must not meet.
"""

SAME = 1e-9
"""Heat below this share of all duties is nothing."""


@dataclass(frozen=True)
class HeatCascade:
    """What the streams need from outside, where the cascade is tight, and who may heat whom.

    ``grand`` has the columns heat, temperature (shifted °C, falling): the grand composite curve; ``hot``
    and ``cold`` the composite curves with the same columns, temperatures as they are. ``utilities``: id,
    hot, duty, cost. ``matches``: hot, cold, duty, from_zone, to_zone. ``zones``: zone, heating, cooling
    (each zone for itself). Heat is in the unit of the duties. ``penalty`` is what forbidden matches and
    limits of utilities add to the least heating, ``residual`` the relative gap of the heat balance.
    """

    dtmin: float
    heating: float
    cooling: float
    recovered: float
    penalty: float
    pinches: tuple[float, ...]
    grand: pd.DataFrame
    hot: pd.DataFrame
    cold: pd.DataFrame
    utilities: pd.DataFrame
    matches: pd.DataFrame
    zones: pd.DataFrame
    residual: float


def heat_cascade(
    streams: pd.DataFrame, utilities: pd.DataFrame | None = None, *, dtmin: float = 10.0
) -> HeatCascade:
    """Targets, pinch, curves, utilities and one set of matches.

    Parameters
    ----------
    streams : what must be cooled and heated, columns of `STREAM`
    utilities : levels of heating and cooling; a side without any gets one without limit at a fitting
        temperature. With costs the cheapest mix; without, the least in all and then the mildest levels.
    dtmin : the smallest temperature difference between hot and cold, K

    Raises
    ------
    InputError : no stream, or a ``dtmin`` below 0
    Infeasible : the utilities, or the matches that are allowed, cannot serve some stream
    """
    if not len(streams):
        raise InputError(Problem("there is no hot and no cold stream.", hint="State them under `heats:`."))
    if not dtmin >= 0:
        raise InputError(Problem(f"{dtmin:g} K is no smallest temperature difference.", hint="Write 10."))
    streams = _filled(streams)
    table = problem_table(streams, dtmin)
    supplied = _with_utilities(streams, utilities, dtmin)
    programme = _Transshipment(streams, supplied, dtmin)
    duties = programme.utilities()
    matches = programme.matches()
    hot = supplied["hot"].to_numpy()
    heating, cooling = float(duties[hot].sum()), float(duties[~hot].sum())
    is_hot, duty = streams["hot"].to_numpy(), streams["duty"].to_numpy()
    given, taken = duty[is_hot].sum() + heating, duty[~is_hot].sum() + cooling
    return HeatCascade(
        dtmin=dtmin,
        heating=heating,
        cooling=cooling,
        recovered=float(duty[~is_hot].sum() - heating),
        penalty=max(0.0, heating - table.heating),
        pinches=table.pinches,
        grand=_points(table.heat, table.temperature),
        hot=_composite(streams[is_hot], 0.0),
        cold=_composite(streams[~is_hot], table.cooling),
        utilities=supplied[["id", "hot", "cost"]].assign(duty=duties),
        matches=matches,
        zones=_zones(streams, dtmin),
        residual=float(abs(given - taken) / max(given, taken, 1e-300)),
    )


def _filled(streams: pd.DataFrame) -> pd.DataFrame:
    """All columns of `STREAM`, in its order."""
    made = streams.copy()
    for name, default in STREAM.items():
        if name not in made:
            made[name] = [default] * len(made)
    return made[list(STREAM)].reset_index(drop=True)


# ---- the problem table ----


@dataclass(frozen=True)
class ProblemTable:
    """Shifted temperatures (falling), the heat that runs past each, least heating and cooling, pinches."""

    temperature: np.ndarray
    heat: np.ndarray
    heating: float
    cooling: float
    pinches: tuple[float, ...]


def problem_table(streams: pd.DataFrame, dtmin: float) -> ProblemTable:
    """The cascade with utilities that have no limit (Linnhoff and Flower, 1978, the problem table).

    A pinch is an inner temperature that no heat runs past while both heating and cooling are needed; a
    threshold problem, which needs one of them, has none.
    """
    streams = _filled(streams)
    ends = _shifted(streams, dtmin)
    edges = np.unique(ends)[::-1]
    duty = streams["duty"].to_numpy()
    net = _shares(ends, edges) @ np.where(streams["hot"], duty, -duty)
    run = np.concatenate([[0.0], np.cumsum(net)])
    heat = run + max(0.0, -run.min())
    heat[np.abs(heat) <= SAME * duty.sum()] = 0.0
    temperature = np.repeat(edges, 2)
    both = heat[0] > 0 and heat[-1] > 0
    tight = np.unique(temperature[1:-1][heat[1:-1] == 0.0]) if both else np.zeros(0)
    return ProblemTable(
        temperature, heat, float(heat[0]), float(heat[-1]), tuple(float(at) for at in tight[::-1])
    )


def _shifted(streams: pd.DataFrame, dtmin: float) -> np.ndarray:
    """Supply and target of each stream, shifted so that equal temperatures may exchange heat, (n, 2)."""
    shift = np.nan_to_num(streams["shift"].to_numpy(dtype=float), nan=dtmin / 2)
    ends = streams[["supply", "target"]].to_numpy(dtype=float)
    return ends - np.where(streams["hot"], shift, -shift)[:, None]


def _shares(ends: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The part of each stream that lies in each interval, (2 m - 1 intervals, n streams).

    Even intervals are the edges themselves: there lies what condenses or boils at one temperature.
    """
    high, low = ends.max(axis=1), ends.min(axis=1)
    share = np.zeros((2 * len(edges) - 1, len(ends)))
    inside = np.minimum(edges[:-1, None], high) - np.maximum(edges[1:, None], low)
    share[1::2] = np.maximum(inside, 0.0) / np.where(high > low, high - low, 1.0)
    share[::2] = (edges[:, None] == high) & (high == low)
    return share


def _composite(streams: pd.DataFrame, start: float) -> pd.DataFrame:
    """Heat against temperature of all streams of a kind, rising."""
    ends = streams[["supply", "target"]].to_numpy(dtype=float)
    edges = np.unique(ends)[::-1]
    if not len(edges):
        return _points(np.zeros(0), np.zeros(0))
    duty = (_shares(ends, edges) @ streams["duty"].to_numpy())[::-1]
    return _points(start + np.concatenate([[0.0], np.cumsum(duty)]), np.repeat(edges, 2)[::-1])


def _points(heat: np.ndarray, temperature: np.ndarray) -> pd.DataFrame:
    """A curve without the points that say nothing new."""
    import pandas as pd

    return pd.DataFrame({"heat": heat, "temperature": temperature}).drop_duplicates(ignore_index=True)


def _zones(streams: pd.DataFrame, dtmin: float) -> pd.DataFrame:
    """What each zone needs if it exchanges no heat with the others."""
    import pandas as pd

    rows = []
    for zone, part in streams.groupby("zone", sort=True):
        alone = problem_table(part, dtmin)
        rows.append((zone, alone.heating, alone.cooling))
    return pd.DataFrame(rows, columns=["zone", "heating", "cooling"])


# ---- utilities and matches ----


def _with_utilities(streams: pd.DataFrame, utilities: pd.DataFrame | None, dtmin: float) -> pd.DataFrame:
    """The stated utilities; a side that has none gets one without limit, hot or cold enough for all."""
    import pandas as pd

    ends = _shifted(streams, dtmin)
    made = [] if utilities is None or not len(utilities) else [_filled(utilities)]
    for hot, name in ((True, "hot_utility"), (False, "cold_utility")):
        if not made or not (made[0]["hot"] == hot).any():
            at = ends.max() + dtmin if hot else ends.min() - dtmin
            made.append(_filled(pd.DataFrame({"id": [name], "hot": [hot], "supply": [at], "target": [at]})))
    return pd.concat(made, ignore_index=True)


class _Transshipment:
    """``A x = b``: heat of each pair in each interval, heat left below each interval, duties of utilities.

    All in shares of the streams' duties. A hot stream may heat what stands at or below it.
    """

    def __init__(self, streams: pd.DataFrame, utilities: pd.DataFrame, dtmin: float):
        import pandas as pd

        self.all = pd.concat([streams, utilities], ignore_index=True)
        self.count, self.scale = len(streams), float(streams["duty"].sum()) or 1.0
        ends = _shifted(self.all, dtmin)
        edges = np.unique(ends)[::-1]
        share = _shares(ends, edges)
        is_hot = self.all["hot"].to_numpy(dtype=bool)
        self.hot, self.cold = np.flatnonzero(is_hot), np.flatnonzero(~is_hot)
        self._pairs(share)
        self._rows(share)
        self.mildness = np.where(is_hot, 1.0, -1.0)[self.count :] * ends[self.count :].mean(axis=1)

    def _pairs(self, share: np.ndarray) -> None:
        """Which hot stream meets which cold one in which interval."""
        starts = np.argmax(share[:, self.hot] > 0, axis=0)
        below = np.arange(len(share))[:, None] >= starts
        there = share[:, self.cold] > 0
        self.level, row, column = np.nonzero(below[:, :, None] & there[:, None, :] & self._allowed()[None])
        self.pair_hot, self.pair_cold = self.hot[row], self.cold[column]
        self.pair_row, self.pair_column = row, column

    def _allowed(self) -> np.ndarray:
        """Which hot stream may meet which cold one; utilities do not meet each other."""
        place = {name: at for at, name in enumerate(self.all["id"])}
        free = np.ones((len(self.all), len(self.all)), dtype=bool)
        free[self.count :, self.count :] = False
        for at, names in enumerate(self.all["forbid"]):
            others = [place[name] for name in names]
            free[at, others] = free[others, at] = False
        return free[np.ix_(self.hot, self.cold)]

    def _rows(self, share: np.ndarray) -> None:
        """Heat balance of each hot stream in each interval, and of each cold one."""
        levels, pairs = len(share), len(self.level)
        left, below = np.divmod(np.arange(len(self.hot) * (levels - 1)), levels - 1)
        residual = pairs + np.arange(len(left))
        self.utility = pairs + len(left) + np.arange(len(self.all) - self.count)
        first_cold = len(self.hot) * levels
        ones = np.ones(pairs)
        entries = [
            (self.pair_row * levels + self.level, np.arange(pairs), ones),
            (first_cold + self.pair_column * levels + self.level, np.arange(pairs), ones),
            (left * levels + below, residual, np.ones(len(left))),
            (left * levels + below + 1, residual, -np.ones(len(left))),
        ]
        rhs = np.zeros((len(self.all), levels))
        duty = self.all["duty"].to_numpy(dtype=float) / self.scale
        for row, stream in enumerate([*self.hot, *self.cold]):
            if stream < self.count:
                rhs[row] = share[:, stream] * duty[stream]
            else:
                column = np.full(levels, self.utility[stream - self.count])
                entries.append((row * levels + np.arange(levels), column, -share[:, stream]))
        rows, columns, values = (np.concatenate(part) for part in zip(*entries, strict=True))
        size = pairs + len(left) + len(self.utility)
        self.matrix = csr_array(coo_array((values, (rows, columns)), shape=(rhs.size, size)))
        self.rhs = rhs.ravel()
        self.lower, self.upper = np.zeros(size), np.full(size, np.inf)
        self.upper[self.utility] = np.nan_to_num(duty[self.count :], nan=np.inf)
        self.value = np.zeros(size)

    def utilities(self) -> np.ndarray:
        """How much of each utility: at least cost, or least in all; then the mildest levels."""
        cost = self.all["cost"].to_numpy(dtype=float)[self.count :]
        if np.isfinite(cost).any():
            self._minimise(np.nan_to_num(cost), self.utility)
        self._minimise(np.ones(len(cost)), self.utility)
        self._minimise(np.argsort(np.argsort(self.mildness)) + 1.0, self.utility)
        duties = self.value[self.utility] * self.scale
        return np.where(duties > SAME * self.scale, duties, 0.0)

    def matches(self) -> pd.DataFrame:
        """Who heats whom: as little as can be across zones, then as near as can be in temperature."""
        import pandas as pd

        zone = self.all["zone"].to_numpy()
        across = zone[self.pair_hot] != zone[self.pair_cold]
        pairs = np.arange(len(self.level))
        self._minimise(across.astype(float), pairs)
        residual = np.arange(len(pairs), self.utility[0])
        self._minimise(np.ones(len(residual)), residual)
        name = self.all["id"].to_numpy()
        made = pd.DataFrame(
            {
                "hot": name[self.pair_hot],
                "cold": name[self.pair_cold],
                "duty": self.value[pairs] * self.scale,
                "from_zone": zone[self.pair_hot],
                "to_zone": zone[self.pair_cold],
            }
        )
        keys = ["hot", "cold", "from_zone", "to_zone"]
        made = made.groupby(keys, sort=False, as_index=False)["duty"].sum()
        made = made[made["duty"] > SAME * self.scale]
        return made[["hot", "cold", "duty", "from_zone", "to_zone"]].reset_index(drop=True)

    def _minimise(self, cost: np.ndarray, columns: np.ndarray) -> None:
        """Make a sum over some columns least, and keep it there in what follows."""
        from scipy.optimize import linprog

        weights = np.zeros(len(self.lower))
        weights[columns] = cost
        found = linprog(
            weights,
            A_eq=self.matrix,
            b_eq=self.rhs,
            bounds=np.column_stack([self.lower, self.upper]),
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if found.status == 2:
            raise Infeasible(self._unserved())
        if found.status != 0:
            raise Infeasible(Problem(f"HiGHS stopped: {found.message}"))
        self.upper = np.where(found.lower.marginals > 1e-7, self.lower, self.upper)
        self.lower = np.where(found.upper.marginals < -1e-7, self.upper, self.lower)
        self.value = np.maximum(found.x, 0.0)

    def _unserved(self) -> list[Problem]:
        """The streams that stay short of heat, or keep some, when as much as can be is served."""
        from scipy.optimize import linprog
        from scipy.sparse import eye_array, hstack

        size, rows = self.matrix.shape[1], self.matrix.shape[0]
        found = linprog(
            np.append(np.zeros(size), np.ones(rows)),
            A_eq=hstack([self.matrix, eye_array(rows)]),
            b_eq=self.rhs,
            bounds=np.append(np.column_stack([self.lower, self.upper]), [[0.0, np.inf]] * rows, axis=0),
            method="highs",
        )
        lack = found.x[size:].reshape(len(self.all), -1).sum(axis=1) * self.scale
        problems = []
        for row, stream in enumerate([*self.hot, *self.cold]):
            if lack[row] > SAME * self.scale:
                kind = "gives off" if row < len(self.hot) else "needs"
                verb = "take" if row < len(self.hot) else "give"
                name = self.all["id"].iat[stream]
                message = f"`{name}` {kind} {lack[row]:.6g} GJ/a of heat that nothing allowed can {verb}."
                hint = "Add or raise a utility at a fitting temperature, or allow a match."
                problems.append(Problem(message, hint=hint))
        return problems
