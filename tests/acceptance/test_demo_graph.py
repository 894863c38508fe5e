"""The demo's airports as a graph of routes, switched on for a table that is filled: as SQL written by hand walks it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import pytest

from penstock_sdk.cli import demo_data
from tests.tables.workbench import APP, Records, Workbench, module_database, workbench

__all__ = ["module_database", "workbench"]
pytestmark = pytest.mark.anyio
AIRPORTS = f"/api/apps/{APP}/datatables/airports"
ROUTES: Mapping[str, Any] = {"graph": {"types": [{"name": "route", "inverse": "route_back"}]}}


def table(name: str) -> demo_data.DemoTable:
    return next(one for one in demo_data.TABLES if one.name == name)


def read(name: str) -> list[dict[str, str]]:
    with demo_data.opened_csv(table(name)) as file:
        return list(csv.DictReader(io.StringIO(file.read().decode())))


def routes() -> list[tuple[str, str]]:
    """Between airports that are both in the data; who flies there flies back."""
    known = {row["faa"] for row in read("airports")}
    pairs = {(row["origin"], row["dest"]) for row in read("flights")}
    ways = {pair for pair in pairs if known.issuperset(pair) and pair[0] != pair[1]}
    return sorted(ways | {(to, origin) for origin, to in ways})


@pytest.fixture(scope="module")
async def airports(workbench: Workbench) -> Records:
    definition = table("airports").schema
    assert (await workbench.define(definition, "airports")).status_code == 201
    with demo_data.opened_csv(table("airports")) as file:
        sent = await workbench.client.post(
            f"{AIRPORTS}/data/import?null=NA", content=file.read(), headers={"Content-Type": "text/csv"}
        )
    assert sent.status_code == 200, sent.text
    switched = await workbench.client.patch(AIRPORTS, json={"json_schema": {**definition, **ROUTES}})
    assert switched.status_code == 200, switched.text
    body = [{"from": origin, "to": to, "type": "route"} for origin, to in routes()]
    made = await workbench.client.post(f"{AIRPORTS}/edges/", json=body)
    assert made.status_code == 201, made.text
    return Records(workbench.client, "airports")


async def by_hand(workbench: Workbench, start: str, hops: int) -> dict[str, int]:
    """Airports with the fewest hops, by a recursive query over the stored edges."""
    row = await workbench.fetch(
        "SELECT physical_schema AS s, physical_name AS n FROM penstock.data_tables WHERE name = 'airports'"
    )
    (edges,) = await workbench.fetch(
        "SELECT conrelid::regclass::text AS t FROM pg_constraint "
        "WHERE confrelid = format('%I.%I', $1::text, $2::text)::regclass LIMIT 1",
        row[0]["s"],
        row[0]["n"],
    )
    found = await workbench.fetch(
        'WITH RECURSIVE walk(code, hops) AS (SELECT $1::text COLLATE "C", 0 UNION '
        f"SELECT e.to_id, w.hops + 1 FROM walk w JOIN {edges['t']} e ON e.from_id = w.code WHERE w.hops < $2) "
        "SELECT code, min(hops) AS hops FROM walk GROUP BY code",
        start,
        hops,
    )
    return {one["code"]: one["hops"] for one in found}


@pytest.mark.parametrize("hops", [1, 2, 3])
async def test_what_can_be_reached_from_jfk(workbench: Workbench, airports: Records, hops: int) -> None:
    answer = await airports.get(
        faa="JFK", format="graph", include="ancestors", depth=str(hops), relationship_type="route"
    )
    assert answer.status_code == 200, answer.text
    nodes = {one["faa"]: one["_depth"] for one in answer.json()["data"]["nodes"]}
    assert nodes == await by_hand(workbench, "JFK", hops)
    assert (nodes["JFK"], len(nodes) > 60) == (0, True)
    if hops > 1:
        assert (nodes["LGA"], nodes["EWR"]) == (2, 2)
    flat = await airports.get("/JFK", include="ancestors", depth=str(hops))
    assert {one["faa"] for one in flat.json()["data"]["route"]} == set(nodes) - {"JFK"}


async def test_a_way_between_two_airports(workbench: Workbench, airports: Records) -> None:
    answer = await workbench.client.get(f"{AIRPORTS}/edges/path/", params={"from": "ANC", "to": "LGA"})
    assert answer.status_code == 200, answer.text
    assert (await by_hand(workbench, "ANC", 10))["LGA"] == len(answer.json()["data"]["edges"])
