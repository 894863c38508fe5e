"""A chart and its rows as a Vega-Lite document.

Nothing in it is an expression, and no name of a column is one of its names: what users wrote is data and titles alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from penstock.kit import errors
from penstock.queries.charts.formats import d3_time, moment_text
from penstock.queries.charts.options import Axis, Chart, Scale, Series
from penstock.queries.charts.rows import Rows

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"
_PALETTE: Final = (
    "#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#eeca3b", "#ff9da6", "#9d755d", "#83bcb6",
    "#d67195", "#79706e",
)  # fmt: skip
CONFIG: Final[dict[str, Any]] = {
    "background": "white",
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {"labelColor": "#444", "titleColor": "#444", "gridColor": "#e8e8e8", "domainColor": "#999"},
    "range": {"category": list(_PALETTE)},
}
# A bar each: more names than this would hide each other.
_MOST_NAMES: Final = 500
Row = dict[str, Any]


def document(chart: Chart, rows: Rows, width: int, height: int) -> dict[str, Any]:
    """The whole document, with its data."""
    data = _data(chart, rows)
    names = list(dict.fromkeys(row["s"] for row in data))
    made: dict[str, Any] = {
        "$schema": SCHEMA,
        "config": CONFIG,
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": data},
    }
    match chart.kind:
        case Series.PIE:
            return made | _pie(chart, names, width, height)
        case Series.HEATMAP:
            return made | {"mark": {"type": "rect"}, "encoding": _heatmap(chart, data)}
        case Series.BOX:
            return made | {
                "mark": {"type": "boxplot", "extent": "min-max"},
                "encoding": _plain(chart, data, names),
            }
        case _:
            return made | _layers(chart, data, names)


def _data(chart: Chart, rows: Rows) -> list[Row]:
    """A row for each point: `x`, `y`, the series `s`, and `z` for what a size or a color stands for."""
    extra = chart.size or chart.value
    found: list[Row] = []
    for row in rows.rows:
        for y in chart.ys:
            value = row.get(y)
            if value is None and chart.kind in (Series.COLUMN, Series.AREA) and chart.zeros:
                value = 0
            name = y if chart.series is None else _name(row.get(chart.series))
            if chart.series is not None and len(chart.ys) > 1:
                name = f"{name} {y}"
            point: Row = {"x": _x(chart, row.get(chart.x)), "y": value, "s": chart.of(name).title, "n": name}
            if extra is not None:
                point["z"] = row.get(extra)
            found.append(point)
    return found


def _x(chart: Chart, value: Any) -> Any:
    """Names are text whatever they were; points without one are left out by Vega."""
    return _name(value) if _discrete(chart) and chart.scale is not Scale.TIME else value


def _name(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _discrete(chart: Chart) -> bool:
    """Bars stand side by side, whatever they are of."""
    return chart.scale is Scale.NAMES or chart.kind in (Series.COLUMN, Series.HEATMAP, Series.BOX, Series.PIE)


def _layers(chart: Chart, data: Sequence[Row], names: Sequence[str]) -> dict[str, Any]:
    """Series of the same kind and axis together."""
    said = {row["s"]: chart.of(row["n"]) for row in data}
    groups = list(dict.fromkeys((one.axis, one.kind) for one in said.values())) or [(0, chart.kind)]
    if len(groups) == 1:
        (axis, kind), encoding = groups[0], _plain(chart, data, names)
        return _one(chart, kind, axis, encoding, names)
    axes: dict[int, list[dict[str, Any]]] = {}
    for axis, kind in sorted(groups, key=lambda one: (one[0], _BEHIND.get(one[1], 1))):
        own = [name for name, one in said.items() if (one.axis, one.kind) == (axis, kind)]
        layer = _one(chart, kind, axis, _plain(chart, data, names, axis), own)
        layer["transform"] = [{"filter": {"field": "s", "oneOf": own}}]
        axes.setdefault(axis, []).append(layer)
    if len(axes) == 1:
        return {"layer": next(iter(axes.values()))}
    return {
        "layer": [{"layer": layers} for _, layers in sorted(axes.items())],
        "resolve": {"scale": {"x" if chart.horizontal else "y": "independent"}},
    }


# Areas and bars are drawn first, or they would hide the rest.
_BEHIND: Final[Mapping[Series, int]] = {Series.AREA: -1, Series.COLUMN: 0}
_MARKS: Final[Mapping[Series, dict[str, Any]]] = {
    Series.COLUMN: {"type": "bar"},
    Series.LINE: {"type": "line", "strokeWidth": 2},
    Series.AREA: {"type": "area", "opacity": 0.6, "line": True},
    Series.SCATTER: {"type": "point", "filled": True, "size": 40},
    Series.BUBBLE: {"type": "circle", "opacity": 0.7},
}


def _one(
    chart: Chart, kind: Series, axis: int, encoding: dict[str, Any], names: Sequence[str]
) -> dict[str, Any]:
    mark = dict(_MARKS[kind])
    value = encoding["x" if chart.horizontal else "y"]
    stacked = kind in (Series.COLUMN, Series.AREA)
    value["stack"] = chart.stack if stacked else None
    if kind is Series.AREA and chart.stack is None:
        mark["opacity"] = 0.3
    if kind is Series.COLUMN and chart.stack is None and len(names) > 1:
        encoding["yOffset" if chart.horizontal else "xOffset"] = {"field": "s", "sort": list(names)}
    if kind is Series.BUBBLE and chart.size is not None:
        encoding["size"] = {"field": "z", "type": "quantitative", "title": chart.size[:200]}
    if not chart.labels or axis:
        return {"mark": mark, "encoding": encoding}
    text = {"field": "y", "type": "quantitative", "format": chart.numbers.d3}
    position = {name: encoding[name] for name in ("x", "y", "xOffset", "yOffset") if name in encoding}
    above = {"type": "text", "dx": 4, "align": "left"} if chart.horizontal else {"type": "text", "dy": -6}
    return {
        "layer": [
            {"mark": mark, "encoding": encoding},
            {"mark": above, "encoding": {**position, "text": text}},
        ]
    }


def _plain(chart: Chart, data: Sequence[Row], names: Sequence[str], axis: int = 0) -> dict[str, Any]:
    """Positions and colors."""
    x, y = _x_encoding(chart, data), _y_encoding(chart, axis)
    if chart.horizontal:
        x, y = y, x
    encoding: dict[str, Any] = {"x": x, "y": y}
    if len(names) > 1 or chart.series is not None:
        encoding["color"] = _colors(chart, data, names)
    else:
        color = chart.of(chart.ys[0]).color or _PALETTE[0]
        encoding["color"] = {"value": color}
    return encoding


def _colors(chart: Chart, data: Sequence[Row], names: Sequence[str]) -> dict[str, Any]:
    given = {row["s"]: chart.of(row["n"]).color for row in data}
    chosen = [given.get(name) or _PALETTE[n % len(_PALETTE)] for n, name in enumerate(names)]
    return {
        "field": "s",
        "type": "nominal",
        "scale": {"domain": list(names), "range": chosen},
        "legend": {"title": None} if chart.legend else None,
    }


def _x_encoding(chart: Chart, data: Sequence[Row]) -> dict[str, Any]:
    axis: dict[str, Any] = {"title": chart.x_axis.title or chart.x[:200], "labelOverlap": True}
    if _discrete(chart):
        values = list(dict.fromkeys(row["x"] for row in data if row["x"] is not None))
        if chart.scale is Scale.TIME:
            # The text of each day or instant, as ISO has it, which sorts as they do.
            labels = {value: moment_text(str(value), chart.instants) for value in values}
            for row in data:
                row["x"] = labels.get(row["x"])
            order = (
                [labels[value] for value in sorted(values, key=str)]
                if chart.sorted
                else list(labels.values())
            )
        else:
            order = sorted(values, key=_numeric) if chart.sorted else values
        order = list(dict.fromkeys(order))
        if len(order) > _MOST_NAMES:
            raise errors.BadRequest(
                f"'{chart.x[:60]}' has {len(order):,} different values, and an axis of names has room for "
                f"{_MOST_NAMES:,}.",
                hint="Group or limit the rows in SQL, or draw a line.",
            )
        return {
            "field": "x",
            "type": "nominal",
            "sort": order[::-1] if chart.reversed else order,
            "axis": {**axis, "labelAngle": 0 if chart.horizontal or len(order) <= 12 else -45},
        }
    scale: dict[str, Any] = {"reverse": chart.reversed}
    if chart.scale is Scale.TIME:
        scale["type"] = "utc"
        pattern = d3_time(chart.instants)
        if pattern is not None:
            axis["format"] = pattern
    else:
        axis["format"] = chart.numbers.d3
        scale |= _range(chart.x_axis) | {"zero": False}
    return {"field": "x", "type": chart.scale.value, "scale": scale, "axis": axis}


def _numeric(value: Any) -> tuple[int, float, str]:
    """Numbers as numbers, and before all other names."""
    try:
        return (0, float(value), "")
    except ValueError:
        return (1, 0.0, str(value))


def _y_encoding(chart: Chart, axis: int) -> dict[str, Any]:
    own = chart.y_axes[axis]
    titles = [chart.of(y).title for y in chart.ys]
    title = own.title or (titles[0] if len(titles) == 1 and not axis else None)
    form = chart.percents if chart.stack == "normalize" else chart.numbers
    shown: dict[str, Any] = {"title": title, "format": form.d3, "labelOverlap": True}
    if axis:
        shown["orient"] = "top" if chart.horizontal else "right"
    return {"field": "y", "type": "quantitative", "scale": _range(own), "axis": shown}


def _range(axis: Axis) -> dict[str, Any]:
    scale: dict[str, Any] = {"type": "symlog"} if axis.logarithmic else {}
    if axis.low is not None:
        scale["domainMin"] = axis.low
    if axis.high is not None:
        scale["domainMax"] = axis.high
    return scale


def _heatmap(chart: Chart, data: Sequence[Row]) -> dict[str, Any]:
    order = list(dict.fromkeys(_name(row["y"]) for row in data))
    for row in data:
        row["y"] = _name(row["y"])
    return {
        "x": _x_encoding(chart, data),
        "y": {
            "field": "y",
            "type": "nominal",
            "sort": sorted(order, key=_numeric),
            "axis": {"title": chart.y_axes[0].title or chart.ys[0][:200]},
        },
        "color": {
            "field": "z",
            "type": "quantitative",
            "title": (chart.value or "")[:200],
            "legend": {"format": chart.numbers.d3} if chart.legend else None,
        },
    }


def _pie(chart: Chart, names: Sequence[str], width: int, height: int) -> dict[str, Any]:
    """One for each series."""
    encoding: dict[str, Any] = {
        "theta": {"field": "y", "type": "quantitative", "stack": True},
        "color": {
            "field": "x",
            "type": "nominal",
            "sort": None,
            "legend": {"title": None} if chart.legend else None,
        },
        "order": {"field": "y", "type": "quantitative", "sort": "descending"},
    }
    if chart.sorted:
        encoding["color"]["sort"] = {"field": "y", "order": "descending"}
    mark = {"type": "arc", "stroke": "white"}
    if len(names) < 2:
        return {"mark": mark, "encoding": encoding}
    columns = min(len(names), 3)
    lines = -(-len(names) // columns)
    side = max(60, min(width // columns - 40, height // lines - 50))
    return {
        "width": side,
        "height": side,
        "autosize": {"type": "pad"},
        "columns": columns,
        "mark": mark,
        "encoding": {
            **encoding,
            "facet": {"field": "s", "type": "nominal", "columns": columns, "header": {"title": None}},
        },
    }
