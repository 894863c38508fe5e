"""Foreign databases: statements that run there as they are, and rows that are joined with ours."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from penstock.kit.context import Context
from tests import mariadb as system
from tests.databases import TestDatabase
from tests.mongodb import replica_set
from tests.queries.engine.conftest import VISITS, Elsewhere, postgres_options

__all__ = ["replica_set"]
pytestmark = pytest.mark.anyio
ORDERS = [(n, n % 10 + 1, Decimal(n) / 8, f"Ünïcode {n}") for n in range(1, 61)]
NOTES: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "person", "type": "integer"},
        {"name": "weight", "type": "number"},
        {"name": "text", "type": "string"},
        {"name": "at", "type": "datetime"},
        {"name": "more", "type": "object"},
    ],
    "primaryKey": ["id"],
}


@pytest.fixture
def orders(mariadb: int) -> int:
    values = ", ".join(f"({n}, {person}, {total}, '{note}')" for n, person, total, note in ORDERS)
    system.run(
        mariadb,
        "DROP TABLE IF EXISTS orders, odd",
        "CREATE TABLE orders (id BIGINT UNSIGNED PRIMARY KEY, person INT, total DECIMAL(12, 3), note VARCHAR(50))",
        f"INSERT INTO orders VALUES {values}",
    )
    return mariadb


def mysql_options(port: int, **more: Any) -> dict[str, Any]:
    given = {"host": "127.0.0.1", "port": port, "database": system.DATABASE, "user": system.USER}
    return {**given, "password": system.PASSWORD, **more}


@pytest.fixture
async def theirs(database: TestDatabase, ctx: Context, postgres_port: int) -> dict[str, Any]:
    """A PostgreSQL with a table of its own."""
    reader = database.logins.data.user
    async with ctx.db.control.transaction() as conn:
        await conn.execute("CREATE SCHEMA outside")
        await conn.execute(f'GRANT USAGE ON SCHEMA outside TO "{reader}"')
        await conn.execute(
            "CREATE TABLE outside.towns AS SELECT n AS id, 'Town ' || n AS name, n::numeric / 3 AS height, "
            "now() AS seen, jsonb_build_object('n', n) AS more FROM generate_series(1, 12) AS g(n)"
        )
        await conn.execute(f'GRANT SELECT ON outside.towns TO "{reader}"')
    return postgres_options(database, postgres_port)


async def test_postgresql_runs_it_itself(elsewhere: Elsewhere, theirs: dict[str, Any]) -> None:
    source = await elsewhere.add("Towns", "pg", **theirs)
    rows = await elsewhere.rows(
        source, "SELECT name, height > 1 AS high FROM outside.towns ORDER BY id LIMIT 2"
    )
    assert rows == [{"name": "Town 1", "high": False}, {"name": "Town 2", "high": False}]
    (row,) = await elsewhere.rows(source, "SELECT to_char(count(*), 'FM99') AS n FROM towns.outside.towns")
    assert row == {"n": "12"}
    assert "does not exist" in await elsewhere.failed(source, "SELECT * FROM outside.villages")
    for refused in (
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT * FROM pg_authid",
        "SELECT pg_read_file('/etc/passwd')",
        "DELETE FROM outside.towns",
        "SELECT 1; SELECT 2",
        "SELECT * FROM information_schema.tables",
    ):
        assert "secret" not in (message := await elsewhere.failed(source, refused)) and message.startswith(
            "Line"
        )
    schema = (await elsewhere.client.get(f"/api/data_sources/{source}/schema")).json()["schema"]
    towns = next(one for one in schema if one["name"] == "outside.towns")
    assert {"name": "id", "type": "integer"} in towns["columns"]


async def test_postgresql_is_joined_with_ours(elsewhere: Elsewhere, theirs: dict[str, Any]) -> None:
    await elsewhere.add("Towns", "postgresql", **theirs)
    rows = await elsewhere.rows(
        elsewhere.asking.source,
        "SELECT p.id, t.name, t.height, t.more ->> 'n' AS n FROM people p JOIN towns.outside.towns t ON t.id = p.id "
        "WHERE t.id < 3 AND t.name = 'Town 1' ORDER BY p.id",
    )
    assert rows == [{"id": 1, "name": "Town 1", "height": 0.33333333333333333333, "n": "1"}]


async def test_mariadb_runs_it_itself(elsewhere: Elsewhere, orders: int) -> None:
    source = await elsewhere.add("Orders", "mysql", **mysql_options(orders))
    checked = (await elsewhere.client.post(f"/api/data_sources/{source}/test")).json()
    assert checked == {"ok": True, "message": "success"}
    rows = await elsewhere.rows(
        source,
        "SELECT person, SUM(total) AS total, GROUP_CONCAT(id ORDER BY id SEPARATOR '-') AS ids, "
        "DATE_FORMAT('2024-02-03', '%Y/%m') AS month FROM orders WHERE note LIKE \"Ü%\" GROUP BY person ORDER BY 1 LIMIT 1",
    )
    mine = [one for one in ORDERS if one[1] == 1]
    assert rows == [
        {
            "person": 1,
            "total": float(sum(one[2] for one in mine)),
            "ids": "-".join(str(one[0]) for one in mine),
            "month": "2024/02",
        }
    ]
    body = {"parameters": {"least": 59, "text": "it's \\ %"}}
    rows = await elsewhere.rows(
        source, "SELECT id, {{ text }} AS t, '<{{ text }}>' AS u FROM `orders` WHERE id > {{ least }}", **body
    )
    assert rows == [{"id": 60, "t": "it's \\ %", "u": "<it's \\ %>"}]
    assert "Line 1" in await elsewhere.failed(source, "SELECT 1; DROP TABLE orders")
    assert "nope" in await elsewhere.failed(source, "SELECT nope FROM orders")
    schema = (await elsewhere.client.get(f"/api/data_sources/{source}/schema")).json()["schema"]
    assert [one["name"] for one in schema] == ["orders"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT LOAD_FILE('/etc/passwd')",
        "SELECT 'x' INTO OUTFILE '/tmp/x'",
        "SELECT id INTO @x FROM orders",
        "SELECT @@version",
        "SELECT @x := 1",
        "SELECT SLEEP(100)",
        "SELECT BENCHMARK(100000000, MD5('x'))",
        "SELECT GET_LOCK('a', 10)",
        "SELECT USER()",
        "SELECT DATABASE()",
        "SELECT * FROM mysql.user",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM performance_schema.threads",
        "SELECT * FROM orders FOR UPDATE",
        "SELECT * FROM orders LOCK IN SHARE MODE",
        "SELECT 1 /*! UNION SELECT user FROM mysql.user */",
        "SELECT 1 /*!50000 , SLEEP(9) */",
        "SELECT 1 /*M! , SLEEP(9) */",
        "/*+ SET_VAR(x=1) */ SELECT 1",
        "SELECT /*+ SET_VAR(max_execution_time=1) */ 1",
        "INSERT INTO orders VALUES (1, 1, 1, '')",
        "REPLACE INTO orders VALUES (1, 1, 1, '')",
        "UPDATE orders SET id = 1",
        "DELETE FROM orders",
        "TRUNCATE orders",
        "DROP TABLE orders",
        "CREATE TABLE x AS SELECT 1",
        "CALL something()",
        "HANDLER orders OPEN",
        "SET GLOBAL general_log = 1",
        "SHOW GRANTS",
        "DO SLEEP(9)",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE orders",
        "PREPARE x FROM 'SELECT 1'",
        "EXECUTE IMMEDIATE 'SELECT 1'",
        "SELECT 1; SELECT 2",
        "SELECT 'a' 'b' FROM orders; -- ",
        "SELECT _utf8'x'",
        "SELECT x'41'",
        "TABLE orders",
        "VALUES ROW(1)",
        "SELECT * FROM orders PROCEDURE ANALYSE()",
        "SELECT NEXTVAL(s)",
        "SELECT LAST_INSERT_ID(5)",
        "SELECT EXTRACTVALUE('<a/>', '/a')",
        "SELECT SYS_EXEC('id')",
        "SELECT RELEASE_ALL_LOCKS()",
        "SELECT MASTER_POS_WAIT('a', 1)",
        "SELECT UUID_SHORT()",
    ],
)
def test_what_mariadb_is_not_asked(statement: str) -> None:
    from penstock.kit import errors
    from penstock.queries.models import Question
    from penstock.queries.run.bind import bind
    from penstock.queries.run.mysql import parse
    from penstock.queries.run.whole import authorize_whole
    from tests.queries.engine.test_pushing import GRANT, SOURCE

    with pytest.raises(errors.Invalid):
        bound = bind(parse(statement, 10_000), {})
        authorize_whole(bound, Question(statement, source=SOURCE), grant=GRANT, timeout=1.0)


async def test_harmless_without_the_parser(elsewhere: Elsewhere, orders: int) -> None:
    """What the connection allows, whatever is asked."""
    from penstock.connectors import CheckFailed
    from penstock.connectors.kinds.mysql import MySqlAddress
    from penstock.queries.engine.holding import Hold
    from penstock.queries.engine.mysql import MySqlRows, TooLong

    address = MySqlAddress(
        "127.0.0.1", "127.0.0.1", orders, system.USER, system.PASSWORD, system.DATABASE, "off"
    )

    def asked(statement: str) -> list[Any]:
        return [
            row
            for batch in MySqlRows(address, 1.0, statement=statement).batches(Hold())
            for row in batch.to_pylist()
        ]

    for statement in (
        "INSERT INTO orders VALUES (1000, 1, 1, '')",
        "UPDATE orders SET total = 0",
        "DELETE FROM orders",
        "CREATE TABLE made (a INT)",
        "DROP TABLE orders",
        "SELECT 1; DROP TABLE orders",
        "SELECT 'x' INTO OUTFILE '/tmp/penstock-was-here'",
        "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE orders",
    ):
        with pytest.raises((CheckFailed, TooLong)):
            asked(statement)
    with pytest.raises(TooLong):
        asked("SELECT SLEEP(20) FROM orders")
    assert asked("SELECT LOAD_FILE('/etc/passwd') AS x") == [{"x": None}]
    assert not Path("/tmp/penstock-was-here").exists()
    assert system.run(orders, "SELECT count(*), sum(total) FROM orders") == [
        (60, sum(one[2] for one in ORDERS))
    ]


async def test_types_of_mariadb(elsewhere: Elsewhere, mariadb: int) -> None:
    system.run(
        mariadb,
        "DROP TABLE IF EXISTS orders, odd",
        "CREATE TABLE odd (b BIGINT UNSIGNED, d DECIMAL(40, 10), f DOUBLE, day DATE, at DATETIME(6), t TIME, y YEAR, "
        "bits BIT(5), raw VARBINARY(5), j JSON, e ENUM('a', 'b'), flag BOOLEAN, nothing INT)",
        "INSERT INTO odd VALUES (18446744073709551615, 123456789012345678901234567890.0123456789, 1.5, '2024-02-29', "
        "'2024-02-29 12:34:56.789123', '-100:00:01', 1999, b'10101', x'00ff', '{\"a\": 1}', 'b', TRUE, NULL)",
    )
    source = await elsewhere.add("Odd", "mysql", **mysql_options(mariadb))
    wanted = {
        "b": 18446744073709551615,
        "f": 1.5,
        "day": "2024-02-29",
        "at": "2024-02-29T12:34:56.789",
        "t": "-100:00:01",
        "y": 1999,
        "bits": 21,
        "raw": "00ff",
        "e": "b",
        "flag": 1,
        "nothing": None,
    }
    whole = await elsewhere.rows(source, "SELECT * FROM odd")
    joined = await elsewhere.rows(elsewhere.asking.source, "SELECT o.* FROM odd.odd o")
    for (row,) in (whole, joined):
        assert {name: row[name] for name in wanted} == wanted
    answer = await elsewhere.client.post(
        "/api/query_results", json={"query": "SELECT d FROM odd", "data_source_id": source, "max_age": 0}
    )
    job = await elsewhere.asking.end(answer.json()["job"]["id"])
    text = (await elsewhere.client.get(f"/api/query_results/{job['query_result_id']}.csv")).text
    assert "123456789012345678901234567890.0123456789" in text


class TestAcross:
    @pytest.fixture
    def database(self, database: TestDatabase, replica_set: str) -> TestDatabase:
        """With a MongoDB of the server's own."""
        from dataclasses import replace

        from penstock.server.settings import Settings
        from penstock.tables.settings import TablesSettings

        given = replace(database.settings.of(TablesSettings), mongodb_url=replica_set)
        sections = {**database.settings.sections, TablesSettings: given}
        return replace(database, settings=Settings(sections))

    async def test_four_systems(self, elsewhere: Elsewhere, filled: Path, orders: int) -> None:
        """A join of PostgreSQL, MongoDB, a Parquet file and MariaDB is what it would be in one place."""
        client = elsewhere.client
        made = await client.post(
            "/api/apps/shop/datasources", json={"name": "Docs", "slug": "docs", "provider_type": "mongodb"}
        )
        assert made.status_code == 201, made.text
        table = {"name": "notes", "json_schema": NOTES}
        made = await client.post("/api/apps/shop/datasources/docs/datatables?materialize=true", json=table)
        assert made.status_code == 201, made.text
        notes = [
            {
                "id": n,
                "person": n % 9 + 1,
                "weight": n / 10,
                "text": f"note {n}",
                "at": "2024-01-02T03:04:05Z",
                "more": {"n": [n, 1.5]},
            }
            for n in range(1, 31)
        ]
        made = await client.post("/api/apps/shop/datatables/notes/data", json=notes)
        assert made.status_code == 201, made.text
        await elsewhere.add("Lake", "parquet", path="visits.parquet")
        await elsewhere.add("Orders", "mysql", **mysql_options(orders))
        sql = (
            "WITH spent AS (SELECT person, sum(total) AS total FROM orders.orders GROUP BY person), "
            "noted AS (SELECT person, sum(weight) AS weight, max(at) AS at FROM docs.notes GROUP BY person) "
            "SELECT p.id, p.name, s.total, n.weight, n.at, sum(v.minutes) AS minutes FROM people p "
            "JOIN spent s ON s.person = p.id JOIN noted n ON n.person = p.id JOIN lake.visits v ON v.person = p.id "
            "WHERE p.id <= 6 GROUP BY 1, 2, 3, 4, 5 ORDER BY p.id"
        )
        wanted = [
            {
                "id": person,
                "name": f"Person {person}",
                "total": float(sum(total for _, who, total, _ in ORDERS if who == person)),
                "weight": float(sum(Decimal(str(one["weight"])) for one in notes if one["person"] == person)),
                "at": "2024-01-02T03:04:05Z",
                "minutes": sum(one["minutes"] for one in VISITS if one["person"] == person),
            }
            for person in range(1, 7)
        ]
        assert await elsewhere.rows(elsewhere.asking.source, sql) == wanted
        (row,) = await elsewhere.rows(
            elsewhere.asking.source, "SELECT n.* FROM docs.notes n WHERE n.weight = 0.3 AND n.text = 'note 3'"
        )
        assert row["more"] == {"n": [3, 1.5]} and row["id"] == 3

    async def test_rules_hold(self, elsewhere: Elsewhere, callers: dict[str, Any]) -> None:
        """A reader of some rows gets these, and never the result of one who sees all."""
        client = elsewhere.client
        await client.post(
            "/api/apps/shop/datasources", json={"name": "Docs", "slug": "docs", "provider_type": "mongodb"}
        )
        table = {"name": "notes", "json_schema": NOTES}
        made = await client.post("/api/apps/shop/datasources/docs/datatables?materialize=true", json=table)
        assert made.status_code == 201, made.text
        rows = [{"id": n, "person": n, "text": f"note {n}"} for n in range(1, 5)]
        assert (await client.post("/api/apps/shop/datatables/notes/data", json=rows)).status_code == 201
        rule = {"name": "some", "read": {"person__lte": 2}, "hidden_fields": ["text"]}
        made = await client.post("/api/apps/shop/datatables/notes/rules", json=rule)
        assert made.status_code == 201, made.text
        source = elsewhere.asking.source
        sql = "SELECT n.* FROM docs.notes n ORDER BY n.id"
        every = await elsewhere.rows(source, sql)
        assert [one["id"] for one in every] == [1, 2, 3, 4]
        operator = callers["operator"]
        body = {"query": sql, "data_source_id": source, "max_age": -1}
        answer = (await operator.post("/api/query_results", json=body)).json()
        assert "job" in answer, answer
        from dataclasses import replace

        asking = replace(elsewhere.asking, client=operator)
        job = await asking.end(answer["job"]["id"])
        assert job["status"] == 3, job
        shown = (await operator.get(f"/api/query_results/{job['query_result_id']}")).json()["query_result"][
            "data"
        ]
        assert [one["id"] for one in shown["rows"]] == [1, 2]
        assert all("text" not in one for one in shown["rows"])


async def test_a_cancelled_one_is_cancelled_there(elsewhere: Elsewhere, orders: int) -> None:
    import asyncio

    source = await elsewhere.add("Orders", "mysql", **mysql_options(orders))
    sql = "SELECT count(*) AS n FROM orders a, orders b, orders c, orders d, orders e WHERE md5(a.id + b.id + c.id + d.id + e.id) = 'x'"
    answer = await elsewhere.client.post(
        "/api/query_results", json={"query": sql, "data_source_id": source, "max_age": 0}
    )
    job = answer.json()["job"]["id"]
    busy = "SELECT id FROM information_schema.processlist WHERE user = 'reader' AND info LIKE '%md5%' AND info NOT LIKE '%processlist%' AND command = 'Query'"
    while not await asyncio.to_thread(processes, orders, busy):
        assert (await elsewhere.client.get(f"/api/jobs/{job}")).json()["job"]["status"] < 3
        await asyncio.sleep(0.05)
    assert (await elsewhere.client.delete(f"/api/jobs/{job}")).status_code == 200
    assert (await elsewhere.asking.end(job))["status"] == 5
    while await asyncio.to_thread(processes, orders, busy):
        await asyncio.sleep(0.05)


def processes(port: int, statement: str) -> list[Any]:
    import pymysql

    with (
        pymysql.connect(
            host="127.0.0.1", port=port, user=system.USER, password=system.PASSWORD, ssl_disabled=True
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return list(cursor.fetchall())
