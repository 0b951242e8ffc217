"""Numbers with units: what a text means in canonical units, and how a number is shown to people.

Canonical units are t, m3, Nm3, GJ, CNY, km, m2, and a, d, h for time. Each is a dimension of its own.
A rate per year stays per year: nothing is ever converted between a, d and h, so it does not matter
whether a year has 365 or 365.25 days. Power is energy per hour (1 MW = 3.6 GJ/h), standard coal is
energy (1 tce = 29.3076 GJ: 7000 kcal/kg of GB/T 2589, 1 kcal = 4.1868 kJ).

``units.txt`` defines every unit. ``units_known.csv`` lists what pint makes of the common ones, so that
pint is loaded only for the others. After a change of ``units.txt`` run ``python -m flowsim.units``.
"""

from __future__ import annotations

import csv
import difflib
import math
import os
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from flowsim.errors import Problem, UnitError

_DEFINITIONS = Path(__file__).with_name("units.txt")
_KNOWN = Path(__file__).with_name("units_known.csv")


class Quantity(NamedTuple):
    """A value in a canonical unit; the unit is '' for a bare number and '1' for a ratio."""

    value: float
    unit: str


class _Scale(NamedTuple):
    """Canonical value = number * times / over; ``over`` is a power of ten, so that 57 % is exactly 0.57."""

    times: float
    over: float
    unit: str


# --- reading -------------------------------------------------------------------------------------------

_EXAMPLE = "Write one number and one unit, for example 80 kt/a; a range goes into low and high."
_POWERS = "Write powers of ten as 1e4, or 万 before the unit."
_DIGITS = "Write 1200.5 or 1,200.5: a point before decimals, commas only between groups of three digits."
_ORDER = "Put what is multiplied before the first /, for example CNY/t/km."

_NUMBER = re.compile(
    r"\s*([+-]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*"
)
_NAME = r"(?:[%‰]|[A-Za-zµμ\u4e00-\u9fff]+[23]?)"
_UNIT = re.compile(rf"(?:1|{_NAME}(?:\*{_NAME})*)?(?:/{_NAME})*")

_ASCII = str.maketrans({0xFF01 + i: 0x21 + i for i in range(94)} | {"　": " ", "−": "-", "·": "*", "×": "*"})
_RAISED = str.maketrans({"²": "2", "³": "3", "㎡": "m2", "㎥": "m3", "㎞": "km", "㎏": "kg"})

_COUNTS = {
    "百": 1e2, "千": 1e3, "万": 1e4, "十万": 1e5, "百万": 1e6, "千万": 1e7, "亿": 1e8, "十亿": 1e9,
    "百亿": 1e10, "千亿": 1e11, "万亿": 1e12, "thousand": 1e3, "million": 1e6, "billion": 1e9,
}  # fmt: skip
_COUNTED = re.compile(rf"({'|'.join(sorted(_COUNTS, key=len, reverse=True))})(.+)", re.DOTALL)

_REFUSED_FOR = {
    "It can mean several weights: write t (1000 kg), kt or Mt.": "ton tons T mt MT",
    "Write an amount per year (/a), or per day (/d).": "month months 月",
    "Convert it to CNY and put rate and year into the note.": "USD EUR JPY",
    "Write t: the good says what it is.": "CO2 tCO2 CO2e tCO2e",
    "A scale needs a unit, for example 万t or 万元.": "k M 千 万 百万 亿 thousand million billion",
    "Write m3, 万m3 or million m3, for gas Nm3.": "Mm3 km3 方 立方",
    "Write kWh.": "度",
}
_REFUSED = {name: hint for hint, names in _REFUSED_FOR.items() for name in names.split()}


def parse(text: str | float | int) -> Quantity:
    """Read a quantity: '80 kt/a' is (80000.0, 't/a'), '15 %' is (0.15, '1').

    A bare number has the unit ''; the caller decides what that means. Negative numbers pass.
    Raises UnitError (a Problem without file and line) for anything else than one number and one unit.
    """
    if _is_empty(text):
        raise UnitError(Problem("The quantity is empty.", hint=_EXAMPLE))
    return Quantity(*_read(text))


def parse_column(texts: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Read a column of n quantities, each distinct unit once.

    Returns values (n, float64) and canonical units (n, object, str), and for rows that cannot be read
    what is wrong, by index from 0. Empty cells (blank, None, NaN) and bad rows are NaN with unit ''.
    """
    count = len(texts)
    values, units = [math.nan] * count, [""] * count
    problems: dict[int, str] = {}
    for row, text in enumerate(texts):
        if _is_empty(text):
            continue
        try:
            values[row], units[row] = _read(text)
        except UnitError as error:
            problems[row] = str(error)
    return np.array(values, dtype=np.float64), np.array(units, dtype=object), problems


def convert(value: float, unit: str, to: str) -> float:
    """Convert between two unit texts of one dimension. Raises UnitError if they measure different things."""
    given, wanted = _scale(unit), _scale(to)
    if given.unit != wanted.unit:
        raise UnitError(
            Problem(
                f"'{unit}' cannot be converted to '{to}'.",
                hint="They measure different things; a, d and h stay apart, and gas in Nm3 is not m3.",
            )
        )
    return value * given.times / given.over * wanted.over / wanted.times


def _is_empty(cell: object) -> bool:
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _read(cell: object) -> tuple[float, str]:
    """Value and canonical unit of one cell that is not empty."""
    if isinstance(cell, str):
        text = cell if cell.isascii() else cell.translate(_ASCII)
        if match := _NUMBER.match(text):
            unit = text[match.end() :].rstrip()
            scale = _look_up(unit)
            if isinstance(scale, Problem):
                raise UnitError(Problem(f"'{cell.strip()}': {scale.message}", hint=scale.hint))
            digits = match[1]
            value = float(digits.replace(",", "") if "," in digits else digits) * scale.times / scale.over
            if math.isfinite(value) and not unit[:1].isdigit():
                return value, scale.unit
    elif isinstance(cell, (int, float, np.number)) and not isinstance(cell, bool) and math.isfinite(cell):
        return float(cell), ""
    raise UnitError(Problem(f"'{str(cell).strip()}' is no number with a unit.", hint=_EXAMPLE))


def _scale(unit: str) -> _Scale:
    found = _look_up(unit)
    if isinstance(found, Problem):
        raise UnitError(found)
    return found


@lru_cache(maxsize=10_000)
def _look_up(unit: str) -> _Scale | Problem:
    """What a unit text means; failures are kept too, so that a bad column costs one search."""
    if not unit:
        return _Scale(1.0, 1.0, "")
    known = _known()
    text = unit if unit in known else _normal(unit)
    if text in known:
        return known[text]
    if not _UNIT.fullmatch(text):
        return Problem(f"'{unit}' is no unit.", hint=_grammar_hint(unit))
    for name in _names(text):
        if name in _REFUSED:
            return Problem(f"the unit '{name}' is not taken.", hint=_REFUSED[name])
        if _one(name) is None:
            return Problem(
                f"unknown unit '{name}'{_suggestion(name)}", hint="flowsim/units.txt lists all units."
            )
    return _from_pint(text)


def _grammar_hint(unit: str) -> str:
    """The likely cause of a unit text that is not names joined by * and /."""
    if re.search(r"\^|[*x]\s*10|10[⁰¹²³⁴-⁹]|^[¹²³⁴-⁹]", unit):
        return _POWERS
    if unit[0].isdigit() or unit[0] in ",._":
        return _DIGITS
    return _ORDER if re.search(r"/.*\*", unit) else _EXAMPLE


def _normal(unit: str) -> str:
    """One spelling of a unit text: raised digits, spaces and 'per' taken out."""
    text = unit.translate(_ASCII).translate(_RAISED)
    text = re.sub(r"\^(?=[23](?![0-9]))", "", text)
    text = re.sub(r"\s+per\s+|\s*每\s*", "/", text)
    text = re.sub(r"\s*([*/])\s*", r"\1", text.strip())
    return re.sub(rf"({'|'.join(_COUNTS)})\s+", r"\1", text)


def _names(text: str) -> list[str]:
    return [name for name in re.split(r"[*/]", text) if name not in {"", "1"}]


def _suggestion(name: str) -> str:
    names = sorted({each for text in _known() for each in _names(text)})
    same = [each for each in names if each.casefold() == name.casefold()]
    near = same or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else "."


@cache
def _known() -> dict[str, _Scale]:
    with _KNOWN.open(encoding="utf-8", newline="") as file:
        return {
            row["unit"]: _Scale(float(row["times"]), float(row["over"]), row["canonical"])
            for row in csv.DictReader(file)
        }


# --- pint: units that are not in units_known.csv -------------------------------------------------------

_CANONICAL = ("CNY", "t", "m3", "Nm3", "GJ", "m2", "km", "h", "d", "a")
_SIGNS = {"%": "percent", "‰": "permille"}


@cache
def _registry() -> Any:
    """The one pint registry. It holds ``units.txt`` only, so kt is no knot and a year no 365.25 days."""
    import pint

    registry: Any = pint.UnitRegistry(None)
    registry.load_definitions(_DEFINITIONS.read_text(encoding="utf-8").splitlines())
    return registry


@cache
def _defined() -> frozenset[str]:
    """All names of ``units.txt``."""
    return frozenset(_registry())


def _one(name: str) -> Any:
    """One of a named unit as a pint quantity, with or without a count such as 万 before it; or None."""
    name = _SIGNS.get(name, name)
    if name in _defined():
        return _registry().Quantity(1.0, name)
    match = _COUNTED.fullmatch(name)
    if match and match[2] in _defined():
        return _registry().Quantity(_COUNTS[match[1]], match[2])
    return None


def _from_pint(text: str) -> _Scale | Problem:
    """Scale of a unit text whose names are all known; a Problem if a dimension comes out squared."""
    top, *bottom = text.split("/")
    quantity = _registry().Quantity(1.0)
    for name in _names(top):
        quantity *= _one(name)
    for name in bottom:
        quantity /= _one(name)
    quantity = quantity.to_root_units()
    powers = dict(quantity.unit_items())
    if any(abs(power) != 1 for power in powers.values()):
        return Problem(
            f"'{text}' counts one thing twice.",
            hint="Energy is MWh or GJ, power is MW or GJ/h, rates have one /a.",
        )
    factor = Decimal(f"{quantity.magnitude:.15g}")
    shift = max(0, -factor.adjusted())
    return _Scale(float(factor.scaleb(shift)), 10.0**shift, _canonical_text(powers))


def _canonical_text(powers: Mapping[str, float]) -> str:
    top = "*".join(unit for unit in _CANONICAL if powers.get(unit) == 1) or "1"
    return "/".join([top, *(unit for unit in _CANONICAL if powers.get(unit) == -1)])


# --- showing -------------------------------------------------------------------------------------------

Language = Literal["en", "zh"]

_TIME = {"a", "d", "h"}
_HANDY: dict[Language, dict[str, tuple[tuple[float, str], ...]]] = {
    "en": {
        "t": ((1e6, "Mt"), (1e3, "kt"), (1.0, "t"), (1e-3, "kg")),
        "m3": ((1e6, "million m3"), (1e3, "thousand m3"), (1.0, "m3")),
        "Nm3": ((1e6, "million Nm3"), (1e3, "thousand Nm3"), (1.0, "Nm3")),
        "GJ": ((1e6, "PJ"), (1e3, "TJ"), (1.0, "GJ"), (1e-3, "MJ")),
        "CNY": ((1e9, "billion CNY"), (1e6, "million CNY"), (1e3, "thousand CNY"), (1.0, "CNY")),
        "m2": ((1e6, "km2"), (1.0, "m2")),
        "1": ((1e-2, "%"),),
    },
    "zh": {
        "t": ((1e8, "亿吨"), (1e4, "万吨"), (1.0, "吨"), (1e-3, "千克")),
        "m3": ((1e8, "亿立方米"), (1e4, "万立方米"), (1.0, "立方米")),
        "Nm3": ((1e8, "亿标准立方米"), (1e4, "万标准立方米"), (1.0, "标准立方米")),
        "GJ": ((1e8, "亿吉焦"), (1e4, "万吉焦"), (1.0, "吉焦"), (1e-3, "兆焦")),
        "CNY": ((1e8, "亿元"), (1e4, "万元"), (1.0, "元")),
        "m2": ((1e6, "平方公里"), (1.0, "平方米")),
        "1": ((1e-2, "%"),),
    },
}
_CHINESE = {
    "t": "吨", "m3": "立方米", "Nm3": "标准立方米", "GJ": "吉焦", "CNY": "元",
    "m2": "平方米", "km": "公里", "a": "年", "d": "天", "h": "小时",
}  # fmt: skip


def pretty(value: float, unit: str, lang: Language) -> tuple[str, str]:
    """A number in a canonical unit as people write it: 80000 t/a is ('80.0', 'kt/a') or ('8.00', '万吨/年').

    Three significant digits. Amounts, alone or per time, get a handy scale, and a ratio is shown in %;
    prices and intensities such as CNY/t keep their unit. NaN is '–'.
    """
    rounded = float(f"{value:.2e}")
    top, *bottom = unit.split("/")
    size, label = 1.0, _label(top, lang)
    if _TIME.issuperset(bottom) and top in _HANDY[lang]:
        size, label = _handy(rounded, _HANDY[lang][top])
    return _three_digits(rounded / size), "/".join([label, *(_label(each, lang) for each in bottom)])


def _handy(value: float, scales: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    """The largest scale that the value reaches; the canonical unit for nothing and for no number."""
    if value == 0 or not math.isfinite(value):
        return next((scale for scale in scales if scale[0] == 1.0), scales[-1])
    return next((scale for scale in scales if abs(value) >= scale[0]), scales[-1])


def _label(name: str, lang: Language) -> str:
    if lang == "en":
        return name
    return "·".join(_CHINESE.get(each, each) for each in name.split("*"))


def _three_digits(value: float) -> str:
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    text = f"{value:.2e}"
    exponent = int(text.partition("e")[2])
    return f"{value:,.{max(0, 2 - exponent)}f}" if -4 <= exponent < 12 else text


# --- python -m flowsim.units ---------------------------------------------------------------------------

_COMMON_AMOUNTS = {
    ("/a", "/year", "/yr", "/d", "/h", "/年", "/天", "/小时"): "t kg m3 万t 万m3 Nm3 万Nm3 GJ kWh 万kWh",
    ("/a", "/d", "/h"): "kt Mt thousandm3 millionm3",
    ("/a",): "TJ PJ MJ MWh GWh TWh 亿kWh tce 万tce ktce CNY MCNY d h %",
    ("/年", "/天", "/日", "/小时"): "吨 千吨 万吨 立方米 万立方米",
    ("/年",): "百万吨 亿吨 亿立方米 千瓦时 万千瓦时 亿千瓦时 吨标准煤 万吨标准煤 元 万元 亿元 吉焦 万吉焦",
    ("",): "万千瓦 万亩 万公顷 万平方米 1",
    ("/t", "/吨"): "CNY 元 万元 kWh MWh GJ MJ m3 t kg g tce kgce %",
    ("/m3", "/立方米"): "CNY 元 kWh kg g mg t",
    ("/kWh", "/MWh", "/GJ", "/tce"): "CNY 元 kg t",
    ("/Nm3",): "CNY 元 kg g mg MJ",
    ("/L", "/kg"): "mg g MJ kJ m3",
    ("/t/km", "/tkm", "/吨公里"): "CNY 元",
}


def _common() -> list[str]:
    """The unit texts of ``units_known.csv``: every name, and what people put together from them."""
    names = [*_defined(), *_SIGNS]
    made = [
        unit
        for rates, amounts in _COMMON_AMOUNTS.items()
        for amount in amounts.split()
        for unit in _with(amount, rates)
    ]
    return sorted({*names, *made})


def _with(amount: str, rates: tuple[str, ...]) -> list[str]:
    return [amount, *(amount + rate for rate in rates)]


def known_table() -> str:
    """The text of ``units_known.csv`` as pint gives it."""
    rows = [(unit, _from_pint(unit)) for unit in _common()]
    lines = [
        f"{unit},{found.times!r},{found.over:.0f},{found.unit}"
        for unit, found in rows
        if isinstance(found, _Scale)
    ]
    return "\n".join(["unit,times,over,canonical", *lines]) + "\n"


def _write_known() -> None:
    draft = _KNOWN.with_suffix(".tmp")
    draft.write_text(known_table(), encoding="utf-8", newline="\n")
    os.replace(draft, _KNOWN)


if __name__ == "__main__":
    _write_known()
