"""`stress`: every partner lost or cut in turn, and what the others, the links and the indicators then do.

The system is not read or assembled again: bounds and stated amounts of the partner are lowered, and the merit
order balances the rest. What no remaining supplier or way out can take over leaves no answer; then the
message of the balance says what lacks and what bounds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, vstack

from flowsim.errors import FlowsimError, InputError, Problem
from flowsim.indicators.registry import Value, evaluate
from flowsim.progress import track
from flowsim.result import FORMAT, Result, finite
from flowsim.studies import balance
from flowsim.system import System
from flowsim.tables import nearest

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.studies import Study

MOST_FLOWS = 5
"""Flows that are named for one case, on either side."""
CHANGED = 1e-6
"""A flow changed if it moved by more than this share of the largest flow in its unit; so do values."""


@dataclass(frozen=True)
class Move:
    """A flow that is not the same without the partner; amounts in the unit of its good per year."""

    flow: str
    en: str
    zh: str
    before: float
    after: float
    unit: str
    link: bool


@dataclass(frozen=True)
class Case:
    """One partner lost or cut.

    Attributes
    ----------
    values : the chosen indicators, empty where there is no answer
    harm : the largest worsening of an indicator as a share of its value, and which one it is
    kept : mean over the open links of the share of their amount that still flows
    stepped_in, suffered : flows of others that carry more, and that carry less, the largest change first
    firms : change of the value added of each firm, CNY/a; NaN where a price lacks
    reason : what lacks, where there is no answer
    """

    partner: str
    en: str
    zh: str
    values: tuple[Value, ...] = ()
    harm: float = float("nan")
    worst: str = ""
    kept: float = float("nan")
    stepped_in: tuple[Move, ...] = ()
    suffered: tuple[Move, ...] = ()
    firms: tuple[tuple[str, float], ...] = ()
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Stress:
    """The answer of `stress`: the base, and the cases from the worst to the most harmless.

    Cases without an answer come first, then by `Case.harm`. ``stopped`` says that the user ended it early.
    """

    base: Result
    values: tuple[Value, ...]
    cases: tuple[Case, ...]
    cut: float
    boundary: str
    stopped: bool = False

    @property
    def table(self) -> pd.DataFrame:
        """One row a case: rank, partner, harm, worst indicator, share of links kept, indicators, reason."""
        import pandas as pd

        rows = []
        for rank, case in enumerate(self.cases, 1):
            row: dict[str, Any] = {"rank": rank, "partner": case.partner, "en": case.en, "zh": case.zh}
            row |= {"harm": case.harm, "worst": case.worst, "links_kept": case.kept}
            row |= {value.indicator.id: value.value for value in case.values} | {"reason": case.reason}
            rows.append(row)
        ids = [value.indicator.id for value in self.values]
        columns = ["rank", "partner", "en", "zh", "harm", "worst", "links_kept", *ids, "reason"]
        return pd.DataFrame(rows, columns=columns)

    def as_json(self) -> dict[str, Any]:
        """The answer in the documented layout (docs/json.md)."""
        return {
            "flowsim_json": FORMAT,
            "kind": "stress",
            "name": dict(self.base.system.about["name"]),
            "variant": self.base.system.about["variant"],
            "cut": self.cut,
            "boundary": self.boundary,
            "stopped": self.stopped,
            "base": {value.indicator.id: finite(value.value) for value in self.values},
            "cases": [_case_json(case) for case in self.cases],
            "origin": self.base.origin,
        }


def _case_json(case: Case) -> dict[str, Any]:
    return {
        "partner": case.partner,
        "en": case.en,
        "zh": case.zh,
        "harm": finite(case.harm),
        "worst": case.worst or None,
        "links_kept": finite(case.kept),
        "values": {value.indicator.id: finite(value.value) for value in case.values},
        "stepped_in": [vars(move) for move in case.stepped_in],
        "suffered": [vars(move) for move in case.suffered],
        "firms": {name: finite(change) for name, change in case.firms},
        "reason": case.reason or None,
    }


def stress(
    system: System,
    *,
    remove: Sequence[str] | None = None,
    cut: float = 1.0,
    names: str | Sequence[str] = "first",
    boundary: str = "park",
    study: Study = "auto",
) -> Stress:
    """Every partner lost (or cut) in turn.

    Parameters
    ----------
    remove : processes, or ``firm:ID`` for all of a firm; without it every process at an end of an open link
        that carries something
    cut : the share that is lost, 1 for the whole partner
    names : the indicators that are watched

    Raises
    ------
    InputError : an unknown partner or indicator, a cut outside 0 to 1, or no open link
    Undetermined, Contradiction, Infeasible : the system itself has no answer
    """
    if not 0 < cut <= 1:
        raise InputError(Problem("a cut is more than 0 and at most 100 %.", hint="Write `--cut 50 %`."))
    base = balance(system, study=study)
    values = tuple(evaluate(base, names, boundary))
    partners = _partners(base, remove)
    before = _firm_values(base)
    cases, stopped = [], False
    try:
        for name, members in track(partners, "stress"):
            cases.append(_case(base, values, before, name, members, cut, boundary, study))
    except KeyboardInterrupt:
        stopped = True
    cases.sort(key=lambda case: (not case.reason, -np.nan_to_num(case.harm), case.partner))
    return Stress(base, values, tuple(cases), cut, boundary, stopped)


def _partners(base: Result, remove: Sequence[str] | None) -> list[tuple[str, np.ndarray]]:
    """Each partner with the positions of its processes."""
    processes, flows = base.system.processes, base.system.flows
    ids, firms = (processes[name].to_numpy(dtype=object) for name in ("id", "firm"))
    inside = ~processes["outside"].to_numpy(dtype=bool)
    if remove is None:
        carried = (flows["how"] == "link").to_numpy() & (np.nan_to_num(base.amounts) > 0)
        ends = np.unique(flows.loc[carried, ["from_at", "to_at"]].to_numpy())
        plants = inside & (processes["kind"] != "pool").to_numpy()
        chosen = [(str(ids[at]), np.array([at])) for at in ends if plants[at]]
        if not chosen:
            hint = "Choose a variant with open links, or name processes with `--remove`."
            raise InputError(Problem("no open link carries anything.", base.system.about["file"], hint=hint))
        return chosen
    chosen = []
    for name in remove:
        kind, _, firm = name.partition(":")
        members = np.flatnonzero(inside & ((firms == firm) if kind == "firm" and firm else (ids == name)))
        if not len(members):
            known = [*ids[inside], *(f"firm:{firm}" for firm in sorted(set(firms[inside]) - {""}))]
            hint = nearest(name, known) or "Name a process, or a firm as firm:ID."
            raise InputError(Problem(f"there is no partner `{name}`.", base.system.about["file"], hint=hint))
        chosen.append((name, members))
    return chosen


def without(base: Result, members: np.ndarray, cut: float) -> System:
    """The system of a result with some processes cut to a share of what they did in it.

    Stated amounts of their flows and activities, and what they must carry at least, shrink alike. A process
    without a recipe takes in at most that share; one that is lost has no flows at all.
    """
    system, left = base.system, 1.0 - cut
    flows, count = system.flows, len(system.flows)
    into = np.isin(flows["to_at"].to_numpy(), members)
    touching = np.flatnonzero(into | np.isin(flows["from_at"].to_numpy(), members))
    is_activity = (system.unknown_kind == "activity") & np.isin(system.unknown_at, members)
    own = np.concatenate([touching, np.flatnonzero(is_activity)])
    lower, upper, rhs = system.lower.copy(), system.upper.copy(), system.rhs.copy()
    lower[own] *= left
    upper[is_activity] = np.minimum(upper[is_activity], left * np.nan_to_num(base.x[is_activity]))
    given = np.flatnonzero(system.rows.kind == "given")
    rhs[given[np.isin(system.matrix[given].indices, own)]] *= left
    changed = replace(system, lower=lower, upper=upper, rhs=rhs)
    if left == 0:
        upper[touching] = 0.0
        return changed
    plain = np.setdiff1d(members, system.unknown_at[is_activity])
    if not len(plain):
        return changed
    at = flows["to_at"].to_numpy()
    rows = np.searchsorted(plain, at[np.isin(at, plain)])
    columns = np.flatnonzero(np.isin(at, plain))
    shape = (len(plain), system.matrix.shape[1])
    most = csr_array((np.ones(len(columns)), (rows, columns)), shape=shape)
    labels = {
        name: np.concatenate([array, _label(name, array, plain)])
        for name, array in vars(system.upper_rows).items()
    }
    return replace(
        changed,
        upper_matrix=csr_array(vstack([system.upper_matrix, most])),
        upper_rhs=np.append(system.upper_rhs, left * (most[:, :count] @ np.nan_to_num(base.amounts))),
        upper_rows=replace(system.upper_rows, **labels),
    )


def _label(name: str, array: np.ndarray, processes: np.ndarray) -> np.ndarray:
    """Labels of the added limits: what they are about, nothing stated."""
    if name == "process":
        return processes
    blank = {"kind": "limit", "layer": "base", "flow": -1, "good": -1, "line": 0, "datum": -1}
    fallback: Any = np.nan if array.dtype.kind == "f" else ""
    return np.full(len(processes), blank.get(name, fallback), dtype=array.dtype)


def _case(
    base: Result,
    values: tuple[Value, ...],
    before: dict[str, float],
    name: str,
    members: np.ndarray,
    cut: float,
    boundary: str,
    study: Study,
) -> Case:
    table = base.system.processes
    one = len(members) == 1 and not name.startswith("firm:")
    en, zh = (str(table[lang].iloc[members[0]]) if one else name for lang in ("en", "zh"))
    try:
        result = balance(without(base, members, cut), study=study)
    except FlowsimError as error:
        return Case(name, en, zh, reason="; ".join(problem.message.rstrip(".") for problem in error.problems))
    found = tuple(evaluate(result, [value.indicator.id for value in values], boundary))
    harm, worst = _harm(values, found)
    stepped_in, suffered = _moves(base, result, members)
    after = _firm_values(result)
    firms = tuple((firm, _changed(value, after[firm])) for firm, value in before.items())
    kept = _kept(base, result)
    return Case(name, en, zh, found, harm, worst, kept, stepped_in, suffered, firms)


def _changed(before: float, after: float) -> float:
    """A change, 0 where it is only rounding."""
    change = after - before
    return 0.0 if abs(change) <= CHANGED * abs(before) else change


def _harm(before: Sequence[Value], after: Sequence[Value]) -> tuple[float, str]:
    """The largest worsening of an indicator as a share of its value; 0 where none is worse."""
    worst, name = 0.0, ""
    for one, other in zip(before, after, strict=True):
        sense = {"more": -1.0, "less": 1.0}.get(one.indicator.better, 0.0)
        if one.value and np.isfinite(one.value) and np.isfinite(other.value):
            worse = sense * (other.value - one.value) / abs(one.value)
            if worse > worst + CHANGED:
                worst, name = worse, one.indicator.id
    return float(worst), name


def _kept(base: Result, result: Result) -> float:
    links = np.flatnonzero(
        (base.system.flows["how"] == "link").to_numpy() & (np.nan_to_num(base.amounts) > 0)
    )
    if not len(links):
        return float("nan")
    return float(np.minimum(np.nan_to_num(result.amounts[links]) / base.amounts[links], 1.0).mean())


def _moves(base: Result, result: Result, members: np.ndarray) -> tuple[tuple[Move, ...], tuple[Move, ...]]:
    """Flows of others that carry more and less: links first, then by their change in their unit."""
    flows, goods = base.system.flows, base.system.goods
    others = ~flows["from_at"].isin(members).to_numpy() & ~flows["to_at"].isin(members).to_numpy()
    change = np.where(others, np.nan_to_num(result.amounts - base.amounts), 0.0)
    kind = goods["unit"].to_numpy(dtype=object)[flows["good_at"].to_numpy()]
    usual = np.abs(np.nan_to_num(base.amounts))
    share = np.zeros(len(change))
    for unit in set(kind):
        share[kind == unit] = change[kind == unit] / max(float(usual[kind == unit].max()), 1e-300)
    link = (flows["how"] == "link").to_numpy()
    sides = []
    for sign in (1.0, -1.0):
        order = np.lexsort((np.arange(len(share)), -sign * share, ~link))
        named = [at for at in order if sign * share[at] > CHANGED][:MOST_FLOWS]
        sides.append(tuple(_move(base, result, int(at), bool(link[at])) for at in named))
    return sides[0], sides[1]


def _move(base: Result, result: Result, flow: int, link: bool) -> Move:
    system = base.system
    row = system.flows.iloc[flow]
    en, zh = (str(row[lang]) or system.flow_name(flow, lang) for lang in ("en", "zh"))
    unit = f"{system.goods['unit'].iloc[int(row['good_at'])]}/a"
    return Move(str(row["id"]), en, zh, float(base.amounts[flow]), float(result.amounts[flow]), unit, link)


def _firm_values(result: Result) -> dict[str, float]:
    """Value added of each firm, CNY/a; NaN where a price lacks."""
    processes = result.system.processes
    used = np.union1d(result.system.flows["from_at"], result.system.flows["to_at"])
    firms = sorted(set(processes["firm"].iloc[used]) - {""})
    return {firm: evaluate(result, ["general.value_added"], f"firm:{firm}")[0].value for firm in firms}
