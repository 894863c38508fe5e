"""Imports and exports of tables in MongoDB: the cases of ordinary tables, and what only documents have."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from penstock.identity.models import Role
from penstock.identity.store import people
from penstock.tables.providers.mongodb import engine, exporting
from penstock.tables.providers.mongodb.loading import DocumentsTarget
from penstock.tables.settings import TablesSettings
from tests.conftest import client_of
from tests.tables.bulk.test_export import (
    test_a_file_comes_back_as_it_went,
    test_conditions_order_fields_and_limit,
    test_csv_tells_null_from_empty_text,
    test_deleted_records_stay_out,
    test_ndjson_is_the_list,
    test_parquet_has_types,
    test_what_cannot_be_exported,
)
from tests.tables.bulk.test_import import (
    CODE,
    NAME,
    STOCK,
    lines,
    load,
    test_a_taken_value_is_a_conflict,
    test_abort_writes_nothing_and_names_the_rows,
    test_csv_text_becomes_typed_values,
    test_given_keys_move_the_sequence,
    test_ndjson_and_parquet,
    test_quarantine_keeps_rows_with_their_reasons,
    test_references_to_missing_records,
    test_skip_leaves_faulty_rows_out,
    test_the_progress_is_told_in_lines,
    test_upsert_takes_the_last_of_equal_rows,
)
from tests.tables.conftest import _member
from tests.tables.providers.mongodb.conftest import MongoBench
from tests.tables.workbench import APP, ID, Records

__all__ = [
    "test_a_file_comes_back_as_it_went",
    "test_a_taken_value_is_a_conflict",
    "test_abort_writes_nothing_and_names_the_rows",
    "test_conditions_order_fields_and_limit",
    "test_csv_tells_null_from_empty_text",
    "test_csv_text_becomes_typed_values",
    "test_deleted_records_stay_out",
    "test_given_keys_move_the_sequence",
    "test_ndjson_and_parquet",
    "test_ndjson_is_the_list",
    "test_parquet_has_types",
    "test_quarantine_keeps_rows_with_their_reasons",
    "test_references_to_missing_records",
    "test_skip_leaves_faulty_rows_out",
    "test_the_progress_is_told_in_lines",
    "test_upsert_takes_the_last_of_equal_rows",
    "test_what_cannot_be_exported",
]
pytestmark = pytest.mark.anyio
_NUMBERS = itertools.count(1)
NUMBER = {"name": "number", "type": "number"}


@pytest.fixture
def workbench(bench: MongoBench) -> MongoBench:
    return bench


def faulty(seed: int) -> list[dict[str, Any]]:
    """Rows of few values, so that many of them are in each other's way, or refer to nothing."""
    chance = random.Random(seed)
    return [
        {
            "id": chance.randint(1, 60),
            "name": f"n{n}",
            "code": f"c{chance.randint(0, 80)}",
            "stock": chance.randint(-1, 20),
            "a": chance.randint(1, 9),
            "b": chance.choice([None, *range(20)]),
            "above": chance.choice([None, 1, 2, 3, 4]),
        }
        for n in range(40)
    ]


def options() -> Iterator[dict[str, str]]:
    for on_error in ("abort", "skip"):
        for unique in ("id", "code", "a,b"):
            yield {"on_error": on_error, "mode": "upsert", "unique_fields": unique}
        yield {"on_error": on_error}
    yield {"on_error": "quarantine"}


@pytest.mark.parametrize("given", list(options()), ids=lambda one: "-".join(one.values()))
async def test_the_same_becomes_of_faulty_rows(bench: MongoBench, given: dict[str, str]) -> None:
    fields = (NAME, CODE, STOCK, *({"name": name, "type": "integer"} for name in ("a", "b", "above")))
    both = {"name": "both", "fields": ["a", "b"], "unique": True}
    pair: list[Records] = []
    for parent in await bench.twin(NAME):
        await parent.add(*({"name": f"p{n}"} for n in range(3)))
        key = {"fields": "above", "reference": {"resource": parent.name, "fields": "id"}}
        schema = {"fields": [ID, *fields], "primaryKey": ["id"], "indexes": [both], "foreignKeys": [key]}
        source = ("flat", "main")[len(pair)]
        pair.append(Records(bench.client, (await bench.define(schema, source=source)).json()["name"]))
    for seed in range(2):
        told = [await load(one, lines(*faulty(seed)), format="ndjson", **given) for one in pair]
        bodies = [re.sub(r"'t\d+'|\"(seconds|quarantine|request_id)\":[^,}]*", "", one.text) for one in told]
        assert bodies[0] == bodies[1]
        rows = [await one.rows(ordering="id") for one in pair]
        assert rows[0] == rows[1]


async def test_what_cannot_be_kept_is_faulty(bench: MongoBench) -> None:
    table = await bench.table(NAME, NUMBER)
    body = '{"name": "a", "number": %s}\n{"name": "b", "number": 2}\n' % ("1" * 35)
    told = (await load(table, body, format="ndjson", on_error="skip")).json()
    assert (told["created"], told["skipped"]) == (1, 1)
    assert told["faults"] == [
        {"row": 1, "field": "number", "reason": "The number has 35 digits; MongoDB keeps 34."}
    ]


async def test_an_import_begins_again_when_another_was_faster(
    bench: MongoBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's record is not in the snapshot of the import; then it is."""
    table, write, tries = await bench.table(NAME, CODE), DocumentsTarget.write, itertools.count(1)

    async def slowly(self: DocumentsTarget, *given: Any) -> int:
        found = await write(self, *given)
        if next(tries) == 1:
            # The transaction has read, and so has its snapshot.
            await table.add({"name": "other", "code": "c4999"}, {"name": "more", "code": "c5001"})
        return found

    monkeypatch.setattr(DocumentsTarget, "write", slowly)
    rows = [{"name": f"n{n}", "code": f"c{n}"} for n in range(5002) if n != 4999]
    refused = await load(table, lines(*rows), format="ndjson")
    assert refused.status_code == 409
    assert [one["row"] for one in refused.json()["faults"]] == [5001]
    assert await table.total() == 2
    told = (await load(table, lines(*rows), format="ndjson", on_error="skip")).json()
    assert (told["read"], told["created"], told["skipped"]) == (5001, 5000, 1)


async def test_transactions_that_mongodb_ends(bench: MongoBench, monkeypatch: pytest.MonkeyPatch) -> None:
    table, write, tries = await bench.table(NAME), DocumentsTarget.write, itertools.count(1)
    servers = bench.ctx.get(engine.Servers)

    async def ended(self: DocumentsTarget, *given: Any) -> int:
        found = await write(self, *given)
        if next(tries) != 2:
            for server in servers._servers.values():
                await server.client.admin.command("killAllSessions", [])
        return found

    monkeypatch.setattr(DocumentsTarget, "write", ended)
    body = lines(*({"name": f"n{n}"} for n in range(6000)))
    # At once is no question of age: it was tried again.
    assert (await load(table, lines({"name": "a"}), format="ndjson")).json()["created"] == 1
    monkeypatch.setattr(engine, "_SOON", 0)
    refused = await load(table, body, format="ndjson", on_error="quarantine")
    assert refused.status_code == 400, refused.text
    assert "transactionLifetimeLimitSeconds" in refused.json()["hint"]
    assert await table.total() == 1


async def test_larger_files_than_are_kept(bench: MongoBench, monkeypatch: pytest.MonkeyPatch) -> None:
    table, usual = await bench.table(NAME), bench.ctx.sections[TablesSettings]
    monkeypatch.setitem(bench.ctx.sections, TablesSettings, replace(usual, spool_limit=1000))
    refused = await load(table, lines(*[{"name": "x"}] * 100), format="ndjson")
    assert (refused.status_code, "into MongoDB" in refused.text) == (413, True)


async def test_without_transactions_nothing_is_imported(alone: MongoBench) -> None:
    table = await alone.table(NAME)

    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("nobody needs the file")
        yield b""

    refused = await load(table, body(), format="ndjson")
    assert refused.status_code == 400
    assert "stands alone" in refused.text
    await table.post({"name": "a"})
    assert (await table.get("/export", format="csv")).text == "id,name\n1,a\n"


@pytest.fixture(scope="module")
async def operator(bench: MongoBench) -> AsyncIterator[httpx2.AsyncClient]:
    async with bench.ctx.db.control.transaction() as conn:
        org = await people.org_by_slug(conn, "main")
        assert org is not None
        key = await _member(conn, org, f"loader-{next(_NUMBERS)}", Role.OPERATOR)
    assert bench.app is not None
    async with client_of(bench.app, key) as client:
        yield client


async def test_rules_hold_for_files(bench: MongoBench, operator: httpx2.AsyncClient) -> None:
    told: list[Any] = []
    for table in await bench.twin(NAME, CODE, {"name": "kind", "type": "string"}):
        rows = [{"name": n, "code": n, "kind": k} for n, k in (("a", "open"), ("b", "closed"), ("c", "open"))]
        await table.add(*rows)
        rule = {"name": "open", "read": {"kind": "open"}, "write": {"kind": "open"}}
        made = await bench.client.post(f"/api/apps/{APP}/datatables/{table.name}/rules/", json=rule)
        assert made.status_code == 201, made.text
        theirs = Records(operator, table.name)
        found: list[Any] = []
        for kind in ("csv", "ndjson"):
            found.append((await theirs.get("/export", format=kind, ordering="id")).text)
        sent = [
            {"code": "a", "name": "changed", "kind": "open"},
            {"code": "b", "name": "theirs", "kind": "open"},
            {"code": "c", "name": "given away", "kind": "closed"},
            {"code": "d", "name": "new", "kind": "open"},
            {"code": "e", "name": "new", "kind": "closed"},
        ]
        upsert = {"format": "ndjson", "mode": "upsert", "unique_fields": "code"}
        refused = await load(theirs, lines(*sent), **upsert)
        found.append((refused.status_code, refused.json()["faults"][0]))
        done = (await load(theirs, lines(*sent), **upsert, on_error="skip")).json()
        found += [done["created"], done["updated"], sorted(one["row"] for one in done["faults"])]
        found.append([{**row, "id": 0} for row in await table.rows(ordering="code")])
        told.append([json.loads(json.dumps(found).replace(table.name, "table"))])
    assert told[0] == told[1]


async def test_an_export_is_of_one_moment(bench: MongoBench, monkeypatch: pytest.MonkeyPatch) -> None:
    table = await bench.table(NAME)
    await table.add(*({"name": f"n{n}"} for n in range(50)))
    monkeypatch.setattr(exporting, "_PIECE", 10)
    pieces, begun = exporting.pieces, asyncio.Event()

    async def disturbed(*given: Any) -> AsyncIterator[bytes]:
        async for piece in pieces(*given):
            if not begun.is_set():
                begun.set()
                await table.delete("", filter='{"id__gt": 5}')
                await table.add({"name": "late"})
            yield piece

    monkeypatch.setattr(exporting, "pieces", disturbed)
    text = (await table.get("/export", format="ndjson")).text
    assert [json.loads(line)["id"] for line in text.splitlines()] == list(range(1, 51))
    assert await table.total() == 6


async def test_exports_of_a_search_and_of_edges(bench: MongoBench) -> None:
    told: list[Any] = []
    for table in await bench.twin(NAME, search_fields=["name"], graph={"types": ["near"]}):
        await table.add({"name": "red fox"}, {"name": "red red red"}, {"name": "fox"}, {"name": "red"})
        edges = f"/api/apps/{APP}/datatables/{table.name}/edges"
        sent = [{"from": 1, "to": n, "type": "near"} for n in (2, 3)]
        assert (await bench.client.post(edges, json=sent)).status_code == 201
        found = [(await table.get("/export", format="csv", search="red", **more)).text
                 for more in ({}, {"limit": 2}, {"ordering": "-id"}, {"ordering": "-id", "limit": 1})]  # fmt: skip
        also = f"/api/apps/{APP}/datatables/{table.name}_edges/data/export"
        answer = await bench.client.get(also, params={"format": "csv", "fields": "from_id,to_id,type"})
        told.append([*found, answer.text])
    assert told[0] == told[1]


async def test_quoting_is_that_of_postgresql(bench: MongoBench) -> None:
    texts = ["", "\\.", 'a "b"', "a,b", "a\nb", "a\rb", " a ", "é", "'", "\t", "NULL"]
    told: list[str] = []
    for table in await bench.twin({"name": "text", "type": "string"}, {"name": "any", "type": "any"}):
        await table.add(*({"text": one, "any": one} for one in texts))
        told.append((await table.get("/export", format="csv")).text)
    assert told[0] == told[1]
    alone: list[str] = []
    for source in ("flat", "main"):
        schema = {"fields": [{"name": "text", "type": "string"}], "primaryKey": ["text"]}
        table = Records(bench.client, (await bench.define(schema, source=source)).json()["name"])
        await table.add(*({"text": one} for one in texts))
        alone.append((await table.get("/export", format="csv")).text)
    assert alone[0] == alone[1]
