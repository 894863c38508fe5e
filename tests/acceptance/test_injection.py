"""Hostile text in every position of every request: nothing breaks, nothing changes, nothing comes out.

The database is dumped before and after. Only what a request may create for itself (a text stored as a text, a
table whose schema was accepted) may differ, and is checked for being exactly that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, unquote

import httpx2
import pytest

from penstock.kit.context import Context
from tests.conftest import client_of
from tests.tables import conftest as tables

pytestmark = pytest.mark.anyio
callers = tables.callers

MARKER = "the other orgs secret"
CORPUS = (
    "'",
    '"',
    "\\",
    "';",
    "''",
    '""',
    "\\'; DROP TABLE {rows}; --",
    "'; DROP TABLE {rows}; --",
    '"; DROP TABLE {rows}; --',
    "1; DELETE FROM {rows}",
    "1) OR (1=1",
    "1' OR '1'='1",
    '1" OR "1"="1',
    "id) FROM {rows}; DROP TABLE {rows}; --",
    "(SELECT secret FROM {other})",
    "' UNION SELECT secret FROM {other} --",
    "1 UNION ALL SELECT NULL,secret FROM {other}",
    "{other}.secret",
    "t.secret",
    "x.name",
    "penstock.api_keys",
    "pg_sleep(5)",
    "1;SELECT pg_sleep(5)",
    "pg_read_file('/etc/passwd')",
    "lo_import('/etc/passwd')",
    "current_setting('is_superuser')",
    "version()",
    "set_config('role','postgres',false)",
    "$1",
    "$1::text",
    "$$ $$",
    "$tag$ DROP $tag$",
    "%s",
    "%(x)s",
    ":x",
    "{0}",
    "{c}",
    "{{x}}",
    "/* */",
    "-- x",
    "\n; DROP TABLE {rows};\n",
    "U&'\\0027'",
    "E'\\''",
    "\u02bc\uff07\u2019",
    "\x00",
    "a\x00'; DROP TABLE {rows}",
    "\ufeff",
    "\u202e",
    "../../../etc/passwd",
    "..%2f..%2f",
    "%27%20OR%201=1",
    "%00",
    "${jndi:x}",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "A" * 3000,
    "[" * 50,
    '{"a":' * 50,
    "null",
    "NaN",
    "1e999999",
    "-9223372036854775809",
    "true",
    "[]",
    "{}",
    '{"$ne": null}',
    '{"operator": "or", "value": []}',
)
WORDS_OF_SQL = (
    "SELECT ",
    "syntax error",
    "pg_",
    "asyncpg",
    "Traceback",
    'relation "',
    "LINE 1",
    "#row",
    't."',
)
SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string"},
        {"name": "n", "type": "integer"},
        {"name": "doc", "type": "object"},
        {"name": "tags", "type": "array"},
        {"name": "span", "type": "range", "of": "integer"},
        {"name": "at", "type": "datetime"},
    ],
    "primaryKey": ["id"],
    "search_fields": ["name"],
}
TABLE = "/api/apps/shop/datatables/things"
DATA = f"{TABLE}/data"
DEFINITIONS = "/api/apps/shop/datasources/main/datatables"


class Attack:
    """The two orgs, and what must stay as it is."""

    def __init__(self, client: httpx2.AsyncClient, ctx: Context, rows: str, other: str) -> None:
        self.client = client
        self.ctx = ctx
        self.names = {"rows": rows, "other": other}
        self.answers = 0

    def corpus(self) -> Iterator[str]:
        for text in CORPUS:
            filled = text
            for name, value in self.names.items():
                filled = filled.replace("{" + name + "}", value)
            yield filled

    async def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        answer = await self.client.request(method, path, **options)
        told = f"{method} {path[:300]} {str(options)[:300]} -> {answer.status_code} {answer.text[:500]}"
        assert answer.status_code < 500, told
        assert MARKER not in answer.text, told
        if answer.status_code >= 400:
            body = answer.json()
            said = [body["detail"], body.get("hint", "")]
            sent = str(options) + unquote(path)
            for word in WORDS_OF_SQL:
                assert word in sent or not any(word in one for one in said), told
        self.answers += 1
        return answer

    async def dump(self) -> Any:
        """Every object of the database and every row of every table, but for what reading itself leaves behind."""
        async with self.ctx.db.control.transaction() as conn:
            objects = await conn.rows(
                "SELECT n.nspname, c.relname, c.relkind::text, c.relacl::text, "
                "(SELECT json_agg(json_build_array(a.attname, a.atttypid::regtype, a.attnotnull) ORDER BY a.attnum) "
                "FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)::text AS columns "
                "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2"
            )
            functions = await conn.rows(
                "SELECT p.oid::regprocedure::text, md5(p.prosrc) FROM pg_proc p "
                "JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'penstock' ORDER BY 1"
            )
            # Roles belong to the whole server, and other tests make theirs meanwhile.
            roles = await conn.rows(
                "SELECT rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname !~ '^penstock_' "
                "OR rolname IN (SELECT name FROM penstock.database_roles) ORDER BY 1"
            )
            rows: dict[str, Any] = {}
            for one in objects:
                name = f'"{one["nspname"]}"."{one["relname"]}"'
                if one["relkind"] == "r" and one["relname"] not in (
                    "rate_limits",
                    "sessions",
                    "audit_entries",
                ):
                    text = "(to_jsonb(t) - 'last_used_at')::text"
                    rows[name] = await conn.value(
                        f"SELECT md5(string_agg({text}, '' ORDER BY {text})) FROM {name} t"
                    )
        return [tuple(map(str, one)) for one in (*objects, *functions, *roles)], rows

    @asynccontextmanager
    async def unchanged(self) -> Any:
        before = await self.dump()
        yield
        after = await self.dump()
        assert after[0] == before[0]
        assert {name for name in after[1] if after[1][name] != before[1].get(name)} == set()
        assert self.answers


@pytest.fixture
async def attack(ctx: Context, callers: tables.Callers) -> Attack:
    places: list[str] = []
    for name in ("other", "owner"):
        client = callers[name]
        assert (await client.post("/api/apps", json={"name": "Shop"})).status_code == 201
        assert (await client.post("/api/apps/shop/datasources", json={"name": "Main"})).status_code == 201
        schema = SCHEMA
        if name == "other":
            schema = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "secret", "type": "string"}]}
        made = await client.post(
            f"{DEFINITIONS}?materialize=true", json={"name": "things", "json_schema": schema}
        )
        assert made.status_code == 201, made.text
        row = {"name": "plain", "n": 1, "doc": {"a": 1}, "tags": ["a"], "at": "2024-01-01T00:00:00Z"}
        rows = [{**row, "secret": MARKER, "name": MARKER}] if name == "other" else [row] * 3
        assert (await client.post(DATA, json=rows)).status_code == 201
        org = "other" if name == "other" else "main"
        async with ctx.db.control.transaction() as conn:
            places.append(
                await conn.value(
                    "SELECT quote_ident(t.physical_schema) || '.' || quote_ident(t.physical_name) "
                    "FROM penstock.data_tables t JOIN penstock.orgs o ON o.id = t.org_id WHERE o.slug = $1",
                    org,
                )
            )
    return Attack(callers["owner"], ctx, places[1], places[0])


FILTERABLE = ("id", "name", "n", "doc", "tags", "span", "at", "search_vector")
OPERATORS = (
    "eq",
    "in",
    "between",
    "contains",
    "like",
    "ilike",
    "ina",
    "null",
    "acontains",
    "rcontains",
    "search",
)


async def test_reads(attack: Attack) -> None:
    async with attack.unchanged():
        for text in attack.corpus():
            for name in (
                *("ordering", "fields", "select", "filters", "search", "after", "page", "page_size", "limit"),
                *("offset", "count", "_count", "format", "populate", "_aggregate", "_group_by", "api_key"),
            ):
                answer = await attack.send("GET", DATA, params={name: text})
                if answer.status_code == 200 and name in ("filters", "search"):
                    assert all(row["name"] == "plain" for row in answer.json()["data"])
            await attack.send("GET", DATA, params={text: "1"})
            await attack.send("GET", DATA, params={f"name__{text}": "1"})
            await attack.send("GET", DATA, params={f"{text}__in": "1"})
            await attack.send("GET", DATA, params={"ordering": f"name,-{text}"})
            await attack.send("GET", f"{DATA}?{''.join(filter(str.isprintable, text))}")
            for field in FILTERABLE:
                for operator in OPERATORS:
                    answer = await attack.send("GET", DATA, params={f"{field}__{operator}": text})
                    if answer.status_code == 200 and field == "name" and operator in ("eq", "in", "ina"):
                        assert answer.json()["data"] == []


async def test_filter_trees(attack: Attack) -> None:
    async with attack.unchanged():
        for text in attack.corpus():
            for tree in (
                {text: 1},
                {"name": text},
                {"n": text},
                {"n__in": [text]},
                {"doc": {text: text}},
                {"tags__acontains": [text, {text: text}]},
                {"span__roverlaps": {"lower": text, "upper": text}},
                {"span__roverlaps": {"lower": 1, "bounds": text}},
                {"field": text, "operator": "eq", "value": text},
                {"field": "name", "operator": text, "value": text},
                {"operator": text, "value": [{"name": text}]},
                {text: [{"name": text}]},
                {"not": {f"name__{text}": text}},
                {"or": [{"name__like": text}, {"name__ilike": f"%{text}%"}]},
            ):
                await attack.send("GET", DATA, params={"filters": json.dumps(tree)})


async def test_aggregates(attack: Attack) -> None:
    async with attack.unchanged():
        for text in attack.corpus():
            for aggregate in (
                f"{text}(n)",
                f"sum({text})",
                f'sum("{text}")',
                f"sum(n + {text}) as x",
                f"sum(n) as {text}",
                f'sum(n) as "{text}"',
                f"max(extract({text} from at)) as x",
                f"max(date_trunc('{text}', at)) as x",
                f"max(date_trunc('day', at at time zone '{text}')) as x",
                f"string_agg({text})",
            ):
                answer = await attack.send("GET", DATA, params={"_aggregate": aggregate})
                assert answer.status_code in (200, 400, 414), aggregate
            for name, value in (
                ("_group_by", text),
                ("_group_by", f'"{text}"'),
                ("_group_by", f"date_trunc('{text}', at)"),
                ("_group_by", f"date_trunc('day', at at time zone '{text}') as d"),
                ("_group_by", f"name as {text}"),
                ("_having", text),
                ("_having", f"{text} > 1"),
                ("_having", f"n > {text}"),
                ("_having", f"n__gt={text}"),
                ("_having", f"sum({text}) > 1"),
                ("ordering", text),
                ("search", text),
                ("name", text),
            ):
                answer = await attack.send("GET", DATA, params={"_aggregate": "sum(n) as n", name: value})
                assert answer.status_code in (200, 400, 414), (name, value)


async def test_paths(attack: Attack) -> None:
    async with attack.unchanged():
        for text in attack.corpus():
            part = quote(text, safe="") or "%20"
            for path in (
                f"{DATA}/{part}",
                f"/api/apps/{part}/datatables/things/data",
                f"/api/apps/shop/datatables/{part}/data",
                f"/api/apps/shop/datatables/{part}",
                f"/api/apps/shop/datasources/{part}",
                f"/api/apps/shop/datasources/{part}/datatables/things",
                f"/api/apps/{part}",
                f"/api/apps/{part}/openapi.json",
                f"{TABLE}/operation-history?status={part}",
                f"/api/apps/shop/datatables?datasource={part}&page={part}",
                f"/api/apps?page={part}&page_size={part}",
            ):
                answer = await attack.send("GET", path)
                assert answer.status_code in (200, 400, 404, 405, 414)
            for method, path, body in (
                ("PATCH", f"{DATA}/{part}", {"n": 7}),
                ("DELETE", f"{DATA}/{part}", None),
                ("PATCH", f"/api/apps/{part}", {"description": "x"}),
                ("DELETE", f"/api/apps/shop/datasources/{part}", None),
                ("DELETE", f"/api/apps/shop/datatables/{part}", None),
            ):
                answer = await attack.send(method, path, json=body)
                assert answer.status_code in (400, 404, 405), (method, path, answer.text)


async def test_headers(attack: Attack) -> None:
    async with attack.unchanged():
        for text in attack.corpus():
            value = text.encode("utf-8").replace(b"\0", b"").replace(b"\n", b" ")
            for name in (
                "If-None-Match",
                "If-Match",
                "X-Request-Id",
                "Accept",
                "X-Forwarded-For",
                "Origin",
                "Host",
            ):
                await attack.send("GET", f"{DATA}/1", headers={name.encode(): value})
            for name in ("Authorization", "X-Api-Key", "X-Session-Token"):
                answer = await attack.send("GET", DATA, headers={name.encode(): b"Key " + value})
                assert answer.status_code in (200, 401)
            for carrier in (b"Bearer ", b"Basic ", b"JWT ", b""):
                answer = await attack.send("GET", DATA, headers={b"Authorization": carrier + value})
                assert answer.status_code == 401
            answer = await attack.send(
                "PATCH", f"{DATA}/1", json={"n": 9}, headers={b"If-Match": b'"' + value + b'"'}
            )
            assert answer.status_code in (400, 412)


async def test_deletes(attack: Attack) -> None:
    async with attack.unchanged():
        for text in attack.corpus():
            for params in (
                {"ids": text},
                {"filter": text},
                {"filter": json.dumps({text: 1})},
                {"filter": json.dumps({"name": text})},
                {"filter": json.dumps({f"name__{text}": "plain"})},
                {"filter": json.dumps({"filters": text})},
                {"filter": json.dumps({"name": "nobody", "filters": text})},
                {text: "1"},
            ):
                answer = await attack.send("DELETE", DATA, params=params)
                assert answer.status_code == 400 or answer.json()["deleted"] == 0, (params, answer.text)


async def test_writes_store_text_as_text(attack: Attack) -> None:
    objects, _ = await attack.dump()
    for text in attack.corpus():
        for body in (
            {text: 1},
            {"n": text},
            {"at": text},
            {"span": {"lower": text}},
            {"span": {"bounds": f"{text}["}},
            {"id": text},
        ):
            refused = await attack.send("POST", DATA, json=body)
            assert refused.status_code == 400, (body, refused.text)
            await attack.send("POST", f"{DATA}/upsert", json={"id": 1, **body} if "id" not in body else body)
            assert (await attack.send("PATCH", DATA, json=[{"id": 1, **body}])).status_code in (400, 404)
        answer = await attack.send(
            "POST", f"{DATA}/upsert", params={"unique_fields": text}, json={"id": 1, "n": 1}
        )
        assert answer.status_code == 400
        answer = await attack.send("POST", DATA, params={text: "1"}, json={})
        assert answer.status_code == 400
        made = await attack.send("POST", DATA, json={"name": text, "doc": {text: text}, "tags": [text]})
        if "\0" in text:
            assert made.status_code == 400
            continue
        row = made.json()["data"]
        assert (row["name"], row["doc"], row["tags"]) == (text, {text: text}, [text])
        key = {b"Idempotency-Key": text.encode().replace(b"\n", b" ")[:255]}
        again = await attack.send("PATCH", f"{DATA}/{row['id']}", json={"name": text}, headers=key)
        assert again.status_code in (200, 400)
        found = await attack.send("GET", DATA, params={"name": text, "page_size": 1000})
        assert row["id"] in [one["id"] for one in found.json()["data"]]
        gone = await attack.send(
            "DELETE", DATA, params={"filter": json.dumps({"name": text, "id": row["id"]})}
        )
        assert gone.json() == {"deleted": 1}
    assert [row["name"] for row in (await attack.send("GET", DATA)).json()["data"]] == ["plain"] * 3
    assert (await attack.dump())[0] == objects


def schemas(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema with the text in each of its places."""
    key = {"name": "id", "type": "integer"}
    plain = {"name": "a", "type": "string"}
    doubled = text.replace("'", "''")

    def made(*fields: Any, **more: Any) -> dict[str, Any]:
        return {"fields": [key, *fields], "primaryKey": ["id"], **more}

    yield (
        "quoted",
        made(
            {
                **plain,
                "title": text,
                "description": text,
                "default": text,
                "constraints": {"enum": [text, "x"]},
            },
            {"name": "b", "type": "object", "default": {text: text}},
            indexes=[{"name": "i", "expression": f"coalesce(a, '{doubled}')", "comment": text}],
            title=text,
            description=text,
            **{text: text},
        ),
    )
    yield "field", made({"name": text, "type": "string"})
    yield "type", made({"name": "a", "type": text})
    yield "format", made({"name": "a", "type": "string", "format": text})
    yield "of", made({"name": "a", "type": "range", "of": text})
    yield "pattern", made({**plain, "constraints": {"pattern": text}})
    yield "minimum", made({"name": "a", "type": "number", "constraints": {"minimum": text}})
    yield "length", made({**plain, "constraints": {"minLength": text}})
    yield "key", {"fields": [key, plain], "primaryKey": [text]}
    yield "index name", made(plain, indexes=[{"name": text, "fields": ["a"]}])
    yield "index field", made(plain, indexes=[{"name": "i", "fields": [text]}])
    yield "index method", made(plain, indexes=[{"name": "i", "fields": ["a"], "type": text}])
    yield "expression", made(plain, indexes=[{"name": "i", "expression": text}])
    yield "literal", made(plain, indexes=[{"name": "i", "expression": f"coalesce(a, '{text}')"}])
    yield "argument", made(plain, indexes=[{"name": "i", "expression": f"lower({text})"}])
    yield "where", made(plain, indexes=[{"name": "i", "fields": ["a"], "where": text}])
    yield "condition", made(plain, indexes=[{"name": "i", "fields": ["a"], "where": f"a = 'x' OR {text}"}])
    yield "search", made(plain, search_fields=[text])
    yield "weight", made(plain, search_fields=[{"field": "a", "weight": text}])
    yield "language", made(plain, search_fields=["a"], search_language=text)
    yield (
        "reference",
        made(plain, foreignKeys=[{"fields": ["a"], "reference": {"resource": text, "fields": ["id"]}}]),
    )
    yield (
        "referenced",
        made(
            {"name": "a", "type": "integer"},
            foreignKeys=[{"fields": ["a"], "reference": {"resource": "", "fields": [text]}}],
        ),
    )
    yield (
        "action",
        made(
            {"name": "a", "type": "integer"},
            foreignKeys=[
                {
                    "fields": ["a"],
                    "reference": {"resource": "", "fields": ["id"]},
                    "x-actions": {"onDelete": text},
                }
            ],
        ),
    )


async def test_definitions(attack: Attack) -> None:
    before = await attack.dump()
    accepted: set[str] = set()
    for text in attack.corpus():
        for what, schema in schemas(text):
            body = {"name": "probe", "description": text.replace("\0", ""), "json_schema": schema}
            answer = await attack.send("POST", f"{DEFINITIONS}?materialize=true", json=body)
            assert answer.status_code in (201, 400), (what, text, answer.text)
            if answer.status_code == 201:
                accepted.add(what)
                assert answer.json()["json_schema"] == schema
                stored = await attack.send("POST", "/api/apps/shop/datatables/probe/data", json={"a": text})
                assert stored.status_code in (201, 400)
                await drop_probe(attack)
            else:
                assert "json_schema" in answer.json()["errors"], answer.text
        for body in ({"name": text, "json_schema": SCHEMA}, {"name": "probe", "json_schema": text}):
            answer = await attack.send("POST", DEFINITIONS, json=body)
            assert answer.status_code in (201, 400)
            if answer.status_code == 201:
                assert (
                    await attack.client.delete(f"{DEFINITIONS}/{quote(text, safe='')}")
                ).status_code == 204
        await attack.send("POST", f"{TABLE}/validate_data", json={"data": [{text: text, "n": text}]})
    assert {"quoted", "pattern"} <= accepted
    assert not {"type", "of", "index method", "action", "weight", "language", "key", "search"} & accepted
    after = await attack.dump()
    objects = set(after[0]) - set(before[0])
    assert not set(before[0]) - set(after[0])
    assert not objects, objects
    changed = {name.split('"')[3] for name in after[1] if after[1][name] != before[1].get(name)}
    assert changed <= {"data_tables", "operation_history"}, changed


async def drop_probe(attack: Attack) -> None:
    """A deleted table keeps its rows; here all of it goes, so that what is left can be compared."""
    assert (await attack.client.delete(f"{DEFINITIONS}/probe")).status_code == 204
    async with attack.ctx.db.control.transaction() as conn:
        place = await conn.value(
            "SELECT quote_ident(physical_schema) || '.' || quote_ident(physical_name) "
            "FROM penstock.data_tables WHERE name = 'probe' ORDER BY id DESC LIMIT 1"
        )
        await conn.execute(f"DROP TABLE {place}")


async def test_apps_sources_and_logins(attack: Attack, app: Any) -> None:
    for text in attack.corpus():
        for path, name in (("/api/apps", "name"), ("/api/apps/shop/datasources", "name")):
            answer = await attack.send("POST", path, json={name: text, "description": text})
            assert answer.status_code in (201, 400), answer.text
            if answer.status_code == 201:
                assert answer.json()["name"] == text
                assert (await attack.client.get(f"{path}/{answer.json()['slug']}")).json()[
                    "description"
                ] == text
            assert (await attack.send("POST", path, json={"name": "x", "slug": text})).status_code in (
                201,
                400,
            )
        source = {"name": "x", "provider_type": text, "provider_config": {text: text}}
        assert (await attack.send("POST", "/api/apps/shop/datasources", json=source)).status_code == 400
    async with client_of(app, None) as stranger:
        for text in attack.corpus():
            for body in ({"email": text, "password": text}, {"username": text, "password": text}):
                for path in ("/_allauth/app/v1/auth/login", "/api/auth/jwt/token"):
                    answer = await stranger.post(path, json=body)
                    assert answer.status_code in (400, 401, 429), answer.text
