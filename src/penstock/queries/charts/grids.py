"""What the options of a TABLE say: which columns are shown, under which titles, and how their values are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from penstock.queries.charts.formats import moment_text, number_format
from penstock.queries.charts.rows import Texts
from penstock.queries.charts.vega import CONFIG, SCHEMA
from penstock.queries.preferences import UNSAID, Preferences
from penstock.queries.results.columns import Column, Kind

MOST_ROWS: Final = 250
_ROWS: Final = 25
_NUMERIC: Final = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
_INSTANTS: Final = frozenset({Kind.DATE, Kind.DATETIME})
_LONGEST: Final = 500  # characters of a value


@dataclass(frozen=True, slots=True)
class Heading:
    """A column as it is shown. `place` is where it is in the result."""

    place: int
    title: str
    right: bool
    column: Column
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows ready to be shown, with how many the result has in all."""

    headings: Sequence[Heading]
    rows: Sequence[Sequence[str]]
    total: int


def page_rows(options: Mapping[str, Any]) -> int:
    """How many rows are shown."""
    wanted = options.get("itemsPerPage")
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
        return _ROWS
    return min(wanted, MOST_ROWS)


def grid_of(options: Mapping[str, Any], texts: Texts, wanted: Preferences = UNSAID) -> Grid:
    """What neither the options nor the org say is shown as it is."""
    headings = _headings(options, texts.columns)
    rows = [[_written(row[one.place], one, wanted) for one in headings] for row in texts.rows]
    return Grid(headings, rows, texts.total)


def document(grid: Grid, width: int, height: int) -> dict[str, Any]:
    """As a Vega-Lite document: as many rows as there is room for."""
    line = 22
    room = max(1, (height - line) // line)
    shown = grid.rows[:room]
    places = _places(grid, shown, width)
    cells: list[dict[str, Any]] = []
    for column, heading in enumerate(grid.headings):
        texts = [heading.title, *(row[column] for row in shown)]
        left, right = places[column]
        for number, text in enumerate(texts):
            cells.append({
                "x": right - 8 if heading.right else left + 8, "y": number * line + line / 2,
                "v": _fitting(text, right - left), "r": heading.right, "h": number == 0,
            })  # fmt: skip
    scale = {
        "x": {"domain": [0, width], "nice": False},
        "y": {"domain": [0, height], "nice": False, "reverse": True},
    }
    position = {
        name: {"field": name, "type": "quantitative", "axis": None, "scale": scale[name]}
        for name in ("x", "y")
    }
    rules = [{"y": (number + 1) * line} for number in range(len(shown) + 1)]
    return {
        "$schema": SCHEMA,
        "config": CONFIG,
        "width": width,
        "height": height,
        "layer": [
            {
                "data": {"values": rules},
                "mark": {"type": "rule", "color": "#ddd"},
                "encoding": {"y": position["y"]},
            },
            *(
                {
                    "data": {"values": [cell for cell in cells if (cell["r"], cell["h"]) == (right, head)]},
                    "mark": {
                        "type": "text",
                        "align": "right" if right else "left",
                        "fontWeight": "bold" if head else "normal",
                        "color": "#333",
                    },
                    "encoding": {**position, "text": {"field": "v", "type": "nominal"}},
                }
                for right in (False, True)
                for head in (True, False)
            ),
        ],
    }


def _headings(options: Mapping[str, Any], columns: Sequence[Column]) -> list[Heading]:
    given: Any = options.get("columns")
    listed = cast("list[Any]", given) if isinstance(given, list) else []
    said: dict[str, dict[str, Any]] = {
        str(one.get("name")): one
        for one in cast("list[dict[str, Any]]", [x for x in listed if isinstance(x, dict)])
    }
    found: list[tuple[float, Heading]] = []
    for place, column in enumerate(columns):
        own = said.get(column.name, {})
        if own.get("visible") is False:
            continue
        title = own.get("title")
        align = own.get("alignContent")
        right = align == "right" or (align is None and column.kind in _NUMERIC)
        order = own.get("order")
        key = float(order) if isinstance(order, (int, float)) and abs(order) < 1e9 else 1e9 + place
        shown = title[:200] if isinstance(title, str) and title else column.name
        found.append((key, Heading(place, shown, right, column, own)))
    return [one for _, one in sorted(found, key=lambda one: one[0])]


def _written(text: str | None, heading: Heading, wanted: Preferences) -> str:
    """A value as people read it, every digit of a number kept unless a format says otherwise."""
    if text is None:
        return wanted.value("null_value")
    said, kind = heading.options, heading.column.kind
    # Clients write every format to every column, and say by this which one they mean.
    shown_as = said.get("displayAs")
    if kind in _NUMERIC and shown_as in (None, "number"):
        form = said.get("numberFormat") or wanted.number_format(kind is Kind.INTEGER)
        return wanted.separated(number_format(form).text(text)) if form else text
    if kind in _INSTANTS and shown_as in (None, "datetime"):
        return moment_text(text, said.get("dateTimeFormat") or wanted.instant_format(kind is Kind.DATE))
    if kind is Kind.BOOLEAN and shown_as in (None, "boolean"):
        return _boolean(text, said.get("booleanValues"))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _boolean(text: str, names: Any) -> str:
    pair = cast("list[Any]", names) if isinstance(names, list) else []
    named = pair[text == "true"] if len(pair) == 2 else None
    return named[:_LONGEST] if isinstance(named, str) else text


def _places(grid: Grid, shown: Sequence[Sequence[str]], width: int) -> list[tuple[float, float]]:
    """Left and right of each column: as wide as its texts ask for, in proportion."""
    wants = [
        min(max(len(one.title), 4, *(len(row[n]) for row in shown), 4), 40)
        for n, one in enumerate(grid.headings)
    ]
    scale = width / max(sum(wants), 1)
    found: list[tuple[float, float]] = []
    left = 0.0
    for want in wants:
        found.append((round(left, 1), round(left + want * scale, 1)))
        left += want * scale
    return found


def _fitting(text: str, width: float) -> str:
    most = max(2, int((width - 12) / 6.2))
    return text if len(text) <= most else f"{text[: most - 1]}…"
