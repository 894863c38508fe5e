"""What each widget of a dashboard shows to one reader: a text, a number, a table, a picture, or why there is none."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from markupsafe import Markup

from penstock.identity import Principal
from penstock.kit import clock, errors
from penstock.kit.context import Context
from penstock.queries.charts import pictures
from penstock.queries.charts.counters import Counter
from penstock.queries.charts.drawing import Drawing
from penstock.queries.charts.grids import Grid
from penstock.queries.dashboards import Widget
from penstock.queries.pages.texts import html
from penstock.queries.results.models import Result
from penstock.queries.saved import SavedQuery, Visualization
from penstock.queries.service.addressed import asked_name, values_on
from penstock.queries.service.asking import stored
from penstock.queries.service.authorizing import is_safe
from penstock.queries.service.dashboards import Placed

_COLUMNS: Final = 6
_COLUMN: Final = 200  # pixels
_ROW: Final = 50
_FARTHEST: Final = 2_000
_TALL: Final = 8  # rows of a widget that does not say
_NOTHING: Final = "No rows are stored for this yet: run the query."
_UNSHOWN: Final = "There is nothing to show here."
_RESTRICTED: Final = "You may not see what is here."


@dataclass(frozen=True, slots=True)
class Position:
    """A place on the grid, in columns and rows from 0."""

    column: int
    row: int
    columns: int
    rows: int

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height of what is inside."""
        return self.columns * _COLUMN - 40, max(self.rows * _ROW - 92, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A widget as it is shown. `note` says why there is nothing else."""

    title: str = ""
    subtitle: str = ""
    position: Position
    text: Markup | None = None
    picture: str | None = None
    counter: Counter | None = None
    grid: Grid | None = None
    note: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter that the reader may set."""

    name: str
    title: str
    value: str
    options: Sequence[str]


async def cards_of(
    ctx: Context,
    principal: Principal,
    placed: Sequence[Placed],
    pairs: Sequence[tuple[str, str]],
    *,
    public: bool,
) -> list[Card]:
    """In the order in which they are read."""
    shown = [one for one in placed if one.widget.options.get("isHidden") is not True]
    positions = _positions([one.widget for one in shown])
    found = [
        await _card(ctx, principal, one, position, pairs, public=public)
        for one, position in zip(shown, positions, strict=True)
    ]
    return sorted(found, key=lambda one: (one.position.row, one.position.column))


def fields_of(placed: Iterable[Placed], pairs: Sequence[tuple[str, str]], *, public: bool) -> list[Field]:
    """Parameters that the address may have, with the values that count now."""
    found: dict[str, Field] = {}
    for one in placed:
        if one.query is None or not _may_give(one.query.query, public):
            continue
        query = one.query.query
        values = values_on(one.widget, query, pairs)
        for definition in query.definitions:
            name = asked_name(one.widget, str(definition.get("name")))
            if name is not None and name not in found:
                found[name] = _field(name, definition, values.get(str(definition.get("name"))))
    return list(found.values())


def _may_give(query: SavedQuery, public: bool) -> bool:
    """Anybody may choose among values, and nobody unknown may write text."""
    return not public or is_safe(query)


def _field(name: str, definition: Mapping[str, Any], value: Any) -> Field:
    title = definition.get("title") or definition.get("name")
    given: Any = definition.get("enumOptions") if definition.get("type") == "enum" else None
    given = given.split("\n") if isinstance(given, str) else given
    options = [str(one) for one in cast("list[Any]", given)][:1000] if isinstance(given, list) else []
    return Field(name, str(title)[:200], _value(value), options)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        return f"{named.get('start', '')}--{named.get('end', '')}"
    if isinstance(value, list):
        return msgspec.json.encode(cast("list[Any]", value)).decode()
    return "" if value is None else str(value)


async def _card(
    ctx: Context,
    principal: Principal,
    placed: Placed,
    position: Position,
    pairs: Sequence[tuple[str, str]],
    *,
    public: bool,
) -> Card:
    if placed.restricted:
        return Card(position=position, note=_RESTRICTED)
    shown = placed.visualization
    if shown is None or placed.query is None:
        return Card(position=position, text=html(placed.widget.text))
    query = placed.query.query
    title, subtitle = query.name, shown.name if shown.name not in ("Table", query.name) else ""
    values = values_on(placed.widget, query, pairs, given=_may_give(query, public))
    result = None
    try:
        result = await stored(ctx, principal, query.request(values), query.id)
        if result is None:
            return Card(title=title, subtitle=subtitle, position=position, note=_NOTHING)
        return await _filled(ctx, shown, result, Card(title=title, subtitle=subtitle, position=position))
    except (errors.BadRequest, errors.Forbidden, errors.NotFound) as error:
        # What is wrong with the SQL is nobody's business but its author's.
        told = error.message if result is not None or not public else _UNSHOWN
        return Card(title=title, subtitle=subtitle, position=position, note=told)


async def _filled(ctx: Context, shown: Visualization, result: Result, empty: Card) -> Card:
    common: dict[str, Any] = {
        "title": empty.title,
        "subtitle": empty.subtitle,
        "position": empty.position,
        "at": clock.iso(result.retrieved_at.replace(microsecond=0)),
    }
    match shown.type:
        case "COUNTER":
            return Card(**common, counter=await pictures.counter(ctx, shown, result))
        case "TABLE":
            return Card(**common, grid=await pictures.grid(ctx, shown, result))
        case _:
            document = await pictures.document(ctx, shown, result, *empty.position.pixels)
            drawn = await ctx.get(Drawing).picture(document, "svg")
            return Card(**common, picture=f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}")


def _positions(widgets: Sequence[Widget]) -> list[Position]:
    """As their options say; those that say nothing stand below the rest."""
    found = [_position(one) for one in widgets]
    below = max((one.row + one.rows for one in found if one is not None), default=0)
    places: list[Position] = []
    for one in found:
        places.append(one or Position(0, below, _COLUMNS, _TALL))
        below += 0 if one else _TALL
    return places


def _position(widget: Widget) -> Position | None:
    given: Any = widget.options.get("position")
    if not isinstance(given, dict):
        return None
    named = cast("dict[str, Any]", given)
    column, row, columns, rows = (_whole(named.get(name)) for name in ("col", "row", "sizeX", "sizeY"))
    if columns is None or rows is None:
        return None
    column = min(column or 0, _COLUMNS - 1)
    return Position(
        column, min(row or 0, _FARTHEST), max(1, min(columns, _COLUMNS - column)), max(1, min(rows, 40))
    )


def _whole(value: Any) -> int | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e6
    return int(value) if fits else None
