"""Files: read as meant, refused in clear words, written whole or not at all."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import ENOSPC
from math import inf, isnan
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from flowsim import files
from flowsim.errors import InputError, Problem
from flowsim.files import (
    Row,
    inside,
    read_csv,
    read_yaml,
    share,
    whole_file,
    write_bytes,
    write_folder,
    write_text,
)

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of raw bytes or UTF-8 text and gives its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "x.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may write to."""
    with TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read and write everything, so drop its rights for a while."""
    is_root = os.geteuid() == 0
    if is_root:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if is_root:
            os.setresuid(0, 0, 0)


def problems(read: Callable[[Path], object], path: Path) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        read(path)
    assert all(problem.file == str(path) and problem.hint for problem in caught.value.problems)
    return caught.value.problems


def the_problem(read: Callable[[Path], object], path: Path) -> Problem:
    [problem] = problems(read, path)
    return problem


# ---- YAML: values and places ----


@pytest.mark.parametrize(
    "text, value",
    [("no", "no"), ("on", "on"), ("y", "y"), ("true", True), ("False", False), ("12:30", "12:30"),
     ("010", 10), ("0o17", 15), ("0x1F", 31), ("-7", -7), ("+7", 7), ("1e6", 1e6), (".5", 0.5), ("1.", 1.0),
     ("1_000", "1_000"), ("-.inf", -inf), ("2025-01-31", "2025-01-31"), ("80 kt/a", "80 kt/a"), ("~", None),
     ("null", None), ("", None), ("'no'", "no"), ('"1"', "1"), ("''", ""), ("1.2.3", "1.2.3"),
     ("铜城", "铜城"), ("[a, 1, {b: 2}]", ["a", 1, {"b": 2}])],
)  # fmt: skip
def test_plain_values_follow_yaml_1_2(write: Write, text: str, value: object) -> None:
    read = read_yaml(write(f"a: {text}\n"))["a"]
    assert read == value and type(read) is type(value)


def test_nan_is_read(write: Write) -> None:
    assert isnan(read_yaml(write("a: .nan"))["a"])


def test_keys_are_text_as_written(write: Write) -> None:
    assert list(read_yaml(write("2025: 1\non: 1\ncn.rate: 1\n物料: 1\n'~': 1\n"))) == [
        "2025",
        "on",
        "cn.rate",
        "物料",
        "~",
    ]


def test_rows_know_their_file_and_lines(write: Write) -> None:
    path = write("# comment\na: 1\n\nflows:\n  - {good: x,\n     to: y}\n  - good: z\nb:\n  c: 2\n")
    top = read_yaml(path)
    assert (top.file, top.line, top.lines) == (str(path), 2, {"a": 2, "flows": 4, "b": 8})
    assert [row.line for row in top["flows"]] == [5, 7]
    assert top["flows"][0].lines == {"good": 5, "to": 6}
    assert (top["b"].file, top["b"].line) == (str(path), 9)


def test_a_row_survives_pickling() -> None:
    row = pickle.loads(pickle.dumps(Row({"a": 1}, "x.yaml", 3, {"a": 4})))
    assert (row, row.file, row.line, row.lines) == ({"a": 1}, "x.yaml", 3, {"a": 4})


def test_byte_order_mark_and_windows_line_ends_are_taken(write: Write) -> None:
    top = read_yaml(write(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n"))
    assert top == {"a": 1, "b": 2} and top.lines == {"a": 1, "b": 2}


def test_aliases_repeat_values(write: Write) -> None:
    assert read_yaml(write("a: &x {b: [1]}\nc: *x\nd: &y 5\ne: *y\n")) == {
        "a": {"b": [1]},
        "c": {"b": [1]},
        "d": 5,
        "e": 5,
    }


# ---- YAML: refusals ----

REFUSED_YAML = {
    "empty": ("", 0, "The file is empty."),
    "only comments": ("# nothing\n", 0, "The file is empty."),
    "list at the top": ("- a\n", 1, "The file is a list, not keys with values."),
    "text at the top": ("abc\n", 1, "The file is a single value, not keys with values."),
    "second document": ("a: 1\n---\nb: 2\n", 2, "A second document begins here."),
    "double key": ("a: 1\nb: 2\na: 3\n", 3, "The key 'a' is also at line 1."),
    "number and text key": ("2025: 1\n'2025': 3\n", 2, "The key '2025' is also at line 1."),
    "python tag": ("a: !!python/object/apply:os.system [ls]\n", 1, "python/object/apply:os.system is not"),
    "own tag": ("a: !unit 5\n", 1, "The tag !unit is not taken."),
    "unknown tag handle": ("a: !e!x 5\n", 1, "a tag (!) is not taken."),
    "merge key": ("a: &a {b: 1}\nc: {<<: *a}\n", 2, "The merge key << is not taken."),
    "list as key": ("[a]: 1\n", 1, "A list, mapping or alias stands as a key."),
    "mapping as key": ("? {a: 1}\n: 1\n", 1, "A list, mapping or alias stands as a key."),
    "alias as key": ("a: &a b\n*a : 1\n", 2, "A list, mapping or alias stands as a key."),
    "empty key": ("a: 1\n'': 2\n", 2, "A key is empty."),
    "null key": ("~: 2\n", 1, "A key is empty."),
    "anchored key": ("&k a: 1\n", 1, "The key 'a' has an anchor (&)."),
    "unknown alias": ("a: *b\n", 1, "The alias *b has no anchor &b before it."),
    "alias in itself": ("a: &a {b: [*a]}\n", 1, "The alias *a stands in what it repeats."),
    "deep": ("a: " + "[" * 60 + "]" * 60, 1, "Values are nested over 50 deep."),
    "very deep": ("a: " + "[" * 1_000_000, 1, "Values are nested over 50 deep."),
    "deep by alias": (f"a: &a {'[' * 40}{']' * 40}\nb: {'[' * 20}*a{']' * 20}", 2, "nested over 50 deep."),
    "too large a number": ("a: 1e999\n", 1, "The number 1e999 is out of range."),
    "too long a number": ("a: " + "9" * 5000, 1, "A number has 5000 digits."),
    "control character": ("a: 1\nb: \x01\n", 2, "A control character stands in the text."),
    "tab": ("a:\n\tb: 1\n", 2, "at column 1: a tab indents the line."),
    "tab after text": ("a: 1\n\tb: 1\n", 2, "a tab indents the line."),
    "two colons": ("a: b: c\n", 1, "at column 5: a second colon in a value, or wrong indentation."),
    "no colon": ("a: 1\nb\nc: 2\n", 3, "line 2 is not 'key: value'."),
    "open braces": ("a: {b: 1\nc: {d: 1}\n", 2, "the braces { of line 1 lack a comma or the closing }."),
    "open bracket": ("a: [b, 1\nc: 2\n", 2, "the bracket [ of line 1 lacks a comma or the closing ]."),
    "open quote": ("a: 1\nb: 'x\n", 3, "the quote opened at line 2 is never closed."),
    "bad escape": ('a: "C:\\qinzhou"\n', 1, "\\ in double quotes begins no known escape."),
    "reserved sign": ("a: @x\n", 1, "plain text cannot begin with @."),
    "lone star": ("a: * x\n", 1, "plain text cannot begin with *."),
    "open end": ("a: {", 1, "a value is missing, or a bracket too many."),
    "stray bracket": ("a: ]\n", 1, "a value is missing, or a bracket too many."),
    "list beside key": ("a: - b\n", 1, "a list begins on the line of its key."),
    "text after bar": ("a: |x\n", 1, "text after | or > begins on the next line."),
    "misfit": ("a: 1\n- b\n", 2, "the line does not fit what stands above it."),
}  # fmt: skip


@pytest.mark.parametrize("loader", ["C", "Python"])
@pytest.mark.parametrize("case", REFUSED_YAML)
def test_bad_yaml_is_refused_in_plain_words(
    write: Write, case: str, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if loader == "Python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    text, line, message = REFUSED_YAML[case]
    problem = the_problem(read_yaml, write(text))
    assert message in problem.message
    assert problem.line == line


def test_full_width_punctuation_is_named(write: Write) -> None:
    assert "Line 2 has a full-width ：" in the_problem(read_yaml, write("a: 1\nb：2\nc: 3\n")).hint
    assert "write ,." in the_problem(read_yaml, write("a: {b: 1，c: 2}\n")).hint


def test_all_double_keys_are_named_at_once(write: Write) -> None:
    found = problems(read_yaml, write("a: 1\na: 2\nb: {c: 1, c: 2}\nd: !x 1\n"))
    assert [problem.line for problem in found] == [2, 3, 4]


def test_too_many_problems_stop_the_reading(write: Write) -> None:
    found = problems(read_yaml, write("a: 1\n" * 1000))
    assert len(found) == files.MOST_PROBLEMS + 1
    assert found[-1].message == "Too many problems: reading stopped here."


def test_an_alias_bomb_is_refused(write: Write) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    assert the_problem(read_yaml, write(bomb)).message == "The file holds more than 2,000,000 values."


# ---- CSV ----


def test_columns_are_stripped_text(write: Write) -> None:
    table = read_csv(write("id, zh ,amount\nore,矿石, 5 t\n slag,,\n"))
    assert {name: list(column) for name, column in table.columns.items()} == {
        "id": ["ore", "slag"], "zh": ["矿石", ""], "amount": ["5 t", ""],
    }  # fmt: skip
    assert table.columns["id"].dtype == object


def test_lines_are_those_where_records_begin(write: Write) -> None:
    table = read_csv(write('a,b\n1,"two\nlines"\n\n,\n3,"a ""quote"""\n'))
    assert list(table.lines) == [2, 6]
    assert list(table.columns["b"]) == ["two\nlines", 'a "quote"']


def test_excel_files_with_mark_and_windows_line_ends_are_read(write: Write) -> None:
    table = read_csv(write("\ufeffid,名称\r\nore,矿石\r\n"))
    assert list(table.columns) == ["id", "名称"] and list(table.lines) == [2]


def test_a_header_alone_gives_empty_columns(write: Write) -> None:
    table = read_csv(write("a,b\n"))
    assert [len(column) for column in table.columns.values()] == [0, 0] and len(table.lines) == 0


REFUSED_CSV = {
    "empty": ("", 0, "The file is empty."),
    "blank lines": ("\n,,\n", 0, "The file is empty."),
    "numbers first": ("1,2.5\n3,4\n", 1, "The first row holds numbers, not column names."),
    "no name": ("a,,b\n1,2,3\n", 1, "Column 2 has no name."),
    "double name": ("a,b,a\n1,2,3\n", 1, "Columns 1 and 3 are both named 'a'."),
    "long row": ("a,b\n1,2\n1,2,3\n", 3, "The row has 3 cells, and the header 2."),
    "short row": ("a,b\n1\n", 2, "The row has 1 cells, and the header 2."),
    "open quote": ('a,b\n1,2\n3,"x\n5,6\n', 3, "A quote opened in this row is never closed"),
    "text after quote": ('a,b\n1,"x"y\n', 2, "Text stands after a closing quote."),
    "semicolons": ("a;b\n1;2\n", 1, "The columns are separated by semicolons."),
    "tabs": ("a\tb\n1\t2\n", 1, "The columns are separated by tabs."),
    "full-width commas": ("a，b\n1，2\n", 1, "The columns are separated by full-width commas."),
}


@pytest.mark.parametrize("case", REFUSED_CSV)
def test_bad_csv_is_refused_with_its_line(write: Write, case: str) -> None:
    text, line, message = REFUSED_CSV[case]
    problem = the_problem(read_csv, write(text))
    assert message in problem.message
    assert problem.line == line


def test_all_bad_rows_are_named_at_once(write: Write) -> None:
    found = problems(read_csv, write("a,b,b\n1\n1,2,3\n1,2,3,4\n"))
    assert [problem.line for problem in found] == [1, 2, 4]


# ---- files that are not text of the right kind ----

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions or pipes")
both = pytest.mark.parametrize("read", [read_yaml, read_csv])


@both
def test_a_missing_file_brings_near_names(read: Callable, tmp_path: Path) -> None:
    (tmp_path / "nickel_loop.yaml").touch()
    problem = the_problem(read, tmp_path / "nikel_loop.yaml")
    assert problem.message == "There is no such file." and problem.hint == "Did you mean 'nickel_loop.yaml'?"


@both
def test_a_missing_folder_is_named(read: Callable, tmp_path: Path) -> None:
    assert the_problem(read, tmp_path / "no" / "x").message == f"There is no folder '{tmp_path / 'no'}'."


@both
def test_a_folder_is_not_a_file(read: Callable, tmp_path: Path) -> None:
    assert the_problem(read, tmp_path).message == "This is a folder, not a file."


@posix
@both
def test_a_pipe_is_refused_without_waiting(read: Callable, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert the_problem(read, tmp_path / "pipe").message == "This is a device or a pipe, not a file."


@both
def test_a_path_that_no_system_takes_is_refused(read: Callable) -> None:
    assert the_problem(read, Path("a\0b")).message == "The file cannot be read: embedded null byte."
    assert "File name too long" in the_problem(read, Path("a" * 5000)).message


@posix
@both
def test_a_file_without_permission_is_refused(read: Callable, open_folder: Path) -> None:
    path = open_folder / "a"
    path.touch(mode=0)
    with as_nobody():
        problem = the_problem(read, path)
    assert problem.message == "No permission to read this file."


@both
@pytest.mark.parametrize(
    "data, line, message",
    [(b"a,b\n\x00\x01", 2, "This is a binary file, not text: it holds a NUL byte."),
     ("名称: 铜".encode("utf-16"), 0, "The file is UTF-16 text, not UTF-8."),
     (b"PK\x03\x04rest", 0, "This is a workbook or zip file, not text."),
     ("a: 1\n名称: 铜城\n".encode("gbk"), 2, "It looks like GBK"),
     (b"a: 1\nb: caf\xe9\n", 2, "The file is not UTF-8 text.")],
)  # fmt: skip
def test_other_encodings_are_named(
    read: Callable, write: Write, data: bytes, line: int, message: str
) -> None:
    problem = the_problem(read, write(data))
    assert message in problem.message and problem.line == line
    assert "UTF-8" in problem.hint


@pytest.mark.parametrize("read, size, most", [(read_yaml, 200, 50), (read_csv, 600, 500)])
def test_a_huge_file_is_refused_unread(read: Callable, size: int, most: int, tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(size * 1_000_000)
    assert the_problem(read, path).message == f"The file has {size} MB, and at most {most} MB are read."


# ---- writing ----


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "铜\n")
    assert (tmp_path / "a.txt").read_bytes() == "铜\n".encode()
    write_bytes(tmp_path / "a.txt", b"new")
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".xlsx"
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.xlsx"]


def test_a_link_keeps_leading_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_text(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "x"


def write_x(path: Path) -> None:
    write_text(path, "x")


def test_writing_where_nothing_can_be_written_is_refused(tmp_path: Path) -> None:
    assert the_problem(write_x, tmp_path).message == "This is a folder, not a file."
    assert the_problem(write_x, tmp_path / "no" / "x").message == f"There is no folder '{tmp_path / 'no'}'."


@posix
def test_a_protected_file_is_not_replaced(open_folder: Path) -> None:
    path = open_folder / "a"
    path.touch(mode=0o444)
    with as_nobody():
        problem = the_problem(write_x, path)
    assert problem.message == "No permission to write here."


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    def fill_the_disk(path: Path) -> None:
        with whole_file(path) as temporary:
            temporary.write_text("half")
            raise OSError(ENOSPC, "No space left on device")

    problem = the_problem(fill_the_disk, tmp_path / "a")
    assert problem.message == "The file cannot be written: No space left on device."
    assert os.listdir(tmp_path) == []


# ---- places ----


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    """A scenario file in project/scenarios, with project/data beside and secret outside."""
    for folder in ("project/scenarios/own", "project/data", "secret"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "project/data/goods.csv").write_text("id\n")
    (tmp_path / "project/scenarios/leak").symlink_to(tmp_path / "secret")
    (tmp_path / "project/scenarios/loop").symlink_to("loop")
    (tmp_path / "project/scenarios/a.yaml").touch()
    return str(tmp_path / "project/scenarios/a.yaml")


@pytest.mark.parametrize("name", ["../data", "..\\data", "./../data/", "own/../../data"])
def test_a_library_beside_or_above_is_found(scenario: str, name: str, tmp_path: Path) -> None:
    assert inside(scenario, name, 4, "folder") == tmp_path / "project/data"


def test_a_short_path_stays_short(scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "project")
    assert inside("scenarios/a.yaml", "../data/goods.csv", 4, "file") == Path("data/goods.csv")


def test_the_shipped_data_is_inside(scenario: str) -> None:
    way = os.path.relpath(share() / "data", Path(scenario).parent)
    assert inside(scenario, way, 4, "folder") == (share() / "data").resolve()


@pytest.mark.parametrize(
    "name, want, message",
    [("../../secret", "folder", "The path '../../secret' leads outside the project."),
     ("leak", "folder", "The path 'leak' leads outside the project."),
     ("leak/../../..", "folder", "The path 'leak/../../..' leads outside the project."),
     ("/etc", "folder", "'/etc' is not a relative path."),
     ("C:\\data", "folder", "'C:\\data' is not a relative path."),
     ("~/data", "folder", "'~/data' is not a relative path."),
     ("", "folder", "'' is not a relative path."),
     ("loop", "folder", "'loop' is not a relative path."),
     ("a\0b", "file", "'a\0b' is not a relative path."),
     ("../date", "folder", "There is no folder '../date'."),
     ("../data", "file", "'../data' is not a file."),
     ("../data/goods.csv", "folder", "'../data/goods.csv' is not a folder.")],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(scenario: str, name: str, want: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        inside(scenario, name, 4, want)  # type: ignore[arg-type]
    [problem] = caught.value.problems
    assert (problem.message, problem.file, problem.line) == (message, scenario, 4)
    assert problem.hint


def test_a_misspelt_folder_brings_near_names(scenario: str) -> None:
    with pytest.raises(InputError, match="Did you mean 'data'?"):
        inside(scenario, "../dat", 4, "folder")


def test_the_root_of_the_disk_is_never_inside() -> None:
    with pytest.raises(InputError, match="leads outside"):
        inside("/tmp/a.yaml", "../etc", 1, "folder")


def test_a_folder_of_files_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    assert write_folder(tmp_path / "new", {"a.csv": "1", "b.csv": "2"}) == [
        tmp_path / "new" / "a.csv",
        tmp_path / "new" / "b.csv",
    ]
    (tmp_path / "new" / "b.csv").unlink()
    (tmp_path / "new" / "b.csv").mkdir()
    with pytest.raises(InputError, match="This is a folder, not a file"):
        write_folder(tmp_path / "new", {"a.csv": "3", "b.csv": "4"})
    assert (tmp_path / "new" / "a.csv").read_text() == "1"
    with pytest.raises(InputError, match="this is a file, but a folder is wanted"):
        write_folder(tmp_path / "new" / "a.csv", {})


STOPPED = """
import os, signal, sys
seen = []
def stop(event, arguments):
    if event == "open" and ".flowsim-" in str(arguments[0]):
        seen.append(arguments[0])
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(stop)
from flowsim.cli import main
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="a signal to oneself ends a process there")
@pytest.mark.parametrize("is_there", [False, True])
def test_stopping_a_simulation_while_it_writes_leaves_nothing_half_written(
    tmp_path: Path, is_there: bool
) -> None:
    """A real signal, at the third file that is opened."""
    out = tmp_path / "out"
    if is_there:
        out.mkdir()
        (out / "flows.csv").write_text("old")
    command = [sys.executable, "-c", STOPPED, "simulate", str(share() / "scenarios" / "battery_stocks.yaml")]
    done = subprocess.run(
        [*command, "--years", "2018:2020", "--out", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert done.stderr == "flowsim: stopped. No file is half written.\n"
    assert ([path.name for path in out.iterdir()] == ["flows.csv"]) if is_there else not out.exists()
    assert not is_there or (out / "flows.csv").read_text() == "old"
