"""What the options of a CHART say, read against the columns of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

from penstock.kit import errors
from penstock.queries.charts.formats import NumberFormat, number_format
from penstock.queries.charts.rows import Rows
from penstock.queries.results.columns import Column, Kind


class Series(StrEnum):
    """How a series is drawn, as the options call it."""

    COLUMN = "column"
    LINE = "line"
    AREA = "area"
    PIE = "pie"
    SCATTER = "scatter"
    BUBBLE = "bubble"
    HEATMAP = "heatmap"
    BOX = "box"


class Scale(StrEnum):
    """What an axis counts in."""

    TIME = "temporal"
    NUMBER = "quantitative"
    NAMES = "nominal"


_ROLES: Final = ("x", "y", "series", "size", "zVal", "yError", "unused")
_NUMERIC: Final = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
_TEMPORAL: Final = frozenset({Kind.DATE, Kind.DATETIME})
_SCALES: Final = {
    "datetime": Scale.TIME,
    "linear": Scale.NUMBER,
    "logarithmic": Scale.NUMBER,
    "category": Scale.NAMES,
}
_LONGEST: Final = 200  # characters of a title


@dataclass(frozen=True, slots=True)
class Axis:
    """`low` and `high` are where it begins and ends, when that is said."""

    title: str | None = None
    logarithmic: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class SeriesOptions:
    """What is said of one series by its name."""

    kind: Series
    title: str
    axis: int = 0
    color: str | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart whose columns the result has. `series` splits the rows of each `y` by its values."""

    kind: Series
    x: str
    ys: tuple[str, ...]
    series: str | None
    size: str | None
    value: str | None
    scale: Scale
    x_axis: Axis
    y_axes: tuple[Axis, Axis]
    # None, `zero` or `normalize`.
    stack: str | None
    horizontal: bool
    sorted: bool
    reversed: bool
    legend: bool
    labels: bool
    zeros: bool
    numbers: NumberFormat
    percents: NumberFormat
    instants: Any
    named: Mapping[str, SeriesOptions]

    def of(self, name: str) -> SeriesOptions:
        """What is said of a series, or what holds for all."""
        return self.named.get(name) or SeriesOptions(self.kind, name)


def chart_of(options: Mapping[str, Any], rows: Rows) -> Chart:
    """Raises `BadRequest` for a mapping that does not fit the columns."""
    kind = _kind(options.get("globalSeriesType", Series.COLUMN))
    roles = _roles(options, rows)
    xs, ys = (_with(roles, role) for role in ("x", "y"))
    if not xs or not ys:
        missing = "x" if not xs else "y"
        raise errors.BadRequest(
            f"`columnMapping` gives no column the role '{missing}'.", hint=_known(rows.columns)
        )
    for name in (*ys, *_with(roles, "size"), *_with(roles, "zVal")):
        if not (kind is Series.HEATMAP and name in ys):
            _require_number(rows, name, roles[name])
    x_options = _mapping(options.get("xAxis"))
    values = _with(roles, "zVal")
    if kind is Series.HEATMAP and not values:
        raise errors.BadRequest("A heatmap takes a column of numbers with the role 'zVal'.")
    series = _mapping(options.get("series"))
    first, second = _y_axes(options.get("yAxis"))
    return Chart(
        kind=kind,
        x=xs[0],
        ys=ys,
        series=next(iter(_with(roles, "series")), None),
        size=next(iter(_with(roles, "size")), None),
        value=next(iter(values), None),
        scale=_scale(x_options, rows.column(xs[0])),
        x_axis=_axis(x_options),
        y_axes=(first, second),
        stack=_stack(series),
        horizontal=options.get("swappedAxes") is True,
        sorted=options.get("sortX") is not False,
        reversed=options.get("reverseX") is True,
        legend=_mapping(options.get("legend")).get("enabled") is not False,
        labels=options.get("showDataLabels") is True,
        zeros=options.get("missingValuesAsZero") is not False,
        numbers=number_format(options.get("numberFormat")),
        percents=number_format(options.get("percentFormat"), NumberFormat(True, 2, 2, percent=True)),
        instants=options.get("dateTimeFormat"),
        named=_named(options.get("seriesOptions"), kind),
    )


def _kind(given: Any) -> Series:
    if given not in tuple(Series):
        raise errors.BadRequest(
            f"`globalSeriesType` is '{str(given)[:40]}'; drawn are {', '.join(Series)}.",
        )
    return Series(given)


def _roles(options: Mapping[str, Any], rows: Rows) -> dict[str, str]:
    """Columns and what each is for."""
    given = _mapping(options.get("columnMapping"))
    for name, role in given.items():
        if role not in _ROLES:
            raise errors.BadRequest(
                f"`columnMapping` gives '{name[:60]}' the role '{str(role)[:40]}'; roles are {', '.join(_ROLES)}."
            )
        if role != "unused" and rows.column(name) is None:
            raise errors.BadRequest(
                f"`columnMapping` names '{name[:60]}', which the result has not.", hint=_known(rows.columns)
            )
    return {name: role for name, role in given.items() if rows.column(name) is not None}


def _with(roles: Mapping[str, str], role: str) -> tuple[str, ...]:
    return tuple(name for name, own in roles.items() if own == role)


def _known(columns: Any) -> str:
    names = ", ".join(one.name for one in columns)
    return f"The columns are {names[:500]}."


def _require_number(rows: Rows, name: str, role: str) -> None:
    column = rows.column(name)
    if column is None or column.kind not in _NUMERIC:
        kind = column.kind.value if column else "unknown"
        raise errors.BadRequest(
            f"`columnMapping` gives '{name[:60]}' the role '{role}', which takes numbers; it is of type {kind}."
        )


def _scale(given: Mapping[str, Any], column: Column | None) -> Scale:
    assert column is not None
    named = _SCALES.get(str(given.get("type")))
    fits = {Scale.TIME: _TEMPORAL, Scale.NUMBER: _NUMERIC}
    if named is not None:
        if named in fits and column.kind not in fits[named]:
            raise errors.BadRequest(
                f"`xAxis.type` is '{given['type']}', and '{column.name[:60]}' is of type {column.kind.value}."
            )
        return named
    return next((scale for scale, kinds in fits.items() if column.kind in kinds), Scale.NAMES)


def _axis(given: Mapping[str, Any]) -> Axis:
    return Axis(
        title=_text(_mapping(given.get("title")).get("text")),
        logarithmic=given.get("type") == "logarithmic",
        low=_number(given.get("rangeMin")),
        high=_number(given.get("rangeMax")),
    )


def _y_axes(given: Any) -> tuple[Axis, Axis]:
    listed = cast("list[Any]", given) if isinstance(given, list) else []
    found = [_axis(_mapping(one)) for one in listed[:2]]
    return (*found, Axis(), Axis())[0], (*found, Axis(), Axis())[1] if len(found) > 1 else Axis()


def _stack(series: Mapping[str, Any]) -> str | None:
    if series.get("percentValues") is True or series.get("stacking") == "percent":
        return "normalize"
    return "zero" if series.get("stacking") in ("stack", "normal") else None


def _named(given: Any, kind: Series) -> dict[str, SeriesOptions]:
    found: dict[str, SeriesOptions] = {}
    for name, each in _mapping(given).items():
        one = _mapping(each)
        own = one.get("type")
        # These are drawn together; the others fill a chart alone.
        mixed = own in ("column", "line", "area", "scatter") and kind in _MIXED
        color = one.get("color")
        found[name] = SeriesOptions(
            kind=Series(own) if mixed else kind,
            title=_text(one.get("name")) or name,
            axis=1 if one.get("yAxis") == 1 else 0,
            color=color if isinstance(color, str) and _is_color(color) else None,
        )
    return found


_MIXED: Final = frozenset({Series.COLUMN, Series.LINE, Series.AREA, Series.SCATTER})


def _is_color(text: str) -> bool:
    return len(text) in (4, 7) and text[0] == "#" and all(one in "0123456789abcdefABCDEF" for one in text[1:])


def _mapping(given: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}


def _text(given: Any) -> str | None:
    return given[:_LONGEST] if isinstance(given, str) and given.strip() else None


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, (int, float)) or abs(given) > 1e300:
        return None
    return float(given)
