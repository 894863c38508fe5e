"""SQL text in index definitions: an allow-list, and nothing of the caller's text survives but its meaning."""

from __future__ import annotations

import pytest

from penstock.tables.schema.expressions import checked
from tests.tables.workbench import Workbench

COLUMNS = ("id", "email", "Größe", "two words", "doc", "n")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("LOWER(email)", 'LOWER("email")'),
        ("lower ( email )", 'LOWER("email")'),
        ('"Größe" + 1', '"Größe" + 1'),
        ('"two words"', '"two words"'),
        ("n IS NOT NULL", '"n" IS NOT NULL'),
        ("n > 5 AND NOT (email LIKE 'a%' OR n IN (1, 2))", None),
        ("email = 'it''s -- no comment'", "\"email\" = 'it''s -- no comment'"),
        ("coalesce(email, 'x') || 'y'", None),
        ("doc ->> 'a'", None),
        ("n BETWEEN -1 AND 1.5 -- why", None),
        ("/* x */ n", '"n"'),
    ],
)
def test_what_is_allowed(text: str, printed: str | None) -> None:
    found = checked(text, COLUMNS)
    assert "--" not in found.replace("'it''s -- no comment'", "")
    assert checked(found, COLUMNS) == found
    if printed is not None:
        assert found == printed


@pytest.mark.parametrize(
    "text",
    [
        "",
        ";",
        "n; DROP TABLE x",
        "n) ; DROP TABLE x; --",
        "n, email",
        "nothing",
        "EMAIL",
        "t.email",
        "public.t.email",
        "*",
        "(SELECT 1)",
        "n IN (SELECT 1)",
        "EXISTS (SELECT 1)",
        "n = ANY(SELECT 1)",
        "random()",
        "now()",
        "current_user",
        "current_timestamp",
        "pg_sleep(1)",
        "lower(pg_read_file('/etc/passwd'))",
        "nextval('x')",
        "n::text",
        "CAST(n AS text)",
        "CASE WHEN n = 1 THEN 2 END",
        "sum(n)",
        "row_number() OVER ()",
        "$1",
        ":x",
        "?",
        "E'\\' OR 1=1'",
        "U&'\\0027'",
        "B'1'",
        'email COLLATE "de_DE"',
        "email ~ '(a+)+$'",
        "n DESC",
        "n IS DISTINCT FROM 1",
        "ARRAY[n]",
        "(n).x",
        "n[1]",
        "interval '1 day'",
        "a\0b",
        "n" * 1001,
        "(" * 900,
        "SELECT 1",
        "DROP TABLE x",
        "COPY x TO PROGRAM 'id'",
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        checked(text, COLUMNS)


@pytest.mark.anyio
async def test_what_is_allowed_makes_an_index(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "email", "type": "string"},
        {"name": "n", "type": "integer"},
        {"name": "doc", "type": "object"},
        indexes=[
            {"name": "folded", "expression": "LOWER(email)", "unique": True},
            {"name": "part", "fields": ["n"], "where": "n > 5 AND email IS NOT NULL"},
            {"name": "inner", "expression": "doc ->> 'a'"},
            {"name": "docs", "fields": ["doc"], "type": "gin"},
            {"name": "sum", "expression": "n * 2 + 1", "using": "brin"},
            {"name": "hashed", "fields": ["email"], "method": "hash"},
        ],
    )
    await table.add({"email": "A@b.c"})
    assert (await table.post({"email": "a@B.c"})).status_code == 409
    physical = (await workbench.details(table))["physical_table_name"].rpartition(".")[2]
    rows = await workbench.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = $1", physical)
    assert len(rows) == 7


@pytest.mark.anyio
async def test_what_postgresql_itself_refuses_is_a_sentence(workbench: Workbench) -> None:
    answer = await workbench.define(
        {
            "fields": [{"name": "id", "type": "integer"}, {"name": "a", "type": "string"}],
            "primaryKey": ["id"],
            "indexes": [{"name": "odd", "expression": "a + 1"}],
        }
    )
    name = answer.json()["name"]
    refused = await workbench.client.post(f"/api/apps/bench/datatables/{name}/materialize")
    assert refused.status_code == 400
    assert "PostgreSQL refuses to create index odd" in refused.json()["json_schema"][0]
    assert (await workbench.client.get(f"/api/apps/bench/datatables/{name}")).json()[
        "is_materialized"
    ] is False
