"""`penstock demo --check`: compares the API's answers with the package's files.

Every expected value is computed here from the files with nothing but `csv`; no code is shared with the
loader, so that an error there shows here.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from penstock_sdk._filters import F
from penstock_sdk._sync.client import Client
from penstock_sdk.cli.demo_data import APP, package_file
from penstock_sdk.cli.demo_examples import EXAMPLES, answer, answer_of_command, has_curl

Row = dict[str, Any]

_WHOLE = frozenset(
    [
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "dep_time",
        "sched_dep_time",
        "dep_delay",
        "arr_time",
        "sched_arr_time",
        "arr_delay",
        "flight",
        "air_time",
        "distance",
        "alt",
        "tz",
        "engines",
        "seats",
        "speed",
        "wind_dir",
    ]
)
_DECIMAL = frozenset(
    ["lat", "lon", "temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing compared: what the files say, what the API says."""

    name: str
    expected: Any
    found: Any

    @property
    def ok(self) -> bool:
        return self.expected == self.found


def difference(expected: Any, found: Any) -> Any:
    """What to show of an answer that is wrong: of two lists the first row that differs."""
    if isinstance(expected, list) and isinstance(found, list):
        wanted, given = cast("list[Any]", expected), cast("list[Any]", found)
        for index, pair in enumerate(zip(wanted, given, strict=False)):
            if pair[0] != pair[1]:
                return {"row": index, "expected": pair[0], "found": pair[1]}
        return f"{len(given)} rows instead of {len(wanted)}"
    return found


class Files:
    """The five tables as the package's files have them."""

    def __init__(self) -> None:
        self.airlines = list(_rows("airlines.csv"))
        self.airports = list(_rows("airports.csv"))
        self.planes = list(_rows("planes.csv"))
        self.weather = list(_rows("weather.csv"))
        self.flights = list(_rows("flights.csv.zip"))

    def table(self, name: str) -> list[Row]:
        return getattr(self, name)


def _rows(name: str) -> Iterator[Row]:
    path = package_file(name)
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            text = archive.read(name.removesuffix(".zip")).decode("utf-8")
    else:
        text = path.read_text("utf-8")
    for row in csv.DictReader(io.StringIO(text)):
        yield {name: _value(name, text) for name, text in row.items()}


def _value(name: str, text: str) -> Any:
    if text in ("", "NA"):
        return None
    if name in _WHOLE:
        return int(text)
    return Decimal(text) if name in _DECIMAL else text


def compare(client: Client, url: str, key: str, on_step: Callable[[str], None]) -> Iterator[Comparison]:
    """Every comparison in turn; `on_step` is told what comes next."""
    on_step("reading the files")
    files = Files()
    for name, step in _STEPS:
        on_step(name)
        yield from step(client, files)
    on_step("examples")
    yield from _examples(client, files, url, key)


def _totals(client: Client, files: Files) -> Iterator[Comparison]:
    for name in ("airlines", "airports", "planes", "weather", "flights"):
        yield Comparison(f"rows of {name}", len(files.table(name)), _records(client, name).count())


def _groups(client: Client, files: Files) -> Iterator[Comparison]:
    flights = _records(client, "flights")
    for field in ("origin", "carrier", "month"):
        for value, number in sorted(Counter(row[field] for row in files.flights).items()):
            yield Comparison(
                f"flights with {field} {value}", number, flights.filter(**{field: value}).count()
            )
    for field in ("dep_delay", "arr_delay", "tailnum"):
        missing = sum(row[field] is None for row in files.flights)
        yield Comparison(f"flights without {field}", missing, flights.filter(**{field: None}).count())


def _extremes(client: Client, files: Files) -> Iterator[Comparison]:
    for table, fields in (
        ("flights", ("dep_delay", "arr_delay", "air_time", "distance")),
        ("weather", ("temp", "wind_speed", "pressure")),
        ("airports", ("lat", "lon", "alt")),
    ):
        rows = files.table(table)
        for field in fields:
            present = [row for row in rows if row[field] is not None]
            query = _records(client, table).where(F(field).is_not_null())
            lowest = min(present, key=lambda row: (row[field], *_key(table, row)))
            yield Comparison(f"lowest {field} of {table}", lowest, query.order_by(field).first())
            highest = min(present, key=lambda row: (-row[field], *_key(table, row)))
            yield Comparison(f"highest {field} of {table}", highest, query.order_by(f"-{field}").first())


def _delays(client: Client, files: Files) -> Iterator[Comparison]:
    groups: dict[tuple[str, int], list[int | None]] = {}
    for row in files.flights:
        groups.setdefault((row["carrier"], row["month"]), []).append(row["dep_delay"])
    expected: list[list[Any]] = []
    for (carrier, month), delays in sorted(groups.items()):
        known = [delay for delay in delays if delay is not None]
        mean = round(Decimal(sum(known)) / len(known), 6) if known else None
        expected.append([carrier, month, len(delays), mean])
    query = (
        _records(client, "flights")
        .aggregate("count(*)", "avg(dep_delay) as mean")
        .group_by("carrier", "month")
    )
    found = [[*row.values()] for row in query.all()]
    for row in found:
        row[-1] = None if row[-1] is None else round(Decimal(row[-1]), 6)
    yield Comparison("flights and mean delay of each carrier and month", expected, found)


def _page(client: Client, files: Files) -> Iterator[Comparison]:
    matching = [
        row
        for row in files.flights
        if row["carrier"] in ("UA", "DL")
        and row["origin"] == "JFK"
        and row["month"] == 7
        and row["dep_delay"] is not None
        and 15 <= row["dep_delay"] <= 90
    ]
    matching.sort(key=lambda row: (-row["dep_delay"], row["dest"], *_key("flights", row)))
    query = (
        _records(client, "flights")
        .filter(carrier__in=["UA", "DL"], origin="JFK", month=7)
        .where(F("dep_delay").between(15, 90))
        .order_by("-dep_delay", "dest")
    )
    page = query.page(3, size=50).fetch()
    yield Comparison("matches of a filtered, sorted list", len(matching), page.total)
    yield Comparison("its rows 101 to 150, one by one", matching[100:150], page.data)


def _streams(client: Client, files: Files) -> Iterator[Comparison]:
    for table in ("airlines", "airports", "planes", "weather"):
        expected = sorted(files.table(table), key=lambda row: _key(table, row))
        yield Comparison(
            f"every row of {table}, in the order of its key", expected, _records(client, table).all()
        )
    tree = (F("dest") == "HNL") | (F("tailnum").startswith("N999") & ~(F("origin") == "JFK"))
    expected = sorted(
        (
            row
            for row in files.flights
            if row["dest"] == "HNL" or ((row["tailnum"] or "").startswith("N999") and row["origin"] != "JFK")
        ),
        key=lambda row: (-row["distance"], *_key("flights", row)),
    )
    found = _records(client, "flights").where(tree).order_by("-distance").page_size(100).all()
    yield Comparison(f"{len(expected)} flights by a nested condition, page after page", expected, found)


_STEPS = (
    ("totals", _totals),
    ("groups", _groups),
    ("extremes", _extremes),
    ("aggregates", _delays),
    ("a page", _page),
    ("whole tables", _streams),
)


def _examples(client: Client, files: Files, url: str, key: str) -> Iterator[Comparison]:
    for number, (example, expected) in enumerate(zip(EXAMPLES, _expected_answers(files), strict=True), 1):
        name = f"example {number}: {example.question}"
        yield Comparison(name, expected, _reduced(answer(client, example)))
        if has_curl():
            body = answer_of_command(example.command(url, key))
            yield Comparison(f"{name} (the printed command)", expected, _reduced(body))


def _expected_answers(files: Files) -> Iterator[Any]:
    departed = [row for row in files.flights if row["dep_delay"] is not None]
    late = sorted(departed, key=lambda row: (-row["dep_delay"], *_key("flights", row)))[:5]
    yield len(departed), [_only(row, "time_hour carrier flight dep_delay origin dest") for row in late]
    united = sorted(
        (
            row
            for row in departed
            if (row["carrier"], row["origin"]) == ("UA", "EWR") and row["dep_delay"] > 60
        ),
        key=lambda row: _key("flights", row),
    )
    yield len(united), [_only(row, "time_hour carrier flight dep_delay") for row in united[:1]]
    wanted = ("2013-01-01T10:00:00Z", "UA", 1545)
    yield next(row for row in files.flights if _key("flights", row) == wanted)
    kennedy = [row for row in files.airports if "kennedy" in row["name"].lower().split()]
    yield (
        len(kennedy),
        sorted((_only(row, "faa name lat lon") for row in kennedy), key=lambda row: row["faa"]),
    )
    hours = [
        row
        for row in files.weather
        if (row["temp"] is not None and row["temp"] >= 100)
        or (row["wind_speed"] is not None and row["wind_speed"] >= 42)
    ]
    # Descending order puts missing values first.
    hours.sort(key=lambda row: (row["temp"] is not None, -(row["temp"] or 0), *_key("weather", row)))
    yield len(hours), [_only(row, "origin time_hour temp wind_speed") for row in hours[:20]]


def _reduced(body: Mapping[str, Any]) -> Any:
    """The part of an answer that the files can tell: total and rows, without search ranks."""
    data: Any = body["data"]
    if "total" not in body:
        return data
    rows = [{name: value for name, value in row.items() if name != "rank"} for row in data]
    if any("faa" in row for row in rows):
        rows.sort(key=lambda row: row["faa"])
    return body["total"], rows


_KEYS = {
    "airlines": ("carrier",),
    "airports": ("faa",),
    "planes": ("tailnum",),
    "weather": ("origin", "time_hour"),
    "flights": ("time_hour", "carrier", "flight"),
}


def _key(table: str, row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _KEYS[table])


def _only(row: Row, names: str) -> Row:
    return {name: row[name] for name in names.split()}


def _records(client: Client, table: str) -> Any:
    return client.app(APP).table(table).records
