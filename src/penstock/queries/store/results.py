"""Results: rows to models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from penstock.kit import statements
from penstock.kit.db import Connection, Row
from penstock.queries.results.columns import Column, Kind
from penstock.queries.results.models import Result, StoredFile
from penstock.queries.run.request import QueryRequest

GONE_CHANNEL: Final = "penstock_results"
QUERIES: Final = statements.load("penstock.queries.store")
_columns = msgspec.json.Decoder(list[tuple[str, str]])
_request = msgspec.json.Decoder(QueryRequest)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A result to be stored, beside its file."""

    org_id: int
    fingerprint: str
    request: QueryRequest
    query_hash: str
    query_text: str
    query_id: int | None
    runtime: float


async def newest(
    conn: Connection, org_id: int, fingerprint: str, max_age: float | None = None
) -> Result | None:
    row = await conn.row(QUERIES["newest_result"], org_id, fingerprint, max_age)
    return None if row is None else _result(row)


async def newest_of(conn: Connection, org_id: int, query_ids: Sequence[int]) -> dict[int, Result]:
    """The newest result of each of these saved queries."""
    if not query_ids:
        return {}
    rows = await conn.rows(QUERIES["newest_of"], org_id, list(query_ids))
    return {row["query_id"]: _result(row) for row in rows}


async def result(conn: Connection, org_id: int, result_id: int) -> Result | None:
    row = await conn.row(QUERIES["result"], org_id, result_id)
    return None if row is None else _result(row)


async def add_result(conn: Connection, wanted: Wanted, file: StoredFile) -> int:
    columns = msgspec.json.encode([(one.name, one.kind.value) for one in file.columns]).decode()
    return await conn.value(
        QUERIES["add_result"],
        wanted.org_id,
        wanted.fingerprint,
        msgspec.json.encode(wanted.request).decode(),
        wanted.query_hash,
        wanted.query_text,
        wanted.request.data_source_id,
        wanted.query_id,
        file.name,
        columns,
        list(file.ends),
        file.size,
        file.truncated,
        wanted.runtime,
    )


async def counted(conn: Connection, org_id: int) -> dict[str, int]:
    """How many users, alerts, data sources, queries and dashboards an org has."""
    row = await conn.row(QUERIES["counted"], org_id)
    assert row is not None
    names = ("users", "alerts", "data_sources", "queries", "dashboards")
    return {name: row[name] for name in names}


async def installed(conn: Connection) -> dict[str, int]:
    """How many queries, dashboards, widgets and results there are in all orgs, and how large these are."""
    row = await conn.row(QUERIES["installed"])
    assert row is not None
    names = ("queries", "dashboards", "widgets", "query_results", "unused_query_results")
    return {name: row[name] for name in (*names, "results_size", "outdated", "size")}


async def forgotten(conn: Connection, seconds: float, most: int) -> list[tuple[int, str]]:
    """The ids and files of results that nobody shows any more."""
    return [(row["id"], row["file"]) for row in await conn.rows(QUERIES["forgotten_results"], seconds, most)]


async def drop_results(conn: Connection, ids: Sequence[int]) -> None:
    if ids:
        await conn.execute(QUERIES["drop_results"], list(ids))
        await tell_gone(conn)


async def tell_gone(conn: Connection) -> None:
    """Every process that remembers results, or pages of them, forgets them all: hourly, if so often."""
    await conn.notify(GONE_CHANNEL, "")


async def known_files(conn: Connection, names: Sequence[str]) -> set[str]:
    return {row["file"] for row in await conn.rows(QUERIES["known_files"], list(names))}


def _result(row: Row) -> Result:
    columns = [Column(name, Kind(kind)) for name, kind in _columns.decode(row["columns"])]
    file = StoredFile(row["file"], tuple(columns), tuple(row["ends"]), row["size"], row["truncated"])
    own: dict[str, Any] = {name: row[name] for name in ("id", "org_id", "fingerprint", "query_hash")}
    return Result(
        **own,
        request=_request.decode(row["request"]),
        query_text=row["query_text"],
        data_source_id=row["data_source_id"],
        query_id=row["query_id"],
        file=file,
        runtime=row["runtime"],
        retrieved_at=row["retrieved_at"],
    )
