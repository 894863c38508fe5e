"""The corpus of attacks: refused by the parser, and without the parser harmless, because of the role and the seal."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from penstock.identity import Principal, Role
from penstock.kit import errors
from penstock.queries import AuthorizedQuery
from tests.queries.lab import DOCS, Lab, expect

pytestmark = pytest.mark.anyio
CORPUS = [
    tuple(line.rsplit(" --> ", 1))
    for line in (Path(__file__).parent.parent / "attacks.sql").read_text("utf-8").splitlines()
    if line and not re.match(r"-- (?!.* --> )", line)
]
SECRET, ELSEWHERE = "of nobody else", "of another org"
PAPERS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "title", "type": "string"},
        {"name": "owner", "type": "integer"},
    ],
    "primaryKey": ["id"],
    "graph": {"types": ["cites"]},
}


@dataclass
class Target:
    """A table with rows that `reader` may not see, one of another org, and a query that reads the first."""

    names: dict[str, str]
    reader: Principal
    query: AuthorizedQuery


@pytest.fixture(scope="module")
async def target(lab: Lab) -> AsyncIterator[Target]:
    tables = "/api/apps/demo/datasources/nyc/datatables?materialize=true"
    await expect(lab.client.post(tables, json={"name": "papers", "json_schema": PAPERS}), 201)
    data = "/api/apps/demo/datatables/papers"
    rows = [{"title": "mine", "owner": 7}, {"title": SECRET, "owner": 8}, {"title": SECRET + "!", "owner": 9}]
    await expect(lab.client.post(f"{data}/data", json=rows), 201)
    await expect(lab.client.post(f"{data}/edges", json=[{"from": 2, "to": 3, "type": "cites"}]), 201)
    rule = {"name": "own", "read": {"owner": "$user.id"}}
    await expect(lab.client.post(f"{data}/rules", json=rule), 201)
    reader = lab.principal(Role.COLLABORATOR, 7)
    async with lab.ctx.db.control.transaction() as conn:
        hidden = await conn.value(
            "SELECT format('%I.%I', physical_schema, physical_name) FROM penstock.data_tables WHERE name = 'papers'"
        )
        schema, physical = (part.strip('"') for part in hidden.split("."))
        edges = await conn.value(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = $1 AND tablename LIKE $2",
            schema,
            physical.replace("_", r"\_") + "%edges%",
        )
        await conn.execute("CREATE SCHEMA IF NOT EXISTS org_of_others")
        await conn.execute("CREATE TABLE org_of_others.notes AS SELECT $$" + ELSEWHERE + "$$ AS title")
    names = {"hidden": hidden, "edges": edges, "other": "org_of_others.notes"}
    query = replace(await lab.prepare("SELECT title FROM papers", by=reader), timeout=1.0)
    yield Target(names, reader, query)


def test_there_are_enough() -> None:
    assert len(CORPUS) >= 150
    assert len({statement for statement, _ in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize(("statement", "reason"), CORPUS)
async def test_refused_by_the_parser(lab: Lab, target: Target, statement: str, reason: str) -> None:
    with pytest.raises(errors.Invalid) as refused:
        await lab.prepare(filled(statement, target), by=target.reader)
    assert reason.strip() in refused.value.message, refused.value.message


@pytest.mark.parametrize("statement", [statement for statement, _ in CORPUS])
async def test_harmless_without_it(lab: Lab, target: Target, statement: str) -> None:
    before = await state(lab)
    shown = ""
    async with lab.admitted(target.query) as reader:
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            # The extended protocol, in which a statement comes alone.
            shown += repr(await reader.fetch(filled(statement, target)))
        # Whatever it did to its own transaction, it has not widened what that may read.
        for name in ("hidden", "edges", "other"):
            with contextlib.suppress(
                asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
            ):
                shown += repr(await reader.fetch(f"SELECT * FROM {target.names[name]}"))
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            await reader.execute("COMMIT")
    assert SECRET not in shown and ELSEWHERE not in shown, shown
    assert "root:" not in shown
    assert await state(lab) == before


async def test_as_copy_it_is_harmless_too(lab: Lab, target: Target) -> None:
    """The other way to send a query."""
    async with lab.admitted(target.query) as reader:
        await reader.execute("SAVEPOINT s")
        for statement, _ in CORPUS:
            copied = f"COPY ({filled(statement, target)}) TO STDOUT"
            with contextlib.suppress(
                asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
            ):
                row = await reader.fetchrow(copied)
                assert row is None
            await reader.execute("ROLLBACK TO s")


async def test_the_reader_sees_what_is_theirs(lab: Lab, target: Target) -> None:
    assert await lab.run(target.query) == [("mine",)]
    owner = await lab.prepare("SELECT count(*) FROM papers")
    assert await lab.run(owner) == [(3,)]
    assert await lab.rows("SELECT count(*) FROM papers_edges", by=target.reader) == [(0,)]
    assert await lab.rows("SELECT from_id, to_id FROM papers_edges") == [(2, 3)]


async def test_the_policies_alone_keep_rows_back(lab: Lab, target: Target) -> None:
    statement = f"SELECT title FROM {target.names['hidden']}"
    async with lab.admitted(target.query) as reader:
        assert [row["title"] for row in await reader.fetch(statement)] == ["mine"]
    reachless = replace(target.query, reach=None)
    async with lab.admitted(reachless) as reader:
        assert await reader.fetch(statement) == []


async def test_a_seal_holds_for_its_own_words_and_transaction_only(lab: Lab, target: Target) -> None:
    statement = f"SELECT title FROM {target.names['hidden']}"
    everything = (await lab.prepare("SELECT title FROM papers")).reach
    async with lab.admitted(target.query) as reader:
        told = await reader.fetchrow(
            "SELECT current_setting('penstock.reach'), current_setting('penstock.seal')"
        )
        # Other words under the same seal.
        await reader.fetch("SELECT set_config('penstock.reach', $1, true)", everything)
        assert await reader.fetch(statement) == []
        await reader.fetch("SELECT set_config('penstock.reach', $1, true)", told[0])
        assert [row["title"] for row in await reader.fetch(statement)] == ["mine"]
        # The same words in another transaction of the same connection, and in another connection.
        await reader.execute("COMMIT")
        for _ in range(2):
            await reader.execute("BEGIN READ ONLY")
            await reader.fetch(
                "SELECT set_config('penstock.reach', $1, true), set_config('penstock.seal', $2, true)", *told
            )
            assert await reader.fetch(statement) == []
            await reader.execute("COMMIT")
    async with lab.admitted(replace(target.query, reach=None)) as reader:
        await reader.fetch(
            "SELECT set_config('penstock.reach', $1, true), set_config('penstock.seal', $2, true)", *told
        )
        assert await reader.fetch(statement) == []


async def test_bombs_end_with_the_time_they_have(lab: Lab, target: Target) -> None:
    for bomb in (
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
        "SELECT count(*) FROM flights a, flights b, flights c, flights d",
        "SELECT count(*) FROM generate_series(1, 100000000000) AS g(n)",
    ):
        query = replace(await lab.prepare(bomb), timeout=0.3)
        with pytest.raises(asyncpg.QueryCanceledError):
            await lab.run(query)


async def test_documents_are_kept_back_as_well(lab: Lab) -> None:
    tables = "/api/apps/docs/datasources/papers/datatables?materialize=true"
    await expect(lab.client.post(tables, json={"name": "letters", "json_schema": PAPERS}), 201)
    data = "/api/apps/docs/datatables/letters"
    rows = [{"title": "mine", "owner": 7}, {"title": SECRET, "owner": 8}]
    await expect(lab.client.post(f"{data}/data", json=rows), 201)
    rule = {"name": "own", "read": {"owner": "$user.id"}, "hidden_fields": ["owner"]}
    await expect(lab.client.post(f"{data}/rules", json=rule), 201)
    reader = lab.principal(Role.COLLABORATOR, 7)
    assert await lab.rows("SELECT * FROM letters", DOCS, reader) == [(1, "mine")]
    assert len(await lab.rows("SELECT * FROM letters", DOCS)) == 2
    with pytest.raises(errors.Invalid, match="no column 'owner'"):
        await lab.prepare("SELECT owner FROM letters", DOCS, reader)
    query = await lab.prepare("SELECT title FROM letters", DOCS, reader)
    bare = re.sub(r' WHERE .*\) AS "letters"', ') AS "letters"', query.literal_sql)
    assert bare != query.literal_sql
    assert await lab.run(replace(query, literal_sql=bare)) == [("mine",)]


def filled(statement: str, target: Target) -> str:
    for name, value in target.names.items():
        statement = statement.replace(f"{{{name}}}", value)
    return statement.replace('{{"', '{"').replace("]}}", "]}")


async def state(lab: Lab) -> Any:
    """What an attack could have changed in the database."""
    return await lab.direct(
        "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace <> 'pg_toast'::regnamespace),"
        " (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_roles),"
        " (SELECT md5(string_agg(setconfig::text, ',' ORDER BY setrole)) FROM pg_db_role_setting),"
        " (SELECT count(*) FROM pg_policy), (SELECT count(*) FROM pg_proc),"
        " (SELECT count(*) FROM pg_namespace)"
    )


async def test_no_two_readers_share_what_they_may_not(lab: Lab, target: Target) -> None:
    """The fingerprint is of the rules of the reader, too."""
    text = "SELECT title FROM papers"
    seven = [
        await lab.prepare(text, by=lab.principal(role, 7)) for role in (Role.COLLABORATOR, Role.OPERATOR)
    ]
    eight = await lab.prepare(text, by=lab.principal(Role.COLLABORATOR, 8))
    owner = await lab.prepare(text)
    assert seven[0].fingerprint == seven[1].fingerprint
    assert len({seven[0].fingerprint, eight.fingerprint, owner.fingerprint}) == 3
