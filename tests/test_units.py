"""Units: each means what the field means, a bad one is refused with a way out, and reading is quick."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from flowsim import units
from flowsim.errors import UnitError
from flowsim.units import Quantity, convert, parse, parse_column, pretty

# canonical unit: unit text = value of one; every name of units.txt is here
WORTH = {
    "t": "t=1 tonne=1 tonnes=1 吨=1 kt=1e3 Mt=1e6 Gt=1e9 kg=1e-3 千克=1e-3 公斤=1e-3 g=1e-6 克=1e-6"
    " mg=1e-9 毫克=1e-9 ug=1e-12 μg=1e-12 µg=1e-12 微克=1e-12"
    " 百吨=100 千吨=1e3 万吨=1e4 十万吨=1e5 百万吨=1e6 千万吨=1e7 亿吨=1e8 万t=1e4 billiont=1e9",
    "m3": "m3=1 立方米=1 m^3=1 m³=1 ㎥=1 万m3=1e4 万立方米=1e4 亿立方米=1e8 十亿立方米=1e9"
    " 百亿立方米=1e10 千亿立方米=1e11 万亿立方米=1e12"
    " L=1e-3 l=1e-3 升=1e-3 mL=1e-6 ml=1e-6 毫升=1e-6",
    "Nm3": "Nm3=1 标准立方米=1 标立方米=1 万Nm3=1e4 Nm³=1",
    "GJ": "GJ=1 吉焦=1 J=1e-9 焦=1e-9 kJ=1e-6 千焦=1e-6 MJ=1e-3 兆焦=1e-3 TJ=1e3 太焦=1e3 PJ=1e6 拍焦=1e6"
    " EJ=1e9 万吉焦=1e4 Wh=3.6e-6 kWh=3.6e-3 千瓦时=3.6e-3 千瓦小时=3.6e-3"
    " 万kWh=36 万千瓦时=36 亿kWh=3.6e5 亿千瓦时=3.6e5"
    " MWh=3.6 兆瓦时=3.6 GWh=3.6e3 吉瓦时=3.6e3 TWh=3.6e6 太瓦时=3.6e6"
    " kcal=4.1868e-6 千卡=4.1868e-6 大卡=4.1868e-6 Mcal=4.1868e-3 Gcal=4.1868"
    " tce=29.3076 吨标准煤=29.3076 吨标煤=29.3076 ktce=29307.6 Mtce=29307600 万tce=293076 万吨标准煤=293076"
    " kgce=0.0293076 千克标准煤=0.0293076 千克标煤=0.0293076 公斤标准煤=0.0293076"
    " gce=2.93076e-5 克标准煤=2.93076e-5 克标煤=2.93076e-5",
    "GJ/h": "W=3.6e-6 kW=3.6e-3 千瓦=3.6e-3 万千瓦=36 MW=3.6 兆瓦=3.6 GW=3600 吉瓦=3600",
    "CNY": "CNY=1 RMB=1 yuan=1 元=1 万元=1e4 亿元=1e8 kCNY=1e3 MCNY=1e6",
    "a": "a=1 year=1 years=1 yr=1 年=1",
    "d": "d=1 day=1 days=1 天=1 日=1",
    "h": "h=1 hour=1 hours=1 hr=1 小时=1 时=1 min=0.0166666666666667 分钟=0.0166666666666667"
    " s=0.000277777777777778 秒=0.000277777777777778",
    "km": "km=1 公里=1 千米=1 m=1e-3 米=1e-3 cm=1e-5 厘米=1e-5 mm=1e-6 毫米=1e-6",
    "t*km": "tkm=1 吨公里=1 t*km=1 t·km=1",
    "m2": "m2=1 平方米=1 ha=1e4 公顷=1e4 km2=1e6 平方公里=1e6 平方千米=1e6"
    " mu=666.666666666667 亩=666.666666666667",
    "1": "%=0.01 ％=0.01 percent=0.01 ‰=0.001 permille=0.001 ppm=1e-6 kg/t=1e-3 g/t=1e-6 g/kg=1e-3 t/t=1",
    "t/a": "t/a=1 t/year=1 t/yr=1 吨/年=1 万吨/年=1e4 kt/a=1e3",
    "t/d": "t/d=1 t/day=1 吨/天=1 吨/日=1",
    "t/h": "t/h=1 t/hour=1 吨/小时=1 吨/时=1",
    "t/m3": "mg/L=1e-6 g/L=1e-3 kg/m3=1e-3 mg/m3=1e-9",
    "t/Nm3": "kg/Nm3=1e-3 mg/Nm3=1e-9",
    "GJ/t": "kWh/t=3.6e-3 MJ/kg=1 kJ/kg=1e-3 kgce/t=0.0293076 kW*h/t=3.6e-3",
    "GJ/m3": "kWh/m3=3.6e-3",
    "GJ/Nm3": "MJ/Nm3=1e-3",
    "m3/t": "m3/t=1 L/kg=1",
    "m3/h": "m3/s=3600 L/s=3.6",
    "CNY/t": "CNY/t=1 元/吨=1 万元/吨=1e4 CNY/kg=1e3",
    "CNY/m3": "CNY/m3=1 元/立方米=1",
    "CNY/GJ": "CNY/GJ=1 元/千瓦时=277.777777777778 CNY/MWh=0.277777777777778",
    "CNY/t/km": "CNY/t/km=1 CNY/km/t=1 CNY/tkm=1 元/吨公里=1",
    "1/a": "/a=1 %/a=0.01",
    "h/a": "h/a=1 小时/年=1",
}
UNITS = [(canonical, *pair.split("=")) for canonical, row in WORTH.items() for pair in row.split()]


@pytest.mark.parametrize(("canonical", "unit", "worth"), UNITS, ids=[unit for _, unit, _ in UNITS])
def test_a_unit_means_what_the_field_means(canonical: str, unit: str, worth: str) -> None:
    value, found = parse(f"1 {unit}")
    assert found == canonical
    assert value == pytest.approx(float(worth), rel=1e-14)


def test_every_name_of_the_definitions_is_tested() -> None:
    assert units._defined() <= {unit for _, unit, _ in UNITS}


def test_the_table_of_known_units_is_what_pint_gives() -> None:
    assert units._KNOWN.read_text(encoding="utf-8") == units.known_table()


def test_the_table_of_known_units_leaves_none_out() -> None:
    assert set(units._known()) == set(units._common())


def test_a_canonical_unit_reads_as_itself() -> None:
    for unit in WORTH:
        assert units._scale(unit) == (1.0, 1.0, unit)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("80 kt/a", 80_000.0, "t/a"),
        ("80kt/a", 80_000.0, "t/a"),
        ("  80 kt / a ", 80_000.0, "t/a"),
        ("50 万吨/年", 500_000.0, "t/a"),
        ("50万 吨每年", 500_000.0, "t/a"),
        ("５０ 万吨／年", 500_000.0, "t/a"),
        ("15　％", 0.15, "1"),
        ("1.32e10 kWh/a", 47_520_000.0, "GJ/a"),
        ("1E3 t", 1000.0, "t"),
        ("1,200 t/a", 1200.0, "t/a"),
        ("1,234,567.5 t", 1_234_567.5, "t"),
        ("-5 t", -5.0, "t"),
        ("−5 t", -5.0, "t"),
        ("+.5 t", 0.5, "t"),
        ("5 million m3 per year", 5e6, "m3/a"),
        ("5 m\u00b3\u00a0/\u00a0h", 5.0, "m3/h"),
        ("600 m3/亩", 0.9, "m3/m2"),
        ("80", 80.0, ""),
        (80, 80.0, ""),
        (0.3, 0.3, ""),
        (np.float64(0.3), 0.3, ""),
        (np.int64(3), 3.0, ""),
    ],
)
def test_a_quantity_is_read(text: str | float, value: float, unit: str) -> None:
    assert parse(text) == Quantity(value, unit)


@pytest.mark.parametrize("percent", range(101))
def test_a_percentage_is_the_nearest_number_to_its_fraction(percent: int) -> None:
    assert parse(f"{percent} %").value == float(f"{percent / 100:.2f}")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("80 ktt/a", "'80 ktt/a': unknown unit 'ktt'; did you mean 'kt'?"),
        ("5 kwh", "did you mean 'kWh'?"),
        ("5 万顿", "did you mean '万吨'?"),
        ("5 ts", "unknown unit 'ts'"),
        ("5 qqqqqq", "unknown unit 'qqqqqq'. flowsim/units.txt lists all units."),
        ("5 万万t", "unknown unit '万万t'"),
        ("5 Nm", "did you mean 'Nm3'?"),
        ("5 ton/a", "the unit 'ton' is not taken. It can mean several weights: write t (1000 kg)"),
        ("5 tons", "write t (1000 kg)"),
        ("5 T", "write t (1000 kg)"),
        ("5 mt", "write t (1000 kg)"),
        ("5 t/month", "per year (/a)"),
        ("5 USD/t", "Convert it to CNY"),
        ("5 tCO2/t", "Write t: the good says what it is"),
        ("5 万", "A scale needs a unit"),
        ("5 Mm3", "million m3"),
        ("5 度", "Write kWh"),
        ("5 MW/h", "counts one thing twice. Energy is MWh or GJ"),
        ("5 t/a/a", "counts one thing twice"),
        ("5 m*m", "counts one thing twice"),
        ("10^4 t", "Write powers of ten as 1e4"),
        ("10³ t", "Write powers of ten as 1e4"),
        ("10⁴ t", "Write powers of ten as 1e4"),
        ("1.2×10⁴ t", "Write powers of ten as 1e4"),
        ("1.2 x 10 t", "Write powers of ten as 1e4"),
        ("5 10^4 t", "Write powers of ten as 1e4"),
        ("1.2.3 t", "a point before decimals"),
        ("1,20 t", "a point before decimals"),
        ("1,2000 t", "a point before decimals"),
        ("80 000 t", "a point before decimals"),
        ("1_000 t", "a point before decimals"),
        ("5 CNY/t*km", "before the first /"),
        ("2*3 t", "Write one number and one unit"),
        ("5-10 t", "a range goes into low and high"),
        ("5 t//a", "'t//a' is no unit"),
        ("5 t/", "'t/' is no unit"),
        ("5 k t", "'k t' is no unit"),
        ("5 t/2", "'t/2' is no unit"),
        ("3万5千吨", "'万5千吨' is no unit"),
        ("5 1", "'5 1' is no number with a unit"),
        ("about 5 t", "'about 5 t' is no number with a unit"),
        ("__import__('os')", "is no number with a unit"),
        ("5 __import__('os')", "is no unit"),
        ("nan t", "is no number with a unit"),
        ("inf", "is no number with a unit"),
        ("1e999 t", "is no number with a unit"),
        ("1e308 kt", "is no number with a unit"),
        (math.inf, "is no number with a unit"),
        (True, "'True' is no number with a unit"),
        (np.True_, "'True' is no number with a unit"),
        ([5], "is no number with a unit"),
        ("", "The quantity is empty. Write one number and one unit"),
        ("  ", "The quantity is empty"),
        (None, "The quantity is empty"),
        (math.nan, "The quantity is empty"),
    ],
)
def test_a_bad_quantity_is_refused_with_a_way_out(text: object, part: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse(text)  # type: ignore[arg-type]
    assert part in str(caught.value)
    assert caught.value.problems[0].hint


def test_a_column_gives_values_units_and_problems_by_row() -> None:
    values, found, problems = parse_column(["80 kt/a", "", None, math.nan, " ", 3, "5 ton", "7 %", "5 ton"])
    assert values.dtype == np.float64 and found.dtype == object
    np.testing.assert_array_equal(values, [80_000, *[math.nan] * 4, 3, math.nan, 0.07, math.nan])
    assert found.tolist() == ["t/a", "", "", "", "", "", "", "1", ""]
    assert set(problems) == {6, 8}
    assert problems[6].startswith("'5 ton': the unit 'ton' is not taken.")


def test_a_column_reads_each_row_as_parse_does() -> None:
    texts = [f"{1.7 * row:.3f} {unit}" for row, (_, unit, _) in enumerate(UNITS) if unit != "/a"]
    values, found, problems = parse_column(np.array(texts, dtype=object))  # type: ignore[arg-type]
    assert list(zip(values, found, strict=True)) == [tuple(parse(text)) for text in texts]
    assert not problems


def test_an_empty_column_gives_empty_arrays() -> None:
    values, found, problems = parse_column([])
    assert values.shape == found.shape == (0,) and problems == {}


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (1, "GJ", "kWh", 1000 / 3.6),
        (80_000, "t/a", "万吨/年", 8.0),
        (0.15, "1", "%", 15.0),
        (29.3076, "GJ", "tce", 1.0),
        (3.6, "GJ/h", "MW", 1.0),
    ],
)
def test_a_value_is_converted(value: float, unit: str, to: str, expected: float) -> None:
    assert convert(value, unit, to) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("unit", "to"), [("t", "m3"), ("t/a", "t/d"), ("Nm3", "m3"), ("", "t")])
def test_a_conversion_between_dimensions_is_refused(unit: str, to: str) -> None:
    with pytest.raises(UnitError, match=f"'{unit}' cannot be converted to '{to}'.*different things"):
        convert(1.0, unit, to)


def test_a_conversion_to_an_unknown_unit_is_refused() -> None:
    with pytest.raises(UnitError, match="unknown unit 'ktt'"):
        convert(1.0, "t", "ktt")


@pytest.mark.parametrize(
    ("value", "unit", "en", "zh"),
    [
        (80_000, "t/a", "80.0 kt/a", "8.00 万吨/年"),
        (999.9, "t/a", "1.00 kt/a", "1,000 吨/年"),
        (999_950, "t", "1.00 Mt", "100 万吨"),
        (0.0023, "t/a", "2.30 kg/a", "2.30 千克/年"),
        (1_234_567, "m3/d", "1.23 million m3/d", "123 万立方米/天"),
        (-51_234, "m3", "-51.2 thousand m3", "-5.12 万立方米"),
        (4e8, "Nm3/h", "400 million Nm3/h", "4.00 亿标准立方米/小时"),
        (47_520_000, "GJ/a", "47.5 PJ/a", "4,750 万吉焦/年"),
        (3e9, "CNY/a", "3.00 billion CNY/a", "30.0 亿元/年"),
        (2e6, "m2", "2.00 km2", "2.00 平方公里"),
        (1450, "CNY/t", "1,450 CNY/t", "1,450 元/吨"),
        (0.0561, "t/GJ", "0.0561 t/GJ", "0.0561 吨/吉焦"),
        (12, "km", "12.0 km", "12.0 公里"),
        (12, "t*km/a", "12.0 t*km/a", "12.0 吨·公里/年"),
        (0.57, "1", "57.0 %", "57.0 %"),
        (0, "1", "0 %", "0 %"),
        (0, "t/a", "0 t/a", "0 吨/年"),
        (1e-12, "t", "1.00e-09 kg", "1.00e-09 千克"),
        (1e19, "t", "1.00e+13 Mt", "100,000,000,000 亿吨"),
        (math.nan, "t/a", "– t/a", "– 吨/年"),
        (math.inf, "t", "∞ t", "∞ 吨"),
        (-math.inf, "t", "-∞ t", "-∞ 吨"),
        (80, "", "80.0 ", "80.0 "),
    ],
)
def test_a_number_is_shown_as_people_write_it(value: float, unit: str, en: str, zh: str) -> None:
    assert " ".join(pretty(value, unit, "en")) == en
    assert " ".join(pretty(value, unit, "zh")) == zh


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("unit", list(WORTH))
def test_what_is_shown_reads_back(unit: str, lang: units.Language) -> None:
    for exponent in range(-6, 13):
        value = 1.23 * 10.0**exponent
        number, label = pretty(value, unit, lang)
        again = parse(f"{number} {label.removeprefix('1')}")
        assert again == (pytest.approx(value, rel=5e-3), unit)


def test_common_units_do_not_load_pint() -> None:
    code = (
        "import sys; from flowsim.units import parse, pretty; parse('80 kt/a'); parse('5 元/立方米');"
        " parse('1.2 m³/h'); pretty(1.0, 't/a', 'zh'); print('pint' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
