"""New rows by COPY: they are the same as by a statement, and what COPY cannot do is done by one."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.tables.bulk import copying
from tests.tables.bulk.test_import import CODE, NAME, STOCK, lines, load
from tests.tables.workbench import ID, PROVIDER, Records, Workbench

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(PROVIDER != "flat_table", reason="documents go in by statements"),
]

FIELDS = (
    {"name": "some text", "type": "string"},
    {"name": "price", "type": "number"},
    {"name": "flag", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "clock", "type": "time"},
    {"name": "moment", "type": "datetime"},
    {"name": "doc", "type": "object"},
    {"name": "whatever", "type": "any"},
    {"name": "born", "type": "year"},
    {"name": "ref", "type": "uuid"},
    {"name": "month", "type": "yearmonth"},
    {"name": "made", "type": "string", "default": "by 'hand'"},
    {"name": "created_at", "type": "datetime"},
    {"name": "is_deleted", "type": "boolean"},
)
ROWS = (
    {"some text": 'a "b", \\N \r\n\t\b\f\x01\x7f\\"\\u0041😀', "price": 1.50,
     "flag": False, "day": "0001-01-01", "clock": "09:30:00.000001",
     "moment": "2025-03-01T09:30:00.5-03:30", "doc": {"a": [1.10, '"', None]}, "whatever": "x,y", "born": 1,
     "ref": "6F1B0E0E-5F0B-4D6E-9D59-111111111111", "month": "2025-03", "made": None},
    {"some text": "", "price": 1e-30, "moment": "9999-12-31T23:59:59Z", "whatever": [], "made": ""},
    {"some text": "\\.", "price": -123456789012345678901234567890.5, "moment": "2025-03-01T09:30:00"},
    {"some text": " null "},
    {},
)  # fmt: skip


class Copies:
    """How many parts went in by COPY, or did not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tried = 0
        copy_in = copying.copy_in

        async def counted(conn: Any, table: Any, found: copying.Lines) -> None:
            self.tried += 1
            await copy_in(conn, table, found)

        monkeypatch.setattr(copying, "copy_in", counted)


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Copies:
    return Copies(monkeypatch)


async def imported(table: Records, *rows: Any, **params: Any) -> Any:
    answer = await load(table, lines(*rows), format="ndjson", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_rows_are_the_same(
    workbench: Workbench, copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = [await workbench.table(*FIELDS) for _ in range(2)]
    assert (await imported(tables[0], *ROWS))["created"] == len(ROWS)
    assert copies.tried == 1
    monkeypatch.setattr(copying, "is_copied", lambda _: False)
    assert (await imported(tables[1], *ROWS))["created"] == len(ROWS)
    assert copies.tried == 1
    found = [await table.rows(ordering="id") for table in tables]
    for row in (*found[0], *found[1]):
        assert row.pop("created_at")
    assert found[0] == found[1]
    assert [row["some text"] for row in found[0]] == [row.get("some text") for row in ROWS]


async def test_what_copy_leaves_to_statements(workbench: Workbench, copies: Copies) -> None:
    one = await workbench.table(ID)
    some = await workbench.table(NAME, {"name": "created_at", "type": "datetime"})
    ranges = await workbench.table(NAME, {"name": "span", "type": "range", "of": "integer"})
    keys = await workbench.table({"name": "id", "type": "uuid"}, NAME)
    moment, key = "2025-03-01T00:00:00Z", "6f1b0e0e-5f0b-4d6e-9d59-111111111111"
    await imported(one, {"id": 5}, {})
    await imported(some, {"name": "a", "created_at": moment}, {"name": "b"})
    await imported(ranges, {"name": "a", "span": {"lower": 1}})
    await imported(keys, {"name": "a", "id": key}, {"name": "b"})
    assert copies.tried == 0
    assert [await table.total() for table in (one, some, ranges, keys)] == [2, 2, 1, 2]
    first, second = await some.rows(ordering="id")
    assert (first["created_at"], second["created_at"] > moment) == (moment, True)
    await imported(some, {"name": "c", "created_at": moment}, {"name": "d", "created_at": moment})
    await imported(keys, {"name": "c"}, {"name": "d"})
    await imported(keys, {"name": "e", "id": key.replace("1", "2")})
    assert copies.tried == 3
    assert await keys.total() == 5


async def test_keys_that_are_given_move_the_sequence(workbench: Workbench, copies: Copies) -> None:
    table = await workbench.table(NAME)
    await imported(table, {"id": 7, "name": "a"}, {"id": 9, "name": "b"})
    assert copies.tried == 1
    assert (await table.add({"name": "c"}))[0]["id"] == 10


async def test_refused_rows_are_named_and_copies_in_vain_end(
    workbench: Workbench, copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.tables.bulk.load._PART", 2)
    table = await workbench.table(NAME, CODE, STOCK)
    rows = [{"name": "a", "code": str(n // 2), "stock": n} for n in range(12)]
    told = await imported(table, *rows, on_error="skip")
    assert (told["created"], told["skipped"]) == (6, 6)
    assert [one["row"] for one in told["faults"]] == [2, 4, 6, 8, 10, 12]
    assert 3 <= copies.tried <= 4
    assert [row["stock"] for row in await table.rows(ordering="id")] == [0, 2, 4, 6, 8, 10]
    refused = await load(table, lines({"name": "b"}, {"name": "c", "code": "0"}), format="ndjson")
    assert (refused.status_code, refused.json()["faults"][0]["row"]) == (409, 2)


async def test_tables_with_rules(workbench: Workbench, copies: Copies) -> None:
    table = await workbench.table(NAME)
    url = f"{table.url.removesuffix('/data')}/rules"
    made = await workbench.client.post(url, json={"name": "all", "read": {}, "write": {}})
    assert made.status_code == 201, made.text
    assert (await imported(table, {"name": "a"}))["created"] == 1
    assert copies.tried == 0
