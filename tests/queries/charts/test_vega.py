"""From options and rows to Vega-Lite documents: positions, series, stacking, and what does not fit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.kit import errors
from penstock.queries.charts import counters, grids, vega
from penstock.queries.charts.options import chart_of
from penstock.queries.charts.rows import Rows, Texts
from penstock.queries.results.columns import Column, Kind

COLUMNS = [
    Column("day", Kind.DATE),
    Column("kind", Kind.STRING),
    Column("n", Kind.INTEGER),
    Column("price", Kind.DECIMAL),
    Column("zq']\"{{x}}", Kind.FLOAT),
]
ROWS = Rows(
    COLUMNS,
    [
        {"day": f"2025-01-{d:02d}", "kind": kind, "n": d * k, "price": d + 0.5, "zq']\"{{x}}": 1.0}
        for d in (2, 1, 3)
        for k, kind in ((1, "a"), (2, "b"))
    ],
    6,
)
XY = {"day": "x", "n": "y"}


def document(mapping: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
    chart = chart_of({"columnMapping": mapping or XY, **options}, ROWS)
    return vega.document(chart, ROWS, 600, 300)


def test_bars() -> None:
    made = document()
    assert made["mark"]["type"] == "bar" and made["encoding"]["x"]["type"] == "nominal"
    assert made["encoding"]["x"]["sort"] == ["2025-01-01", "2025-01-02", "2025-01-03"]
    assert (made["width"], made["height"]) == (600, 300)
    unsorted = document(sortX=False, reverseX=True)
    assert unsorted["encoding"]["x"]["sort"] == ["2025-01-03", "2025-01-01", "2025-01-02"]
    assert document(swappedAxes=True)["encoding"]["y"]["field"] == "x"


@pytest.mark.parametrize(
    ("series", "stack"),
    [
        ({}, None),
        ({"stacking": "stack"}, "zero"),
        ({"stacking": "stack", "percentValues": True}, "normalize"),
    ],
)
def test_series(series: dict[str, Any], stack: str | None) -> None:
    made = document({**XY, "kind": "series"}, series=series)
    encoding = made["encoding"]
    assert encoding["y"]["stack"] == stack and encoding["color"]["scale"]["domain"] == ["a", "b"]
    assert ("xOffset" in encoding) is (stack is None)
    if stack == "normalize":
        assert encoding["y"]["axis"]["format"].endswith("%")


def test_several_values_are_series() -> None:
    made = document({**XY, "price": "y"}, seriesOptions={"price": {"name": "Price", "color": "#123456"}})
    scale = made["encoding"]["color"]["scale"]
    assert scale["domain"] == ["n", "Price"] and scale["range"][1] == "#123456"


def test_mixed() -> None:
    """A line over bars, on an axis of its own."""
    said = {"price": {"type": "line", "yAxis": 1}}
    made = document({**XY, "price": "y"}, seriesOptions=said, yAxis=[{}, {"title": {"text": "Euro"}}])
    bars, lines = made["layer"]
    assert made["resolve"] == {"scale": {"y": "independent"}}
    assert bars["layer"][0]["mark"]["type"] == "bar" and lines["layer"][0]["mark"]["type"] == "line"
    assert lines["layer"][0]["encoding"]["y"]["axis"]["title"] == "Euro"
    assert lines["layer"][0]["transform"] == [{"filter": {"field": "s", "oneOf": ["price"]}}]


def test_kinds() -> None:
    line = document(globalSeriesType="line", dateTimeFormat="DD/MM")
    assert line["encoding"]["x"]["type"] == "temporal" and line["encoding"]["x"]["axis"]["format"] == "%d/%m"
    assert document(globalSeriesType="area")["mark"]["type"] == "area"
    assert (
        document({"price": "x", "n": "y"}, globalSeriesType="scatter")["encoding"]["x"]["type"]
        == "quantitative"
    )
    bubble = document({"price": "x", "n": "y", "zq']\"{{x}}": "size"}, globalSeriesType="bubble")
    assert bubble["encoding"]["size"]["field"] == "z"
    assert document({"kind": "x", "n": "y"}, globalSeriesType="pie")["mark"]["type"] == "arc"
    pies = document({"kind": "x", "n": "y", "day": "series"}, globalSeriesType="pie")
    assert pies["encoding"]["facet"]["field"] == "s"
    assert document(globalSeriesType="box")["mark"]["type"] == "boxplot"
    heat = document({"day": "x", "kind": "y", "n": "zVal"}, globalSeriesType="heatmap")
    assert heat["encoding"]["y"]["sort"] == ["a", "b"]
    log = document(yAxis=[{"type": "logarithmic", "rangeMin": 1, "rangeMax": 9}])
    assert log["encoding"]["y"]["scale"] == {"type": "symlog", "domainMin": 1.0, "domainMax": 9.0}


def test_names_are_data() -> None:
    """A column or a title is never part of what the library interprets."""
    made = document({"day": "x", "zq']\"{{x}}": "y"}, xAxis={"title": {"text": "datum.x"}})
    said = json.dumps({**made, "data": None})
    assert "expr" not in said and "signal" not in said and '"field": "zq' not in said
    assert made["encoding"]["y"]["axis"]["title"] == "zq']\"{{x}}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "gives no column the role 'x'"),
        ({"columnMapping": {"day": "x"}}, "gives no column the role 'y'"),
        ({"columnMapping": {"nothing": "x", "n": "y"}}, "names 'nothing'"),
        ({"columnMapping": {"day": "z", "n": "y"}}, "the role 'z'"),
        ({"columnMapping": {"day": "x", "kind": "y"}}, "takes numbers; it is of type string"),
        (
            {"columnMapping": {"kind": "x", "n": "y"}, "xAxis": {"type": "datetime"}},
            "`xAxis.type` is 'datetime'",
        ),
        ({"columnMapping": XY, "globalSeriesType": "spiral"}, "`globalSeriesType` is 'spiral'"),
        ({"columnMapping": XY, "globalSeriesType": "heatmap"}, "zVal"),
        ({"columnMapping": [1], "globalSeriesType": None}, "`globalSeriesType`"),
        ({"columnMapping": {"n": ["x"]}}, "the role '['x']'"),
    ],
)
def test_what_does_not_fit(options: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.BadRequest) as raised:
        chart_of(options, ROWS)
    assert words in raised.value.message
    assert raised.value.status == 400


def test_more_names_than_there_is_room_for() -> None:
    many = Rows(COLUMNS, [{"kind": f"k{n}", "n": n} for n in range(501)], 501)
    chart = chart_of({"columnMapping": {"kind": "x", "n": "y"}}, many)
    with pytest.raises(errors.BadRequest, match="501 different values"):
        vega.document(chart, many, 600, 300)


@pytest.mark.parametrize("junk", [None, 5, "x", [], [1], {"a": 1}, True])
@pytest.mark.parametrize(
    "name", ["series", "seriesOptions", "yAxis", "xAxis", "legend", "numberFormat", "dateTimeFormat", "sortX"]
)
def test_options_are_anything(name: str, junk: Any) -> None:
    """What clients stored is never a reason to fail; what means nothing is passed over."""
    assert document(**{name: junk})["data"]


TEXTS = Texts(
    [
        Column("name", Kind.STRING),
        Column("n", Kind.INTEGER),
        Column("ok", Kind.BOOLEAN),
        Column("d", Kind.DATE),
    ],
    [
        ("a", "1234567890123456789", "true", "2025-02-07"),
        (None, "2", None, None),
        ("<b>", "-3", "false", "2025-01-01"),
    ],
    300,
)


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"counterColName": "n"}, "1,234,567,890,123,456,789"),
        ({"counterColName": "n", "rowNumber": 2, "stringDecimal": 2, "stringPrefix": "€"}, "€2.00"),
        ({"counterColName": "n", "rowNumber": -1, "stringThouSep": "."}, "-3"),
        (
            {"counterColName": "n", "stringDecChar": ",", "stringThouSep": ".", "stringSuffix": "!"},
            "1.234.567.890.123.456.789!",
        ),
        ({"countRow": True}, "300"),
        ({"counterColName": "name", "rowNumber": 2}, "-"),
    ],
)
def test_counters(options: dict[str, Any], value: str) -> None:
    small = Texts(TEXTS.columns, TEXTS.rows, 300 if "countRow" in options else 3)
    start, _ = counters.needed(options, small.total)
    shown = Texts(small.columns, small.rows[start:], small.total)
    made = counters.counter_of(options, shown, start, "Counter")
    assert made.value == value and made.label == "Counter"
    assert counters.document(made, 300, 200)["layer"]


def test_a_target() -> None:
    options = {
        "counterColName": "n",
        "rowNumber": 2,
        "targetColName": "n",
        "targetRowNumber": 3,
        "counterLabel": "L",
    }
    small = Texts(TEXTS.columns, TEXTS.rows, 3)
    assert counters.needed(options, 3) == (1, 2)
    made = counters.counter_of(options, Texts(small.columns, small.rows[1:], 3), 1, "x")
    assert (made.label, made.target, made.reached) == ("L", "-3", True)


@pytest.mark.parametrize(
    "options", [{}, {"counterColName": "x"}, {"counterColName": 5}, {"counterColName": "n", "rowNumber": "x"}]
)
def test_counters_that_do_not_fit(options: dict[str, Any]) -> None:
    small = Texts(TEXTS.columns, TEXTS.rows, 3)
    with pytest.raises(errors.BadRequest):
        counters.needed(options, 3)
        counters.counter_of(options, small, 0, "x")


def test_tables() -> None:
    options = {
        "itemsPerPage": 2,
        "columns": [
            {"name": "n", "order": 1, "title": "Number", "numberFormat": "0,0"},
            {"name": "ok", "order": 0, "booleanValues": ["no", "yes"]},
            {"name": "name", "visible": False},
            {"name": "d", "dateTimeFormat": "DD/MM/YY", "alignContent": "right"},
            5,
        ],
    }
    made = grids.grid_of(options, TEXTS)
    assert [one.title for one in made.headings] == ["ok", "Number", "d"]
    assert made.rows[0] == ["yes", "1,234,567,890,123,456,789", "07/02/25"] and made.rows[1] == [
        "-",
        "2",
        "-",
    ]
    assert [one.right for one in made.headings] == [False, True, True]
    assert grids.page_rows(options) == 2 and grids.page_rows({"itemsPerPage": 10**9}) == grids.MOST_ROWS
    assert grids.page_rows({"itemsPerPage": "x"}) == 25
    assert len(grids.document(made, 400, 100)["layer"]) == 5
