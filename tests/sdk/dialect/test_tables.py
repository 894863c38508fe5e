"""Which tables a query names: what the published script gets wrong, and its own examples."""

from __future__ import annotations

import pytest

from penstock_sdk._dialect.tables import UnreadableError, grammar_of, known_as, tables_in

WRONG_BEFORE = [
    ("select * from a t1, b t2 where t1.x=t2.x", "a, b"),
    ("SELECT * FROM a AS t1, b AS t2 ORDER BY 1", "a, b"),
    ("SELECT EXTRACT(DAY FROM created_at) FROM orders", "orders"),
    ("SELECT * FROM t WHERE a IS DISTINCT FROM b", "t"),
    ("SELECT t.valid_from AS vf FROM t", "t"),
    ("SELECT 1 -- copied from old_table\nFROM new_table", "new_table"),
    ("SELECT 'moved from attic' AS m FROM t", "t"),
    ("WITH recent AS (SELECT * FROM orders) SELECT * FROM recent", "orders"),
    ('SELECT * FROM "my schema"."my table"', "my schema.my table"),
    ("SELECT * FROM t;", "t"),
    ("SELECT * FROM `proj.ds.tbl`", "proj.ds.tbl"),
    ("SELECT * FROM public . users", "public.users"),
    ("SELECT * FROM a x, b y WHERE x.i IN (SELECT c, d FROM e WHERE 1=1)", "a, b, e"),
    ("SELECT p, q FROM a UNION SELECT r, s FROM b WHERE 1=1", "a, b"),
    ("SELECT * FROM generate_series(1,10) g", ""),
    ("SELECT * FROM t CROSS JOIN UNNEST(arr) u", "t"),
    ("SELECT * FROM ONLY parent", "parent"),
    ("SELECT * FROM a JOIN LATERAL (SELECT * FROM b WHERE b.x = a.x) l ON true", "a, b"),
    ("UPDATE accounts SET x=1", "accounts"),
    ("INSERT INTO log SELECT * FROM src", "log, src"),
    ("MERGE INTO tgt USING src ON tgt.id = src.id WHEN MATCHED THEN DELETE", "tgt, src"),
    ("DELETE FROM a USING b WHERE a.id = b.id", "a, b"),
]
THEIRS = [
    ("SELECT field FROM table0 LEFT JOIN table1 ON table0.field = table1.field", "table0, table1"),
    (
        "SELECT field FROM schema.table0 a LEFT JOIN schema.table1 b ON a.f = b.f",
        "schema.table0, schema.table1",
    ),
    (
        "SELECT f FROM table1,table2, table3 ,table4\n, table5 WHERE 1=1",
        "table1, table2, table3, table4, table5",
    ),
    ("SELECT f FROM [table0] LEFT JOIN [table1] ON [table0].f = [table1].f", "table0, table1"),
    ("SELECT f FROM t1 AS a, t2 b LEFT JOIN t3 ON a.f = t3.f WHERE a.f = b.f", "t1, t2, t3"),
]
MORE = [
    ("WITH x AS (SELECT * FROM x) SELECT * FROM x", "x"),
    ("WITH RECURSIVE x AS (SELECT 1 UNION SELECT n FROM x) SELECT * FROM x", ""),
    ("WITH a AS (SELECT 1) SELECT * FROM s.a", "s.a"),
    ("WITH a AS (SELECT * FROM one), b AS (SELECT * FROM a) SELECT * FROM b", "one"),
    ("SELECT * FROM (WITH a AS (SELECT * FROM one) SELECT * FROM a) q, a", "one, a"),
    ("TABLE t", "t"),
    ("SELECT * FROM a; SELECT * FROM b", "a, b"),
    ("SELECT * FROM t WHERE d BETWEEN '{{ r.start }}' AND '{{ r.end }}' {{#s}}AND x = {{ s }}{{/s}}", "t"),
]


@pytest.mark.parametrize(("sql", "expected"), WRONG_BEFORE + THEIRS + MORE)
def test_tables(sql: str, expected: str) -> None:
    assert ", ".join(tables_in(sql).tables) == expected


def test_a_parameter_in_place_of_a_table() -> None:
    found = tables_in("SELECT * FROM {{ table }} JOIN __parameter_0__ ON a = '{{ b }}'")
    assert (found.tables, found.parameters) == (("__parameter_0__",), ("table",))


@pytest.mark.parametrize("sql", ["SELEC 1 FRM x", "", "db.things.find({})", "things", "(" * 5000])
def test_what_cannot_be_read(sql: str) -> None:
    with pytest.raises(UnreadableError):
        tables_in(sql)


def test_names_as_the_schema_has_them() -> None:
    assert known_as("Users", ["public.users", "public.orders"]) == "public.users"
    assert known_as("db.public.users", ["public.users"]) == "public.users"
    assert known_as("users", ["a.users", "b.users"]) == "users"
    assert known_as("Users", ["users", "Users"]) == "Users"
    assert known_as("ghosts", ["users"]) is None


def test_grammars() -> None:
    assert [grammar_of(one) for one in ("pg", "rds_mysql", "azure_sql_dw", "BigQuery", "weird", "")] == [
        "postgres", "mysql", "tsql", "bigquery", None, None,
    ]  # fmt: skip
    assert tables_in("SELECT * FROM `a b`.`c`", "mysql").tables == ("a b.c",)
