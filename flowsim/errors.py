"""What can go wrong, as small classes with fields.

Every message says what is wrong, where, and how to mend it. All classes survive pickling, because
their only argument is what they carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


class SheetLine(int):
    """A line that is the row of a sheet; ``column`` is the letters of a cell, '' for the whole row.

    ``sheet`` is named where the file of a place does not name it already.
    """

    column: str
    sheet: str

    def __new__(cls, row: int, column: str = "", sheet: str = "") -> SheetLine:
        line = super().__new__(cls, row)
        line.column, line.sheet = column, sheet
        return line

    @property
    def place(self) -> str:
        sheet = f"sheet {self.sheet}, " if self.sheet else ""
        return sheet + (f"cell {self.column}{int(self)}" if self.column else f"row {int(self)}")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, with its place and the way out.

    ``file`` is the path as the user gave it (of a workbook with the name of the sheet), ``line`` counts
    from 1 (0: the whole file), ``column`` is the column of a table that the problem is about.
    """

    message: str
    file: str = ""
    line: int = 0
    hint: str = ""
    column: str = field(default="", compare=False)

    def __str__(self) -> str:
        at = f", {self.line.place}" if isinstance(self.line, SheetLine) else f":{self.line}"
        place = f"{self.file}{at}: " if self.file and self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.message}" + (f" {self.hint}" if self.hint else "")


def with_cell(problem: Problem, letters: Mapping[str, Mapping[str, str]]) -> Problem:
    """The problem with the cell of its column; ``letters`` are those of the columns of each sheet."""
    if problem.file not in letters or (isinstance(problem.line, SheetLine) and problem.line.column):
        return problem
    return replace(problem, line=SheetLine(problem.line, letters[problem.file].get(problem.column, "")))


class FlowsimError(Exception):
    """The parent of all errors that a user can mend. Carries one or more problems."""

    def __init__(self, problems: list[Problem] | Problem | str):
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        return f"{len(self.problems)} problems:\n" + "\n".join(f"  {problem}" for problem in self.problems)


class InputError(FlowsimError):
    """A file or an argument says something that flowsim cannot take."""


class UnitError(InputError):
    """A number whose unit is unknown, missing or of the wrong dimension."""


class Undetermined(FlowsimError):
    """Nothing fixes some flows. ``problems`` name them and the fact that would."""


class Contradiction(FlowsimError):
    """Facts that cannot all hold. ``problems`` name the smallest conflicting set and the gap."""


class Infeasible(FlowsimError):
    """Limits and capacities leave no answer. ``problems`` say what lacks, and which limits bind."""


class NotClosed(FlowsimError):
    """A balance that should close does not. ``problems`` name the rows and their residuals."""
