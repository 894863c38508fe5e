"""Related records of the demo's flights: equal to what SQL written by hand says, in one statement, by indexes."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from penstock_sdk.cli import demo_data
from tests.tables.workbench import APP, Records, Workbench, counted, exact, module_database, workbench

__all__ = ["counted", "module_database", "workbench"]
pytestmark = pytest.mark.anyio
LOADED = ("airlines", "airports", "flights")
Tables = Mapping[str, Records]


@pytest.fixture(scope="module")
async def tables(workbench: Workbench) -> Tables:
    for name in LOADED:
        table = next(one for one in demo_data.TABLES if one.name == name)
        assert (await workbench.define(table.schema, name)).status_code == 201
        made = await workbench.client.post(f"/api/apps/{APP}/datatables/{name}/materialize")
        assert made.status_code == 200, made.text
        with demo_data.opened_csv(table) as file:
            source = io.BytesIO(file.read())
        schema, _, place = (await place_of(workbench, name)).partition(".")
        async with workbench.ctx.db.control.transaction() as conn:
            await conn.raw.copy_to_table(
                place, schema_name=schema, source=source, format="csv", header=True, null="NA"
            )
            await conn.execute(f'ANALYZE {schema}."{place}"')
    return {name: Records(workbench.client, name) for name in LOADED}


async def place_of(workbench: Workbench, name: str) -> str:
    (row,) = await workbench.fetch(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename LIKE $1", f"%\\_{name}"
    )
    return row[0]


async def by_hand(workbench: Workbench, sql: str) -> list[Any]:
    """FLIGHTS, AIRLINES and AIRPORTS in the statement stand for the tables; its one column is JSON."""
    for name in LOADED:
        schema, _, place = (await place_of(workbench, name)).partition(".")
        sql = sql.replace(name.upper(), f'{schema}."{place}"')
    return [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in await workbench.fetch(sql)]


async def test_a_hundred_flights_with_all_they_refer_to(
    workbench: Workbench, tables: Tables, counted: Counter[str]
) -> None:
    wanted = {"populate": "*", "page_size": 100, "ordering": "-distance", "fields": "dest"}
    await tables["flights"].get(**wanted)
    counted.clear()
    answer = await tables["flights"].get(**wanted)
    assert answer.status_code == 200, answer.text
    # The control pool may look a key up anew at any time.
    assert counted["data"] == 1
    expected = await by_hand(
        workbench,
        "SELECT jsonb_build_object('dest', f.dest, 'flight', f.flight, 'airlines', to_jsonb(l) - 'search_vector', "
        "'airports', to_jsonb(p) - 'search_vector') "
        "FROM FLIGHTS f JOIN AIRLINES l ON l.carrier = f.carrier JOIN AIRPORTS p ON p.faa = f.origin "
        "ORDER BY f.distance DESC, f.time_hour, f.carrier, f.flight LIMIT 100",
    )
    body = answer.json()
    assert (len(body["data"]), body["total"]) == (100, 336_776)
    picked = [{name: row[name] for name in expected[0]} for row in body["data"]]
    assert picked == expected


async def test_conditions_on_what_is_related(workbench: Workbench, tables: Tables) -> None:
    flights = await tables["flights"].get(
        **{"airlines.name__startswith": "sky", "airports.alt__gt": "15", "page_size": 1000}
    )
    (expected,) = await by_hand(
        workbench,
        "SELECT count(*) FROM FLIGHTS f JOIN AIRLINES l ON l.carrier = f.carrier JOIN AIRPORTS p ON p.faa = f.origin "
        "WHERE l.name ILIKE 'sky%' AND p.alt > 15",
    )
    assert exact(flights)["total"] == expected > 0
    late = [row["carrier"] for row in await tables["airlines"].rows(**{"flights.dep_delay__gt": "800"})]
    expected = await by_hand(
        workbench,
        "SELECT to_json(l.carrier)::text FROM AIRLINES l WHERE EXISTS "
        "(SELECT FROM FLIGHTS f WHERE f.carrier = l.carrier AND f.dep_delay > 800) ORDER BY 1",
    )
    assert late == expected


async def test_flights_of_an_airline_are_found_by_an_index(workbench: Workbench, tables: Tables) -> None:
    (small,) = await tables["airlines"].rows(carrier="OO", populate="flights", fields="flights.flight")
    assert len(small["flights"]) == 32
    refused = await tables["airlines"].get("/UA", populate="flights")
    assert "more than 1,000 records in 'flights'" in refused.json()["populate"][0]
    assert await is_used(workbench, tables)


async def is_used(workbench: Workbench, tables: Tables) -> bool:
    """Whether the index of the foreign key is; PostgreSQL tells with a delay of a second or more."""
    place = (await place_of(workbench, "flights")).rpartition(".")[2]
    scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE relname = $1 AND indexrelname LIKE '%(carrier)%'"
    for _ in range(40):
        (row,) = await workbench.fetch(scans, place)
        if row[0]:
            return True
        await tables["airlines"].rows(carrier="OO", populate="flights")
        await asyncio.sleep(0.5)
    return False


async def test_a_way_through_a_table_of_facts(workbench: Workbench, tables: Tables) -> None:
    """From airports by what flies there: most have no flight at all, three have a third of them each."""
    started = time.perf_counter()
    first = await tables["airports"].get(populate="airlines", page_size=100)
    assert (first.status_code, time.perf_counter() - started < 10) == (200, True), first.text[:300]
    codes = "JFK,LGA,EWR,LAX"
    answer = await tables["airports"].get(populate="airlines", faa__in=codes, fields="faa", ordering="faa")
    assert answer.status_code == 200, answer.text
    found = {row["faa"]: [one["carrier"] for one in row["airlines"]] for row in answer.json()["data"]}
    expected = await by_hand(
        workbench,
        "SELECT jsonb_build_object('faa', p.faa, 'carriers', (SELECT coalesce(jsonb_agg(DISTINCT f.carrier), '[]') "
        f"FROM FLIGHTS f WHERE f.origin = p.faa)) FROM AIRPORTS p WHERE p.faa = ANY(string_to_array('{codes}', ','))",
    )
    assert found == {row["faa"]: sorted(row["carriers"]) for row in expected}
