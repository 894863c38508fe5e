"""The dashboard of `penstock demo`: queries over the flights, run once, on a page that a browser shows."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from penstock_sdk._sync.client import Client
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli.demo_data import APP

NAME: Final = "Flights from New York"
SLUG: Final = "flights-from-new-york"
_SECONDS: Final = 120
_INTRODUCTION: Final = """\
**336,776 flights** left New York City in 2013. Each part of this page is a saved query over the tables behind \
the API; whoever opens it sees the rows that are theirs to see.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A saved query and how it is shown: column, row, width and height on the grid."""

    name: str
    sql: str
    kind: str
    place: tuple[int, int, int, int]
    options: dict[str, Any] = field(default_factory=dict[str, Any])


PARTS: Final = (
    Part(
        "Flights",
        "SELECT count(*) AS flights FROM flights",
        "COUNTER",
        (0, 1, 2, 3),
        {"counterColName": "flights", "counterLabel": "flights in 2013"},
    ),
    Part(
        "Delay",
        "SELECT round(avg(dep_delay), 1) AS minutes FROM flights",
        "COUNTER",
        (2, 1, 2, 3),
        {"counterColName": "minutes", "stringSuffix": " min", "counterLabel": "mean delay at departure"},
    ),
    Part(
        "Cancelled",
        "SELECT round(100.0 * count(*) FILTER (WHERE dep_time IS NULL) / count(*), 1) AS percent FROM flights",
        "COUNTER",
        (4, 1, 2, 3),
        {"counterColName": "percent", "stringSuffix": " %", "counterLabel": "never left"},
    ),
    Part(
        "Flights by month and airport",
        "SELECT make_date(year::int, month::int, 1) AS month, origin, count(*) AS flights FROM flights "
        "GROUP BY 1, 2 ORDER BY 1, 2",
        "CHART",
        (0, 4, 3, 8),
        {
            "globalSeriesType": "column",
            "columnMapping": {"month": "x", "flights": "y", "origin": "series"},
            "series": {"stacking": "stack"},
            "dateTimeFormat": "MMM",
        },
    ),
    Part(
        "Delay by hour of the day",
        "SELECT hour, origin, round(avg(dep_delay), 2) AS minutes FROM flights WHERE hour >= 5 "
        "GROUP BY 1, 2 ORDER BY 1, 2",
        "CHART",
        (3, 4, 3, 8),
        {
            "globalSeriesType": "line",
            "columnMapping": {"hour": "x", "minutes": "y", "origin": "series"},
            "yAxis": [{"title": {"text": "minutes"}}],
        },
    ),
    Part(
        "Carriers",
        "SELECT a.name AS carrier, count(*) AS flights, round(avg(f.dep_delay), 1) AS delay, max(f.dep_delay) AS worst "
        "FROM flights f JOIN airlines a ON a.carrier = f.carrier GROUP BY 1 ORDER BY 2 DESC",
        "TABLE",
        (0, 12, 3, 8),
        {"itemsPerPage": 10, "columns": [{"name": "flights", "numberFormat": "0,0"}]},
    ),
    Part(
        "Where they went",
        "SELECT dest, count(*) AS flights FROM flights GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 12",
        "CHART",
        (3, 12, 3, 8),
        {
            "globalSeriesType": "column",
            "columnMapping": {"dest": "x", "flights": "y"},
            "swappedAxes": True,
            "sortX": False,
        },
    ),
)


def make_dashboard(client: Client) -> bool:
    """Make it and run its queries; False when it is there already. It is a draft until it is complete."""
    listed = client.request("GET", "/api/dashboards", params=[("q", NAME), ("page_size", "250")])
    known = [one for one in listed["results"] if one["name"] == NAME]
    if any(not one["is_draft"] for one in known):
        return False
    (source,) = (one["id"] for one in client.request("GET", "/api/data_sources") if one["app"] == APP)
    made = known[-1] if known else client.request("POST", "/api/dashboards", body={"name": NAME})
    for widget in client.request("GET", f"/api/dashboards/{made['id']}")["widgets"]:
        client.request("DELETE", f"/api/widgets/{widget['id']}")
    jobs: list[str] = []
    _place(client, made["id"], (0, 0, 6, 1), text=_INTRODUCTION)
    for part in PARTS:
        body = {"name": part.name, "query": part.sql, "data_source_id": source, "tags": ["demo"]}
        query = client.request("POST", "/api/queries", body=body)
        shown = {"query_id": query["id"], "type": part.kind, "name": part.name, "options": part.options}
        picture = client.request("POST", "/api/visualizations", body=shown)
        _place(client, made["id"], part.place, visualization_id=picture["id"])
        ran = client.request("POST", f"/api/queries/{query['id']}/results", body={})
        jobs += [ran["job"]["id"]] if "job" in ran else []
    _wait(client, jobs)
    client.request("POST", f"/api/dashboards/{made['id']}", body={"is_draft": False, "tags": ["demo"]})
    return True


def _place(client: Client, dashboard: int, place: tuple[int, int, int, int], **shown: Any) -> None:
    position = dict(zip(("col", "row", "sizeX", "sizeY"), place, strict=True))
    body = {"dashboard_id": dashboard, "options": {"position": position}, **shown}
    client.request("POST", "/api/widgets", body=body)


def _wait(client: Client, jobs: list[str]) -> None:
    deadline = time.monotonic() + _SECONDS
    for job in jobs:
        while True:
            found = client.request("GET", f"/api/jobs/{job}")["job"]
            if found["status"] == 3:
                break
            if found["status"] > 3 or time.monotonic() > deadline:
                raise CommandError(f"A query of the dashboard came to no end: {found['error'] or 'too slow'}")
            time.sleep(0.05)
