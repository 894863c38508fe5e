"""What a run found, against the budget, as Markdown and on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verdict:
    """One line of the budget. `least` and `aim` are in the unit of `value`; `at_most` turns them round."""

    what: str
    against: str
    value: float
    unit: str
    least: float
    aim: float | None = None
    at_most: bool = False

    def reaches(self, bound: float) -> bool:
        return self.value <= bound if self.at_most else self.value >= bound

    @property
    def word(self) -> str:
        if not self.reaches(self.least):
            return "**missed**"
        return "aim reached" if self.aim is not None and self.reaches(self.aim) else "passed"

    def cells(self) -> list[str]:
        aim = "" if self.aim is None else _amount(self.aim, self.unit)
        return [
            self.what,
            self.against,
            _amount(self.value, self.unit),
            _amount(self.least, self.unit),
            aim,
            self.word,
        ]


@dataclass(frozen=True)
class Figures:
    """Absolute figures of one contest."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: str = ""


@dataclass
class Report:
    """Everything a run has to say."""

    facts: dict[str, str]
    verdicts: list[Verdict] = field(default_factory=list[Verdict])
    figures: list[Figures] = field(default_factory=list[Figures])

    def add(self, figures: Figures, verdicts: Sequence[Verdict]) -> None:
        self.figures.append(figures)
        self.verdicts.extend(verdicts)

    @property
    def missed(self) -> bool:
        return any(not one.reaches(one.least) for one in self.verdicts)

    def markdown(self) -> str:
        parts = ["# Results of the last full run of `python -m bench`", ""]
        parts += [f"- {name}: {value}" for name, value in self.facts.items()]
        parts += ["", "## Against the budget", ""]
        heads = ("what", "against", "measured", "at least", "aim", "")
        parts += _table(heads, [one.cells() for one in self.verdicts])
        for figures in self.figures:
            parts += ["", f"## {figures.title}", ""]
            if figures.notes:
                parts += [figures.notes, ""]
            parts += _table(figures.columns, figures.rows)
        return "\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[n]) for row in [heads, *rows]) for n in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(heads), line(["-" * width for width in widths]), *(line(row) for row in rows)]


def _amount(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return f"{shown} {unit}"
