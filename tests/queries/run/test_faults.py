"""Errors of queries: what is wrong, where in the text, and what would be right."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import penstock.queries
from penstock.identity import Role
from penstock.kit import errors
from penstock.queries import Scope
from penstock.queries.run.parse import parse
from tests.queries.lab import DOCS, FLAT, Lab, expect

pytestmark = pytest.mark.anyio
MOST = 256 * 1024


async def refused(lab: Lab, text: str, scope: Scope | None = FLAT) -> errors.Invalid:
    with pytest.raises(errors.Invalid) as found:
        await lab.prepare(text, scope)
    return found.value


@pytest.mark.parametrize(
    ("text", "word", "message", "hint"),
    [
        ("SELECT *\nFROM airline", "airline", "There is no table airline.", "airlines"),
        ("SELECT *\n  FROM airlines a, wether", "wether", "There is no table wether.", "weather"),
        ("SELECT nam FROM airlines", "nam", "There is no column 'nam'.", "name"),
        ("SELECT a.nam FROM airlines a", "a.nam", "'a' has no column 'nam'.", "name"),
        ("SELECT b.name FROM airlines a", "b.name", "FROM has no table 'b' here.", None),
        ("SELECT x.n FROM (SELECT name AS m FROM airlines) x", "x.n", "'x' has no column 'n'.", None),
        ("WITH x AS (SELECT name FROM airlines) SELECT nme FROM x", "nme", "There is no column 'nme'.", "name"),
        ("SELECT * FROM airlines WHERE EXISTS (SELECT FROM flights f WHERE f.carier = carrier)", "f.carier", "no column", "carrier"),
        ("SELECT * FROM airlines ORDER BY nme", "nme", "There is no column 'nme'.", "name"),
        ("SELECT cout(*) FROM airlines", "cout", "cout() is not a function", "count"),
        ("SELECT round(1, 2, 3)", "round", "round takes 1 to 2 arguments, not 3.", None),
        ("SELECT now(1)", "now", "now takes 0 arguments, not 1.", None),
        ("SELECT name froom airlines\nWHERE", "airlines", "'airlines' is not understood here.", None),
        ("SELECT name,\n FROM", "FROM", "not understood", None),
        ("SELECT count(* FROM airlines", "FROM", "expected", None),
        ("SELECT * FROM nyc.airlinez", "nyc.airlinez", "There is no table nyc.airlinez.", "nyc.airlines"),
        ("SELECT * FROM a.b.c.d", "c.d", "not", None),
        ("SELECT 1 ^ 2", "^", "power(a, b)", None),
        ("SELECT 'a\n", "'a", "string is not closed", None),
    ],
)  # fmt: skip
async def test_where_and_what(lab: Lab, text: str, word: str, message: str, hint: str | None) -> None:
    error = await refused(lab, text)
    assert message in error.message
    if hint is not None:
        assert error.hint is not None and f"'{hint}'" in error.hint
    position = error.more["position"]
    at = text.rindex(word)
    before = text[:at]
    assert position == {
        "line": before.count("\n") + 1,
        "column": at - (before.rfind("\n") + 1) + 1,
        "offset": at,
    }
    assert error.message.startswith(f"Line {position['line']}, column {position['column']}: ")
    body = error.body("r")
    assert body["position"] == position
    assert body["query"] == [error.message]


async def test_capitals_are_told(lab: Lab) -> None:
    tables = "/api/apps/demo/datasources/nyc/datatables?materialize=true"
    fields = [{"name": "Id", "type": "integer"}, {"name": "userName", "type": "string"}]
    schema = {"fields": fields, "primaryKey": ["Id"]}
    await expect(lab.client.post(tables, json={"name": "People", "json_schema": schema}), 201)
    assert 'Did you mean "People"' in str((await refused(lab, "SELECT * FROM People")).hint)
    assert 'Did you mean "userName"' in str((await refused(lab, 'SELECT userName FROM "People"')).hint)
    assert (await lab.prepare('SELECT "userName", p."Id" FROM "People" p')).columns == ("userName", "Id")


async def test_names_across_apps(lab: Lab) -> None:
    error = await refused(lab, "SELECT * FROM airlines", None)
    assert 'may be any of "demo"."nyc"."airlines", "docs"."papers"."airlines"' in error.message
    for text, scope in (
        ("SELECT count(*) FROM nyc.airlines", None),
        ('SELECT count(*) FROM "docs"."papers".airlines', FLAT),
        ("SELECT count(*) FROM papers.airlines", FLAT),
        ("SELECT count(*) FROM airlines", Scope("demo")),
        ("SELECT count(*) FROM airlines", Scope("demo", "elsewhere")),
    ):
        assert await lab.rows(text, scope) == [(16,)]
    query = await lab.prepare(
        "SELECT 1 FROM airlines a JOIN papers.airports b ON true JOIN airlines c ON true", DOCS
    )
    assert [(one.app, one.source, one.table) for one in query.tables] == [
        ("docs", "papers", "airlines"),
        ("docs", "papers", "airports"),
    ]
    assert (
        "There is no table airlines" in (await refused(lab, "SELECT * FROM airlines", Scope("none"))).message
    )


async def test_what_is_not_granted_is_not_there(lab: Lab) -> None:
    """No role on an app: its tables neither exist nor are hinted at."""
    stranger = lab.principal(None)
    with pytest.raises(errors.Invalid, match="There is no table airlines") as found:
        await lab.prepare("SELECT * FROM airlines", by=stranger)
    assert found.value.hint is None
    async with lab.ctx.db.control.transaction() as conn:
        table = await conn.value(
            "SELECT t.id FROM penstock.data_tables t JOIN penstock.apps a ON a.id = t.app_id "
            "WHERE a.slug = 'demo' AND t.name = 'airlines'"
        )
    guest = lab.principal(None, roles={("data_table", table): Role.COLLABORATOR})
    assert await lab.rows("SELECT count(*) FROM airlines", by=guest) == [(16,)]
    with pytest.raises(errors.Invalid, match="There is no table planes"):
        await lab.prepare("SELECT * FROM airlines, planes", by=guest)


async def test_the_first_reader_has_a_table_made(lab: Lab) -> None:
    schema = {"fields": [{"name": "id", "type": "integer"}], "primaryKey": ["id"]}
    body = {"name": "fresh", "json_schema": schema}
    await expect(lab.client.post("/api/apps/demo/datasources/nyc/datatables", json=body), 201)
    assert await lab.rows("SELECT count(*) FROM fresh") == [(0,)]


async def test_deleted_rows_are_asked_for(lab: Lab) -> None:
    fields = [{"name": "id", "type": "integer"}, {"name": "is_deleted", "type": "boolean"}]
    body = {"name": "bin", "json_schema": {"fields": fields, "primaryKey": ["id"]}}
    await expect(
        lab.client.post("/api/apps/demo/datasources/nyc/datatables?materialize=true", json=body), 201
    )
    data = "/api/apps/demo/datatables/bin/data"
    await expect(lab.client.post(data, json=[{"id": 1}, {"id": 2, "is_deleted": True}]), 201)
    assert await lab.rows("SELECT id FROM bin") == [(1,)]
    assert await lab.rows("SELECT id FROM bin WHERE is_deleted") == [(2,)]


async def test_a_limit_where_none_is_written(lab: Lab) -> None:
    assert len(await lab.rows("SELECT * FROM airports", limit=7)) == 7
    assert len(await lab.rows("SELECT * FROM airlines UNION ALL SELECT * FROM airlines", limit=20)) == 20
    assert len(await lab.rows("SELECT * FROM airports LIMIT 9", limit=7)) == 9
    assert len(await lab.rows("(SELECT * FROM airports LIMIT 9)", limit=7)) == 9
    assert len(await lab.rows("VALUES (1), (2)", limit=1)) == 1


async def test_fingerprints_are_of_question_and_reader(lab: Lab) -> None:
    one = await lab.prepare("SELECT  name FROM airlines -- here")
    assert one.fingerprint == (await lab.prepare("select name\nfrom airlines")).fingerprint
    assert one.fingerprint != (await lab.prepare("SELECT name FROM airlines", DOCS)).fingerprint
    assert one.fingerprint != (await lab.prepare("SELECT 'a b', name FROM airlines")).fingerprint
    assert (await lab.prepare("SELECT 'a b'")).fingerprint != (await lab.prepare("SELECT 'ab'")).fingerprint
    assert (
        one.fingerprint
        == (await lab.prepare("SELECT name FROM airlines", by=lab.principal(user=9))).fingerprint
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 2000 + "1" + ")" * 2000,
        "SELECT " + "NOT " * 5000 + "true",
        "SELECT " + "- " * 5000 + "1",
        "SELECT " + "CASE WHEN true THEN " * 1000 + "1" + " END" * 1000,
        "SELECT 1" + "::int" * 5000,
        "SELECT * FROM " + "(SELECT * FROM " * 2000 + "t" + ")" * 2000,
        "SELECT a" + "[1]" * 5000,
        "SELECT * FROM t " + "JOIN t " * 2000 + " ON true" * 2000,
        "SELECT a" + ".a" * 5000,
        "WITH a AS (" * 2000 + "SELECT 1" + ") SELECT 1" * 2000,
        "SELECT " + "FROM " * 5000 + "t",
        "SELECT 1::" + "STRUCT<a " * 5000 + "int" + ">" * 5000,
        "SELECT 1::" + "ARRAY<" * 5000 + "int" + ">" * 5000,
        "SELECT " + "{" * 5000,
        "SELECT a" + " AT TIME ZONE 'x'" * 5000,
        "SELECT a" + " -> 'b'" * 5000,
        "SELECT 1" + " UNION SELECT 1" * 5000,
        "SELECT 1" + "+1-1" * 5000,
        "SELECT " + "INTERVAL " * 5000 + "'1'",
        "SELECT a" + " IS NULL" * 5000,
        "SELECT " + "EXISTS (" * 5000,
        "/*" * 50_000,
        "SELECT " + "1," * 20_000 + "1",
        "SELECT '" + "x" * 300_000 + "'",
        "SELECT \0",
        "SELECT '\ud800'",
        "",
        "   -- nothing",
        ";",
        "SELECT",
        "(((",
        "WITH",
        "VALUES",
    ],
    ids=range(33),
)  # fmt: skip
def test_what_is_too_large_or_nothing_at_all(text: str) -> None:
    try:
        parse(text, MOST)
    except errors.Invalid as error:
        assert len(error.message) < 400
    else:
        # Chains of one operator are as long as one likes.
        assert text == "SELECT" or "->" in text or "IS NULL" in text


def test_only_rewrite_authorizes() -> None:
    package = Path(penstock.queries.__file__).parent
    makers = {
        path.name
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "AuthorizedQuery"
    }
    assert makers == {"rewrite.py"}
