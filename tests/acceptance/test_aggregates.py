"""Aggregates of the demo's 336,776 flights: equal to SQL written by hand, and refused when they would cost too much."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.kit.db import Pool
from penstock.tables.aggregates.cost import Sizes
from penstock.tables.settings import TablesSettings
from penstock_sdk.cli import demo_data
from tests.tables.workbench import APP, Records, Workbench, exact, module_database, workbench

__all__ = ["module_database", "workbench"]
pytestmark = pytest.mark.anyio
FLIGHTS = next(table for table in demo_data.TABLES if table.name == "flights")


@pytest.fixture(scope="module")
async def flights(workbench: Workbench) -> Records:
    schema = {name: part for name, part in FLIGHTS.schema.items() if name != "foreignKeys"}
    assert (await workbench.define(schema, "flights")).status_code == 201
    made = await workbench.client.post(f"/api/apps/{APP}/datatables/flights/materialize")
    assert made.status_code == 200, made.text
    (place,) = await workbench.fetch(
        "SELECT schemaname, tablename FROM pg_tables WHERE tablename = $1", made.json()["physical_table_name"]
    )
    with demo_data.opened_csv(FLIGHTS) as file:
        source = io.BytesIO(file.read())
    async with workbench.ctx.db.control.transaction() as conn:
        await conn.raw.copy_to_table(
            place["tablename"],
            schema_name=place["schemaname"],
            source=source,
            format="csv",
            header=True,
            null="NA",
        )
    found = Records(workbench.client, "flights")
    assert await found.total() == FLIGHTS.rows
    return found


async def rows_of(workbench: Workbench, sql: str) -> list[tuple[Any, ...]]:
    """`FLIGHTS` in the statement stands for the table."""
    (place,) = await workbench.fetch(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE tablename LIKE '%\\_flights'"
    )
    return [tuple(row) for row in await workbench.fetch(sql.replace("FLIGHTS", place[0]))]


async def test_delays_of_each_carrier_and_month(workbench: Workbench, flights: Records) -> None:
    answer = await flights.get(
        _aggregate="count(*) as flights, avg(dep_delay) as mean_delay",
        _group_by="carrier,month",
        page_size=1000,
    )
    assert answer.status_code == 200, answer.text
    expected = await rows_of(
        workbench,
        "SELECT carrier, month, count(*), avg(dep_delay) FROM FLIGHTS GROUP BY carrier, month ORDER BY carrier, month",
    )
    assert exact(answer)["total"] == len(expected) == 185
    assert [tuple(row.values()) for row in exact(answer)["data"]] == expected


async def test_the_busiest_hours_of_an_airport(workbench: Workbench, flights: Records) -> None:
    answer = await flights.get(
        _aggregate="count(*), max(dep_delay), sum(distance * 1.609344) as km, count(distinct tailnum) as aircraft",
        _group_by="extract(hour from time_hour at time zone 'America/New_York') as hour, origin",
        _having="count(*) > 5000 or aircraft < 10",
        origin__ne="LGA",
        ordering="-count",
        page_size=4,
    )
    assert answer.status_code == 200, answer.text
    expected = await rows_of(
        workbench,
        "SELECT extract(hour FROM time_hour AT TIME ZONE 'America/New_York'), origin, count(*), max(dep_delay), "
        "sum(distance * 1.609344), count(DISTINCT tailnum) FROM FLIGHTS WHERE origin <> 'LGA' GROUP BY 1, 2 "
        "HAVING count(*) > 5000 OR count(DISTINCT tailnum) < 10 ORDER BY 3 DESC, 1, 2",
    )
    assert exact(answer)["total"] == len(expected)
    assert [tuple(row.values()) for row in exact(answer)["data"]] == expected[:4]


async def test_walking_through_all_groups(workbench: Workbench, flights: Records) -> None:
    """Pages do not overlap although nearly all groups tie in the order."""
    seen: list[tuple[Any, ...]] = []
    for page in range(1, 100):
        answer = await flights.get(
            _aggregate="count(*)",
            _group_by="tailnum",
            ordering="count",
            page=page,
            page_size=1000,
            count="none",
        )
        seen += [tuple(row.values()) for row in answer.json()["data"]]
        if len(answer.json()["data"]) < 1000:
            break
    assert seen == await rows_of(
        workbench, "SELECT tailnum, count(*) FROM FLIGHTS GROUP BY tailnum ORDER BY 2, 1"
    )


async def test_a_collection_of_everything_stays_small(workbench: Workbench, flights: Records) -> None:
    """Where all values are kept they fill hundreds of megabytes; here the process grows by what a sort may use."""
    wide = ",".join(
        f"array_agg({name}) as a{place}" for place, name in enumerate(FLIGHTS.schema["primaryKey"])
    )
    before = await _peak(workbench)
    answer = await flights.get(_aggregate=f"{wide}, string_agg(time_hour) as s")
    assert answer.status_code == 400
    assert "at most 10,000 items" in answer.json()["detail"]
    assert await _peak(workbench) - before < 64 * 1024


async def _peak(workbench: Workbench) -> int:
    """The largest peak, in KiB, among the processes that serve records."""
    user = workbench.ctx.db.data.login.user
    pids = await workbench.fetch("SELECT pid FROM pg_stat_activity WHERE usename = $1", user)
    if not pids or not Path(f"/proc/{pids[0][0]}/status").exists():
        pytest.skip("the database is on another machine")
    peaks: list[int] = []
    for (pid,) in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        peaks += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks)


@contextmanager
def costing(workbench: Workbench, most: int) -> Iterator[None]:
    sections = workbench.ctx.sections
    before = sections[TablesSettings]
    sections[TablesSettings] = replace(before, max_aggregate_cost=most)
    try:
        yield
    finally:
        sections[TablesSettings] = before


async def test_what_costs_too_much_is_refused(
    workbench: Workbench, flights: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    single = Pool.single

    async def counted(self: Pool, sql: str, values: Any, *, repeatable: bool) -> Any:
        # Any moment may bring a look-up of identity, which is of the other pool.
        if self is workbench.ctx.db.data:
            seen.append(sql)
        return await single(self, sql, values, repeatable=repeatable)

    monkeypatch.setattr(Pool, "single", counted)
    workbench.ctx.put(Sizes())
    small = await workbench.table({"name": "n", "type": "integer"})
    await small.total()
    with costing(workbench, 100):
        seen.clear()
        answer = await flights.get(_aggregate="sum(distance)", dest="MIA")
        assert answer.status_code == 400
        assert "this server runs aggregates of up to 100." in answer.json()["_aggregate"][0]
        assert answer.json()["hint"] == "Narrow it by filters on fields that have an index."
        assert [sql[:7] for sql in seen] == ["SELECT ", "EXPLAIN"]
        # A narrow one is cheap on any table, and a small table is not asked about.
        one = await flights.get(
            _aggregate="count(*)", time_hour="2013-01-01T10:00:00Z", carrier="UA", flight=1545
        )
        assert one.json()["data"] == [{"count": 1}]
        for _ in range(2):
            seen.clear()
            assert (await small.get(_aggregate="count(*)")).status_code == 200
        assert len(seen) == 1
    with costing(workbench, 0):
        seen.clear()
        assert (await flights.get(_aggregate="sum(distance)")).json()["data"] == [{"sum_distance": 350217607}]
        assert len(seen) == 1
    # What the defaults let through.
    assert (
        await flights.get(_aggregate="avg(distance)", _group_by="dest,carrier,tailnum")
    ).status_code == 200
