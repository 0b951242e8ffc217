"""`match`: exchanges that a scenario has not drawn, ranked, each with what it saves and what limits it.

Every residue that leaves is held against every input that could take it (`candidates`); this gives an
estimate by what no longer leaves and what need no longer be bought. The best are then drawn as open links
one at a time, and the scenario is balanced with and without each: the way in which the ledger counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.assemble import assemble
from flowsim.errors import FlowsimError, InputError, Problem
from flowsim.indicators.ledger import SAVED, saved_values
from flowsim.indicators.registry import get
from flowsim.links import with_rows
from flowsim.progress import track
from flowsim.studies import balance
from flowsim.symbiosis.candidates import LIMITS, REJECTED, Screen
from flowsim.symbiosis.money import gain
from flowsim.symbiosis.variant_file import added_rows, extend, free_name
from flowsim.tables import nearest

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.result import Result
    from flowsim.scenario import Scenario
    from flowsim.studies import Study

BY = {"virgin": "virgin_material", **{key: key for key in SAVED if key != "virgin_material"}}
"""What candidates can be ranked by → the saving that is meant."""

ASSUMED = (
    ("Ranked by {by}, those without it last.", "按{by}排序，缺失者居后。"),
    (
        "Each exchange is measured alone, against the same scenario without it; savings do not add up.",
        "每项交换均单独与无该交换的同一情景比较，节约量不可相加。",
    ),
    (
        "Money is the margin at the prices of the price table, before investment and labour.",
        "收益按价格表价格的毛利计算，未计投资与人工。",
    ),
    (
        "Givers and takers are taken to run evenly through the year; quality is judged by contents alone.",
        "假定双方全年均匀运行；质量仅按含量判断。",
    ),
)
FREIGHT = (
    ("Transport is not counted: no `--freight` was given.", "未计运输费用：未给出 `--freight`。"),
    (
        "Transport counts {rate:g} CNY per unit and km between sites, nothing within one; a distance that is "
        "not stated leaves money missing.",
        "运输按站点间每单位每公里{rate:g}元计，同一站点内不计；距离未知时收益缺失。",
    ),
)
CLOSED = (
    "Links that the scenario has drawn are not listed, {closed} of which are closed: `flowsim curve` puts "
    "them in the order of their cost, `flowsim optimise` chooses among them.",
    "情景中已有的链接不再列出，其中{closed}条未开通：`flowsim curve` 按成本排序，"
    "`flowsim optimise` 择优开通。",
)
MOST_TRIED = 3
"""Candidates that are balanced at most, as a multiple of those wanted: some turn out to move nothing."""
ESTIMATED = (
    "Estimates: only what no longer leaves and what need no longer be bought is counted.",
    "估算值：仅计入不再排出的量和不再外购的量。",
)


@dataclass(frozen=True)
class Candidate:
    """One exchange that could be.

    Attributes
    ----------
    link : id of the link that would draw it
    giver, good, taker : who gives what to whom; ``plant`` is the recipe of a taker that would be new
    replaces : the input that it fills, where that is another good
    through, product : treatment on the way, and what it makes for the taker
    amount, unit : of the good, per year
    limit : key of `candidates.LIMITS`
    distance : km, NaN where the scenario does not say
    saved : one number for each key of `SAVED`, in the unit of its indicator; NaN where it is missing
    balanced : the savings come from a balance, else they are estimates
    reason, reason_zh : why money is missing, or nothing
    beside, beside_zh : the next best taker of the same residue, and why it comes after this one
    """

    link: str
    giver: str
    good: str
    taker: str
    plant: str
    replaces: str
    through: str
    product: str
    amount: float
    unit: str
    limit: str
    distance: float
    saved: dict[str, float]
    balanced: bool
    reason: str = ""
    reason_zh: str = ""
    beside: str = ""
    beside_zh: str = ""


@dataclass(frozen=True)
class Matches:
    """The answer of `match`: the best candidates in order, what was rejected, and what was assumed.

    ``found`` counts all candidates; ``rejected`` has the columns from, good, through, to, why.
    """

    scenario: Scenario
    result: Result
    candidates: tuple[Candidate, ...]
    found: int
    rejected: pd.DataFrame
    by: str
    assumed: tuple[tuple[str, str], ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row a candidate, in order."""
        import pandas as pd

        names = [name for name in Candidate.__dataclass_fields__ if name != "saved"]
        rows = [{name: getattr(one, name) for name in names} | one.saved for one in self.candidates]
        return pd.DataFrame(rows, columns=[*names, *SAVED])


def match(
    scenario: Scenario,
    *,
    top: int = 10,
    by: str = "money",
    good: str | None = None,
    process: str | None = None,
    freight: float = float("nan"),
    quick: bool = False,
    study: Study = "auto",
) -> Matches:
    """Candidate exchanges that a scenario has not drawn.

    Parameters
    ----------
    top : how many of the best are balanced and returned
    by : one of `BY`; what candidates are ranked by
    good, process : only this residue, only this giver or taker
    freight : CNY per unit and km; without it transport is not counted
    quick : estimates only, nothing is balanced

    Raises
    ------
    InputError : an unknown ``by``, good or process, a ``freight`` that is negative or without end
    Undetermined, Contradiction, Infeasible : the scenario itself has no answer
    """
    if by not in BY:
        raise InputError(Problem(f"nothing is ranked by `{by}`.", hint=f"Known: {', '.join(BY)}."))
    if freight < 0 or np.isinf(freight):
        raise InputError(
            Problem(f"{freight} CNY per unit and km is no cost of transport.", hint="Write 0.5.")
        )
    result = balance(assemble(scenario), study=study)
    _check_names(result, good, process)
    pairs = Screen(scenario, result, freight).candidates()
    if good:
        pairs = pairs[pairs["good"] == good]
    if process:
        pairs = pairs[(pairs["from"] == process) | (pairs["to"] == process)]
    key = BY[by]
    possible = _ranked(pairs[pairs["rejected"] == ""], key)
    made = _named([_candidate(row) for row in possible[: MOST_TRIED * top].to_dict("records")], scenario)
    best, unused = made[:top], list[Candidate]()
    if not quick:
        best, unused = _balanced(made, scenario, result, top, freight, study)
    best.sort(key=lambda one: (np.isnan(one.saved[key]), -np.nan_to_num(one.saved[key])))
    rejected = _rejections(pairs, unused)
    rest = [_candidate(row) for row in _beside(possible[len(best) + len(unused) :], best)]
    names = _names(scenario, result)
    best = [_with_beside(one, [*best, *rest], rejected, key, names) for one in best]
    closed = int((~scenario.tables["links"]["open"].to_numpy(dtype=bool)).sum())
    assumed = tuple(_assumptions(key, freight, quick, closed))
    return Matches(scenario, result, tuple(best), len(possible), rejected, by, assumed)


def _ranked(possible: pd.DataFrame, key: str) -> pd.DataFrame:
    """Candidates by their estimate, the largest first, those without it last and by amount."""
    order = np.lexsort((-possible["amount"].to_numpy(), -possible[key].fillna(-np.inf).to_numpy()))
    return possible.iloc[order].reset_index(drop=True)


def _beside(possible: pd.DataFrame, best: Sequence[Candidate]) -> list[dict[str, Any]]:
    """The next two takers of each residue that is among the best: one of them is not its own."""
    pairs = {(one.giver, one.good) for one in best}
    ends = zip(possible["from"], possible["good"], strict=True)
    mine = np.array([pair in pairs for pair in ends], dtype=bool)
    return possible[mine].groupby(["from", "good"]).head(2).to_dict("records")


def _rejections(pairs: pd.DataFrame, unused: Sequence[Candidate]) -> pd.DataFrame:
    """Takers that are out of the question, those that a balance has shown first."""
    import pandas as pd

    names = {"from": "from", "good": "good", "through": "through", "to": "to", "rejected": "why"}
    found = pairs.loc[pairs["rejected"] != "", list(names)].rename(columns=names)
    tried = [
        (one.giver, one.good, one.through, one.taker, "no_answer" if one.reason else "unused")
        for one in unused
    ]
    return pd.concat([pd.DataFrame(tried, columns=found.columns), found], ignore_index=True)


def _assumptions(key: str, freight: float, quick: bool, closed: int) -> Iterator[tuple[str, str]]:
    """What the answer rests on, in English and Chinese."""
    if closed:
        en, zh = CLOSED
        yield en.format(closed=closed), zh.format(closed=closed)
    for en, zh in ASSUMED:
        yield en.format(by=SAVED[key][1]), zh.format(by=SAVED[key][2])
    en, zh = FREIGHT[0 if np.isnan(freight) else 1]
    yield en.format(rate=freight), zh.format(rate=freight)
    if quick:
        yield ESTIMATED


def _balanced(
    made: list[Candidate], scenario: Scenario, result: Result, top: int, freight: float, study: Study
) -> tuple[list[Candidate], list[Candidate]]:
    """The first candidates that move something when they are drawn, and those before them that do not."""
    base, best, unused = saved_values(result), list[Candidate](), list[Candidate]()
    for one in track(made, "balancing"):
        found = _measured(one, scenario, result, base, freight, study)
        (best if found.amount > 0 else unused).append(found)
        if len(best) == top:
            break
    return best, unused


def _check_names(result: Result, good: str | None, process: str | None) -> None:
    for name, frame, what in (
        (good, result.system.goods, "good"),
        (process, result.system.processes, "process"),
    ):
        if name is not None and name not in set(frame["id"]):
            hint = nearest(name, frame["id"]) or "`flowsim run --all` lists what is there."
            raise InputError(Problem(f"there is no {what} `{name}` in the scenario.", hint=hint))


def _candidate(row: dict[str, Any]) -> Candidate:
    reason = ("", "")
    if np.isnan(row["money"]):
        reason = ("a price or a distance is missing", "缺少价格或距离")
    return Candidate(
        link="", giver=row["from"], good=row["good"], taker=row["to"], plant=row["plant"],
        replaces=row["slot"] if row["slot"] != row["product"] else "", through=row["through"],
        product=row["product"], amount=float(row["amount"]), unit=f"{row['unit']}/a", limit=row["limit"],
        distance=float(row["distance"]), saved={key: float(row[key]) for key in SAVED}, balanced=False,
        reason=reason[0], reason_zh=reason[1],
    )  # fmt: skip


def _named(made: list[Candidate], scenario: Scenario) -> list[Candidate]:
    """The candidates with link ids that nothing else has."""
    taken = {*scenario.tables["flows"]["id"], *scenario.tables["links"]["id"]}
    out = []
    for one in made:
        plain = f"{one.good}_{one.giver}_to_{one.taker}" + (f"_by_{one.through}" if one.through else "")
        name, count = plain, 1
        while name in taken:
            count += 1
            name = f"{plain}_{count}"
        taken.add(name)
        out.append(replace(one, link=name))
    return out


def rows_of(one: Candidate, freight: float = float("nan")) -> dict[str, dict[str, dict[str, Any]]]:
    """The rows that draw a candidate: table → id → columns, amounts in canonical units."""
    link: dict[str, Any] = {"good": one.good, "from": one.giver, "to": one.taker, "open": True}
    link["limit"] = float(f"{one.amount:.9g}")
    if one.through:
        link |= {"through": one.through, "becomes": one.product}
    if np.isfinite(freight) and np.isfinite(one.distance) and one.distance > 0:
        link |= {"freight": freight, "distance": one.distance}
    rows: dict[str, dict[str, dict[str, Any]]] = {"links": {one.link: link}}
    if one.plant:
        rows["processes"] = {one.taker: {"recipe": one.plant}}
    return rows


def with_candidates(
    scenario: Scenario, chosen: Sequence[Candidate], freight: float = float("nan")
) -> Scenario:
    """The scenario with these candidates drawn as open links, and the new plants that they need."""
    tables = dict(scenario.tables)
    for one in chosen:
        for name, rows in rows_of(one, freight).items():
            new = [{"id": key} | row for key, row in rows.items() if key not in set(tables[name]["id"])]
            extra = {"limit_of": "", "file": scenario.file} if name == "links" else {"file": scenario.file}
            tables[name] = with_rows(tables[name], name, [row | extra for row in new])
    return replace(scenario, tables=tables)


def _measured(
    one: Candidate, scenario: Scenario, result: Result, base: dict[str, float], freight: float, study: Study
) -> Candidate:
    """A candidate with its savings from a balance, or the reason why there is none."""
    try:
        other = balance(assemble(with_candidates(scenario, [one], freight)), study=study)
    except FlowsimError as error:
        return replace(one, amount=0.0, balanced=True, reason=error.problems[0].message)
    values = saved_values(other)
    saved = {key: SAVED[key][3] * _change(base[key], values[key]) + 0.0 for key in SAVED}
    saved["money"], lacking = gain(result, other)
    reason = ("", "")
    if lacking:
        reason = (f"no price for {', '.join(lacking)}", f"缺少价格：{'、'.join(lacking)}")
    elif np.isfinite(freight) and np.isnan(one.distance):
        saved["money"], reason = float("nan"), ("the distance is not stated", "缺少运输距离")
    at = np.flatnonzero((other.system.flows["id"] == one.link).to_numpy())
    moved = float(other.amounts[at[0]])
    return replace(one, saved=saved, amount=moved, balanced=True, reason=reason[0], reason_zh=reason[1])


def variant_text(chosen: Matches, name: str, freight: float = float("nan")) -> str:
    """The candidates as a variant of the scenario, YAML two spaces in."""
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for one in chosen.candidates:
        for table, named in rows_of(one, freight).items():
            for key, row in named.items():
                said = dict(row)
                if table == "links":
                    said["limit"] = f"{row['limit']!r} {one.unit}"
                    said |= {"note": f"found by match: {LIMITS[one.limit][0]}"}
                if "freight" in said:
                    said["freight"] = f"{freight!r} CNY/{one.unit.removesuffix('/a')}/km"
                    said["distance"] = f"{row['distance']!r} km"
                rows.setdefault(table, {})[key] = said
    lines = [f"  {name}:", '    name: {en: "Matched exchanges", zh: "匹配的交换"}']
    lines += [f"    base: {chosen.scenario.variant}"] if chosen.scenario.variant else []
    return "\n".join([*lines, *added_rows(rows)]) + "\n"


def write(chosen: Matches, path: str | Path, freight: float = float("nan")) -> str:
    """Write the scenario with the candidates as a variant, all open at once; returns the variant's name.

    Raises
    ------
    InputError : as `variant_file.extend`, or no candidate to write
    Undetermined, Contradiction, Infeasible : the candidates together leave no answer
    """
    if not chosen.candidates:
        hint = "Loosen `--good` or `--process`."
        raise InputError(Problem("there is no candidate to write.", chosen.scenario.file, hint=hint))
    balance(assemble(with_candidates(chosen.scenario, chosen.candidates, freight)))
    name = free_name(chosen.scenario, "matched")
    extend(chosen.scenario, path, variant_text(chosen, name, freight))
    return name


def _change(before: float, after: float) -> float:
    """A difference of two balances without its rounding."""
    change = after - before
    return 0.0 if abs(change) <= 1e-9 * max(abs(before), 1.0) else change


def _names(scenario: Scenario, result: Result) -> dict[str, tuple[str, str]]:
    """English and Chinese name of each taker, new plants by the name of their recipe."""
    processes, recipes = result.system.processes, scenario.tables["recipes"]
    heads = recipes[recipes["role"] == "reference"][["recipe", "en", "zh"]].to_numpy()
    new = {f"new_{recipe}": (f"new: {en or recipe}", f"新建：{zh or recipe}") for recipe, en, zh in heads}
    return new | {name: (en, zh) for name, en, zh in processes[["id", "en", "zh"]].to_numpy()}


def _with_beside(
    one: Candidate,
    made: Sequence[Candidate],
    rejected: pd.DataFrame,
    key: str,
    names: Mapping[str, tuple[str, str]],
) -> Candidate:
    """The next best taker of the same residue: how far behind it is, or why it was rejected."""
    later = [
        other
        for other in made[made.index(one) + 1 :]
        if (other.giver, other.good) == (one.giver, one.good) and other.taker != one.taker
    ]
    if later:
        said = _behind(one, later[0], key)
        taker = names[later[0].taker]
    else:
        out = rejected[(rejected["from"] == one.giver) & (rejected["good"] == one.good)]
        out = out[out["to"] != one.taker]
        if out.empty:
            return replace(one, beside="no other taker fits", beside_zh="无其他适用接收方")
        said, taker = REJECTED[out.iloc[0]["why"]], names[out.iloc[0]["to"]]
    return replace(one, beside=f"{taker[0]}: {said[0]}", beside_zh=f"{taker[1]}：{said[1]}")


def _behind(one: Candidate, other: Candidate, key: str) -> tuple[str, str]:
    """What another taker saves less than this one, or why that is not known."""
    behind = one.saved[key] - other.saved[key]
    if not np.isfinite(behind):
        return other.reason or "not known", other.reason_zh or "未知"
    limit, limit_zh = LIMITS[other.limit]
    size = f"{abs(behind):,.0f}" if abs(behind) >= 100 else f"{abs(behind):.3g}"
    unit = get(SAVED[key][0]).unit
    less, less_zh = ("less", "少") if behind >= 0 else ("more by the estimate, less certain", "多（估算）")
    return (
        f"saves about {size} {unit} {less} ({limit})",
        f"约{less_zh}{size} {unit.replace('CNY', '元')}（{limit_zh}）",
    )
