"""Raw documents in, whole files out.

Reads YAML and CSV into plain values that remember their file and line, and writes files whole or not at
all. This room knows nothing of scenarios: what the keys and columns mean is for the rooms above.
"""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import inf, nan
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from flowsim.errors import InputError, Problem

if TYPE_CHECKING:
    import numpy as np
    import yaml

YAML_BYTES = 50_000_000
CSV_BYTES = 500_000_000
MOST_NODES = 2_000_000
"""Values in one YAML file, each alias counted as often as it is used."""
MOST_NESTED = 50
MOST_PROBLEMS = 50
"""More than this many problems of one file are not worth reading."""

SAVE_AS_UTF8 = "Save it as UTF-8 (Excel: 'CSV UTF-8'; Notepad: 'Save as', encoding UTF-8)."
QUOTE_IT = "Put quotes round the text."
QUOTE_COLON = "Put quotes round a text that holds ': '."
DATA_ONLY = "A scenario is data and never executes: write the plain value, in quotes if it is text."


class Row(dict):
    """A mapping read from a file: its values, and where each came from.

    ``file`` is the path as the user gave it, ``line`` the line where the mapping begins, and ``lines``
    the line of each key. Lines count from 1. A document that was read from a workbook has ``letters``:
    for each sheet (as the file of its rows) the letters of each column; its hidden rows stand in ``hidden``.
    """

    __slots__ = ("file", "hidden", "letters", "line", "lines")

    def __init__(
        self,
        values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        file: str = "",
        line: int = 0,
        lines: dict[str, int] | None = None,
    ):
        super().__init__(values)
        self.file = file
        self.line = line
        self.lines: dict[str, int] = {} if lines is None else lines
        self.letters: Mapping[str, Mapping[str, str]] = {}
        self.hidden: Sequence[str] = ()


@dataclass(frozen=True)
class Table:
    """A CSV file by columns.

    ``columns`` maps each column name to an object array of stripped text, '' where a cell is empty.
    ``lines`` holds the line on which each record begins, as integers of the same length.
    """

    file: str
    columns: dict[str, np.ndarray]
    lines: np.ndarray


class _Problems:
    """Collects what is wrong with one file, to say it all at once."""

    def __init__(self, file: str):
        self.file = file
        self.found: list[Problem] = []

    def add(self, message: str, line: int = 0, hint: str = "") -> None:
        self.found.append(Problem(message, self.file, line, hint))
        if len(self.found) == MOST_PROBLEMS:
            self.stop("Too many problems: reading stopped here.", line, "Mend these first.")

    def stop(self, message: str, line: int = 0, hint: str = "") -> NoReturn:
        """Raise with all that was found, and this last one."""
        raise InputError([*self.found, Problem(message, self.file, line, hint)])

    def settle(self) -> None:
        """Raise if anything was found."""
        if self.found:
            raise InputError(self.found)


# ---- the text of a file ----


def _text(path: str | Path, most_bytes: int, if_larger: str, problems: _Problems) -> str:
    """The text of a regular UTF-8 file of at most ``most_bytes``, a byte order mark removed."""
    return _decoded(read_bytes(path, most_bytes, if_larger), problems)


def read_bytes(path: str | Path, most_bytes: int, if_larger: str) -> bytes:
    """The bytes of a regular file of at most ``most_bytes``; ``if_larger`` is the hint if it has more.

    Raises
    ------
    InputError : it is missing, a folder, a device or a pipe, protected, or too large
    """
    problems = _Problems(str(path))
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            problems.stop("This is a folder, not a file.", hint="Name a file in it.")
        if not stat.S_ISREG(status.st_mode):
            problems.stop("This is a device or a pipe, not a file.", hint="Save the text as a file.")
        if status.st_size > most_bytes:
            size, most = status.st_size / 1e6, most_bytes / 1e6
            problems.stop(f"The file has {size:.0f} MB, and at most {most:.0f} MB are read.", hint=if_larger)
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        problems.stop(*_unreadable(Path(path), error))


def _unreadable(path: Path, error: OSError | ValueError) -> tuple[str, int, str]:
    """Message, line and hint for a file that the system does not open."""
    if isinstance(error, PermissionError):
        return "No permission to read this file.", 0, "Ask its owner, or copy it to your own folder."
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if path.parent.is_dir():
            return "There is no such file.", 0, _did_you_mean(path.name, path.parent)
        return f"There is no folder '{path.parent}'.", 0, "Check the path."
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"The file cannot be read: {reason}.", 0, "Check the path."


def _did_you_mean(name: str, folder: Path) -> str:
    """A hint with the names in ``folder`` that are near ``name``."""
    from difflib import get_close_matches

    try:
        near = get_close_matches(name, os.listdir(folder), n=3)
    except OSError:
        near = []
    return "Did you mean " + " or ".join(f"'{other}'" for other in near) + "?" if near else "Check the path."


def _decoded(data: bytes, problems: _Problems) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        problems.stop("The file is UTF-16 text, not UTF-8.", hint=SAVE_AS_UTF8)
    if data.startswith(b"PK\x03\x04"):
        problems.stop("This is a workbook or zip file, not text.", hint="Export the sheet as CSV UTF-8.")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        problems.stop("This is a binary file, not text: it holds a NUL byte.", line, SAVE_AS_UTF8)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        guess = " It looks like GBK, the encoding of Chinese Windows." if _is_gbk(data) else ""
        problems.stop(f"The file is not UTF-8 text.{guess}", line, SAVE_AS_UTF8)


def _is_gbk(data: bytes) -> bool:
    try:
        return any("\u4e00" <= sign <= "\u9fff" for sign in data.decode("gbk"))
    except UnicodeDecodeError:
        return False


# ---- YAML ----

# Plain scalars of the core schema, YAML 1.2.2 section 10.3.2. PyYAML's own are those of YAML 1.1, which
# reads `no` as false, 12:30 as 750, 010 as 8 and 1e6 as text.
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -inf),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], nan),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_HEX_OR_OCTAL = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_MOST_DIGITS = 250  # in any base, so many digits are within the range of a double
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # what PyYAML counts as the end of a line


def read_yaml(path: str | Path) -> Row:
    """The top mapping of a YAML file.

    Mappings become `Row`, sequences lists, plain scalars null, bool, int, float or text by the core
    schema of YAML 1.2.2 (section 10.3.2). Keys are always text, as written. An alias gives the very
    object of its anchor, so treat what is read as constant.

    Raises
    ------
    InputError : the file cannot be read, is not valid YAML, is not one mapping, repeats a key, uses tags
        or merge keys, has a key that is not text, or goes beyond the limits above. What does not hinder
        further reading (double keys, tags, numbers out of range) is collected and named at once.
    """
    import yaml

    problems = _Problems(str(path))
    text = _text(path, YAML_BYTES, "Put bulk data into CSV files.", problems)
    builder = _Builder(problems)
    # Events, not nodes: depth, size and recursion show before anything is built, and nothing recurses.
    handlers: dict[type, Any] = {
        yaml.DocumentStartEvent: builder.begin_document,
        yaml.MappingStartEvent: builder.begin_mapping,
        yaml.SequenceStartEvent: builder.begin_list,
        yaml.MappingEndEvent: builder.end,
        yaml.SequenceEndEvent: builder.end,
        yaml.ScalarEvent: builder.scalar,
        yaml.AliasEvent: builder.alias,
    }
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        events: Iterator[Any] = yaml.parse(text, Loader=loader)
        for event in events:
            if handle := handlers.get(type(event)):
                handle(event, event.start_mark.line + 1)
    except yaml.reader.ReaderError:
        problems.stop("A control character stands in the text.", _line_of_control(text), "Delete it.")
    except yaml.MarkedYAMLError as error:
        problems.stop(*_syntax(error, text))
    return builder.result(text)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    value: Row | list
    anchor: str | None
    nodes_before: int
    height: int = 1
    key: str | None = None

    def wants_key(self) -> bool:
        return self.key is None and isinstance(self.value, Row)


class _Builder:
    """Builds rows and lists from the events of a YAML parser."""

    def __init__(self, problems: _Problems):
        self.problems = problems
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int, int]] = {}  # value, nodes in it, levels in it
        self.nodes = 0
        self.documents = 0
        self.top: Any = None

    def result(self, text: str) -> Row:
        if not self.documents:
            self.problems.stop("The file is empty.", hint="It should hold lines such as 'key: value'.")
        if not isinstance(self.top, Row):
            what = "a list" if isinstance(self.top, list) else "a single value"
            hint = _full_width(text, 1) or "Write lines such as 'key: value'."
            self.problems.stop(f"The file is {what}, not keys with values.", 1, hint)
        self.problems.settle()
        return self.top

    def begin_document(self, event: yaml.DocumentStartEvent, line: int) -> None:
        self.documents += 1
        if self.documents > 1:
            self.problems.stop("A second document begins here.", line, "Keep one document in a file.")

    def begin_mapping(self, event: yaml.MappingStartEvent, line: int) -> None:
        self._begin(Row(file=self.problems.file, line=line), event, line)

    def begin_list(self, event: yaml.SequenceStartEvent, line: int) -> None:
        self._begin([], event, line)

    def _begin(self, value: Row | list, event: yaml.CollectionStartEvent, line: int) -> None:
        self._check_tag(event, line)
        self._check_not_key(line)
        self._check_depth(len(self.open) + 1, line)
        self.open.append(_Open(value, event.anchor, self.nodes))
        self._count(1, line)

    def end(self, event: yaml.CollectionEndEvent, line: int) -> None:
        done = self.open.pop()
        if done.anchor:
            self.anchors[done.anchor] = (done.value, self.nodes - done.nodes_before, done.height)
        self._put(done.value, done.height)

    def scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        self._check_tag(event, line)
        if self.open and self.open[-1].wants_key():
            self._take_key(self.open[-1], event, line)
            return
        value = self._plain(event.value, line) if event.implicit[0] else event.value
        if event.anchor:
            self.anchors[event.anchor] = (value, 1, 0)
        self._count(1, line)
        self._put(value)

    def alias(self, event: yaml.AliasEvent, line: int) -> None:
        self._check_not_key(line)
        name = event.anchor
        if any(level.anchor == name for level in self.open):
            self.problems.stop(f"The alias *{name} stands in what it repeats.", line, "Write the values out.")
        if name not in self.anchors:
            hint = "Put quotes round a text that begins with *."
            self.problems.stop(f"The alias *{name} has no anchor &{name} before it.", line, hint)
        value, nodes, height = self.anchors[name]
        self._count(nodes, line)
        self._check_depth(len(self.open) + height, line)
        self._put(value, height)

    def _take_key(self, level: _Open, event: yaml.ScalarEvent, line: int) -> None:
        key, lines = event.value, level.value.lines  # type: ignore[union-attr]  # only rows want keys
        is_plain = event.implicit[0]
        if event.anchor:
            self.problems.add(f"The key '{key}' has an anchor (&).", line, "Put anchors before values only.")
        if not key or (is_plain and key == "~"):
            self.problems.add("A key is empty.", line, "Give it a name, or remove the colon.")
        elif is_plain and key == "<<":
            self.problems.add("The merge key << is not taken.", line, "Use a variant instead.")
        elif key in lines:
            self.problems.add(f"The key '{key}' is also at line {lines[key]}.", line, "Keep one of the two.")
        lines.setdefault(key, line)
        level.key = key

    def _put(self, value: Any, height: int = 0) -> None:
        if not self.open:
            self.top = value
            return
        level = self.open[-1]
        level.height = max(level.height, height + 1)
        if isinstance(level.value, Row):
            level.value[level.key] = value
            level.key = None
        else:
            level.value.append(value)

    def _plain(self, text: str, line: int) -> Any:
        """The value of a plain scalar."""
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in "+-.0123456789":
            return text
        if len(text) > _MOST_DIGITS and (_FLOAT.fullmatch(text) or _HEX_OR_OCTAL.fullmatch(text)):
            self.problems.add(f"A number has {len(text)} digits.", line, "Round it, or quote it as text.")
            return nan
        if _INTEGER.fullmatch(text):
            return int(text)
        if _HEX_OR_OCTAL.fullmatch(text):
            return int(text, 0)
        if not _FLOAT.fullmatch(text):
            return text
        if abs(number := float(text)) == inf:
            self.problems.add(f"The number {text} is out of range.", line, "Write a smaller one, or .inf.")
        return number

    def _count(self, nodes: int, line: int) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            hint = "Repeat less by aliases, and put bulk data into CSV files."
            self.problems.stop(f"The file holds more than {MOST_NODES:,} values.", line, hint)

    def _check_depth(self, depth: int, line: int) -> None:
        if depth > MOST_NESTED:
            self.problems.stop(f"Values are nested over {MOST_NESTED} deep.", line, "Check the brackets.")

    def _check_not_key(self, line: int) -> None:
        if self.open and self.open[-1].wants_key():
            self.problems.stop("A list, mapping or alias stands as a key.", line, "Write the key as text.")

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int) -> None:
        if event.tag is not None:
            self.problems.add(f"The tag {event.tag[:60]} is not taken.", line, DATA_ONLY)


# Part of PyYAML's words (of its C or Python parser) → what it means, and the way out. The first that fits.
_MEANING = {
    "tab character": ("a tab indents the line.", "Indent with spaces."),
    "cannot start any token": ("plain text cannot begin with {sign}.", QUOTE_IT),
    "alphabetic or numeric": ("plain text cannot begin with {opening}.", QUOTE_IT),
    "values are not allowed": ("a second colon in a value, or wrong indentation.", QUOTE_COLON),
    "expected ':'": ("line {first} is not 'key: value'.", "Write a colon and a space after the key."),
    "',' or '}'": ("the braces {{ of line {first} lack a comma or the closing }}.", QUOTE_COLON),
    "',' or ']'": ("the bracket [ of line {first} lacks a comma or the closing ].", QUOTE_COLON),
    "end of stream": ("the quote opened at line {first} is never closed.", "Close it after the text."),
    "unknown escape": ("\\ in double quotes begins no known escape.", "Use single quotes, which keep it."),
    "tag": ("a tag (!) is not taken.", DATA_ONLY),
    "node content": ("a value is missing, or a bracket too many.", "Check the brackets and commas."),
    "entries are not allowed": ("a list begins on the line of its key.", "Begin it on the next line."),
    "comment or line break": ("text after | or > begins on the next line.", QUOTE_IT),
    "chomping or indentation": ("text after | or > begins on the next line.", QUOTE_IT),
    "": ("the line does not fit what stands above it.", "Check its indentation, quotes and brackets."),
}


def _syntax(error: yaml.MarkedYAMLError, text: str) -> tuple[str, int, str]:
    """A syntax error in plain words: message, line, hint."""
    mark: Any = error.problem_mark  # the parsers always give one
    opening = error.context_mark or mark
    lines = _BREAK.split(text)
    line = min(mark.line + 1, len(lines))  # the C parser marks an open end one line further
    sign = lines[line - 1][mark.column : mark.column + 1]
    first_sign = lines[min(opening.line, line - 1)][opening.column : opening.column + 1]
    words = "tab character" if sign == "\t" else str(error.problem)
    meaning, hint = next(said for part, said in _MEANING.items() if part in words)
    meaning = meaning.format(first=opening.line + 1, sign=sign, opening=first_sign)
    hint = _full_width(text, line) or hint
    return f"Not valid YAML at column {mark.column + 1}: {meaning}", line, hint


def _full_width(text: str, line: int) -> str:
    """A hint if this line or the one before holds full-width punctuation, as Chinese keyboards write it."""
    half = dict(zip("：，｛｝［］“”", ':,{}[]""', strict=True))
    for number, row in enumerate(_BREAK.split(text)[:line], start=1):
        for sign in row if number >= line - 1 else "":
            if sign in half:
                return f"Line {number} has a full-width {sign}; where it should separate, write {half[sign]}."
    return ""


def _line_of_control(text: str) -> int:
    """The line of the first character that YAML does not take (YAML 1.2.2, production 1)."""
    found = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    return len(_BREAK.split(text[: found.start()])) if found else 0


# ---- CSV ----


def read_csv(path: str | Path) -> Table:
    """A comma-separated file (RFC 4180) with one line of column names. Blank lines are passed over.

    Raises
    ------
    InputError : the file cannot be read, has no or double column names, rows that are too long or too
        short, an open quote, or another separator. All of them are named at once where possible.
    """
    import numpy as np

    problems = _Problems(str(path))
    text = _text(path, CSV_BYTES, "Split it into several files.", problems)
    (header, *rows), (header_line, *lines) = _records(text, problems)
    names = [name.strip() for name in header]
    _check_header(names, header_line, problems)
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            hint = "Put quotes round a cell that holds a comma, and add a comma for each empty cell."
            problems.add(f"The row has {len(row)} cells, and the header {len(names)}.", line, hint)
    problems.settle()
    cells = zip(*rows, strict=True) if rows else [()] * len(names)
    columns = {
        name: np.array([cell.strip() for cell in column], dtype=object)
        for name, column in zip(names, cells, strict=True)
    }
    return Table(problems.file, columns, np.array(lines, dtype=np.int64))


def _records(text: str, problems: _Problems) -> tuple[list[list[str]], list[int]]:
    """All rows that are not blank, and the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    before = 0
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows.append(row)
                lines.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        if "expected after" in str(error):
            hint = 'Write a quote inside a quoted cell twice: "".'
            problems.stop("Text stands after a closing quote.", before + 1, hint)
        message = "A quote opened in this row is never closed, or a cell has over 100,000 signs."
        problems.stop(message, before + 1, "Check the quotes of the row.")
    if not rows:
        problems.stop("The file is empty.", hint="Its first line should name the columns.")
    return rows, lines


def _check_header(names: list[str], line: int, problems: _Problems) -> None:
    for sign, word in {";": "semicolons", "\t": "tabs", "，": "full-width commas"}.items():
        if len(names) == 1 and sign in names[0]:
            problems.stop(f"The columns are separated by {word}.", line, "Save with commas, as CSV UTF-8.")
    if all(_FLOAT.fullmatch(name) for name in names):
        problems.stop("The first row holds numbers, not column names.", line, "Begin with a header line.")
    first: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if not name:
            problems.add(f"Column {place} has no name.", line, "Name it, or delete it with its commas.")
        elif name in first:
            problems.add(f"Columns {first[name]} and {place} are both named '{name}'.", line, "Keep one.")
        first.setdefault(name, place)


# ---- whole files out ----


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path in the same folder, which replaces ``path`` if the block succeeds and else goes.

    Raises
    ------
    InputError : the folder is missing, the file is protected or a folder, or writing fails.
    """
    problems = _Problems(str(path))
    target = Path(os.path.realpath(path))
    _check_writable(target, problems)
    temporary = target.with_name(f".flowsim-{secrets.token_hex(4)}{target.suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        hint = "Check the space on the disk, and close the file where it is open (Excel locks workbooks)."
        problems.stop(f"The file cannot be written: {error.strerror or error}.", hint=hint)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: str | Path) -> None:
    """Refuse a place where nothing can be written before work begins. Raises InputError as `whole_file`."""
    _check_writable(Path(os.path.realpath(path)), _Problems(str(path)))


def _check_writable(target: Path, problems: _Problems) -> None:
    if os.path.isdir(target):
        problems.stop("This is a folder, not a file.", hint="Add a file name.")
    if not os.path.isdir(target.parent):
        problems.stop(f"There is no folder '{target.parent}'.", hint="Make it, or choose another.")
    # A rename would silently replace a write-protected file.
    if not os.access(target if os.path.exists(target) else target.parent, os.W_OK):
        problems.stop("No permission to write here.", hint="Choose another name or folder.")


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises InputError as `whole_file`."""
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text whole or not at all, line ends as in ``text``. Raises InputError as `whole_file`."""
    write_bytes(path, text.encode("utf-8"))


def write_folder(folder: str | Path, texts: Mapping[str, str]) -> list[Path]:
    """Write files of one folder, which is made if it is not there: all of them or none, name → text.

    Raises
    ------
    InputError : the folder is a file, or as `whole_file`
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(Problem("this is a file, but a folder is wanted.", str(folder)))
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            for name, text in texts.items():
                stack.enter_context(whole_file(folder / name)).write_bytes(text.encode("utf-8"))
    except BaseException:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()
        raise
    return [folder / name for name in texts]


# ---- places ----


def share() -> Path:
    """The folder with ``data`` and ``scenarios``: in the installed package, else the source checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "share"
    return installed if installed.is_dir() else package.parent


def inside(base_file: str, name: str, line: int, want: Literal["folder", "file"]) -> Path:
    """The path that ``base_file`` calls ``name`` at ``line``, if it stays in the project.

    Allowed are the folder of ``base_file``, the folder above it (unless that is the root of the disk) and
    the data folder of flowsim, all after following symbolic links. The answer is short (relative to the
    working folder) where ``base_file`` is.

    Raises
    ------
    InputError : the path is absolute, leads outside, does not exist or is not of the wanted kind.
    """
    portable = name.replace("\\", "/")
    home = Path(base_file).absolute().parent.resolve()
    found = _followed(home, portable)
    if found is None:
        hint = f"Name a {want} relative to this file, such as ../data."
        raise InputError(Problem(f"'{name}' is not a relative path.", base_file, line, hint))
    if not any(found.is_relative_to(root) for root in _roots(home)):
        hint = "Name one in the folder of this file or the folder above it; copy the data there if need be."
        raise InputError(Problem(f"The path '{name}' leads outside the project.", base_file, line, hint))
    if not os.path.exists(found):
        hint = _did_you_mean(found.name, found.parent)
        raise InputError(Problem(f"There is no {want} '{name}'.", base_file, line, hint))
    if not (os.path.isdir(found) if want == "folder" else os.path.isfile(found)):
        raise InputError(Problem(f"'{name}' is not a {want}.", base_file, line, f"Name a {want}."))
    is_short = not Path(base_file).is_absolute() and found.is_relative_to(Path.cwd())
    return found.relative_to(Path.cwd()) if is_short else found


def _followed(home: Path, name: str) -> Path | None:
    """Where ``name`` leads from ``home``, or None if it is not a relative path that can be followed."""
    windows = PureWindowsPath(name)
    if not name.strip() or windows.drive or windows.root or name.startswith("~"):
        return None
    try:
        return (home / name).resolve()
    except (OSError, RuntimeError, ValueError):  # a link that leads to itself, a NUL
        return None


def _roots(home: Path) -> list[Path]:
    is_top = home.parent == home.parent.parent
    return [home, (share() / "data").resolve()] + ([] if is_top else [home.parent])
