"""Setting a database up: once, twice, by many at once; roles and what they may do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from penstock.kit.crypto import new_ring
from penstock.kit.db import Connection, Login
from penstock.server import migrations
from penstock.server.bootstrap import open_database
from penstock.server.database import prepare
from penstock.server.errors import SetupError
from penstock.server.first_start import first_start
from penstock.server.logins import Bootstrap, Logins, connected, create_database, login_from_url, unseal
from penstock.server.spaces import create_space
from penstock.server.sql import quote
from tests.databases import Databases, TestDatabase, at, maintenance

pytestmark = pytest.mark.anyio


@pytest.fixture
def empty(databases: Databases) -> Iterator[Bootstrap]:
    """A database with nothing in it."""
    with _empty(databases, "empty") as account:
        yield account


@contextmanager
def _empty(databases: Databases, suffix: str) -> Iterator[Bootstrap]:
    account = at(databases.account, f"{databases.template}_{suffix}")

    async def make() -> None:
        async with connected(maintenance(account.direct)) as connection:
            await connection.execute(f"CREATE DATABASE {quote(account.direct.database)}")

    asyncio.run(make())
    try:
        yield account
    finally:
        asyncio.run(_drop(account))


async def _drop(account: Bootstrap) -> None:
    roles: list[str] = []
    async with connected(account.direct) as connection:
        if await connection.fetchval("SELECT to_regclass('penstock.database_roles') IS NOT NULL"):
            rows = await connection.fetch(
                "SELECT name FROM penstock.database_roles JOIN pg_roles ON rolname = name ORDER BY purpose DESC"
            )
            roles = [row["name"] for row in rows]
    async with connected(maintenance(account.direct)) as connection:
        await connection.execute(f"DROP DATABASE IF EXISTS {quote(account.direct.database)} WITH (FORCE)")
        for role in roles:
            await connection.execute(f"DROP ROLE {quote(role)}")


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("postgresql://me:secret@db:5433/data", Login("db", 5433, "me", "secret", "data")),
        ("postgres://me@db/data", Login("db", 5432, "me", "", "data")),
        (
            "postgresql://me:a%2Fb@[::1]/data?sslmode=require",
            Login("::1", 5432, "me", "a/b", "data", "require"),
        ),
        ("postgresql:///data?host=/run/pg&user=me", Login("/run/pg", 5432, "me", "", "data")),
    ],
)
async def test_urls(url: str, login: Login) -> None:
    assert login_from_url(url) == login


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://me@db/data", "must begin with postgresql://"),
        ("postgresql://db/data", "names no user"),
        ("postgresql://me@db", "names no database"),
        ("postgresql:///data?user=me", "names no host"),
        ("postgresql://me@db:x/data", "port"),
        ("postgresql://me@db/data?color=red", "'color'"),
    ],
)
async def test_urls_that_are_wrong(url: str, sentence: str) -> None:
    with pytest.raises(SetupError, match=sentence):
        login_from_url(url)


async def test_a_second_time_changes_nothing(database: TestDatabase) -> None:
    before = await _fingerprint(database)
    logins = await prepare(database.account, database.keys.encryption, database.settings.server)
    assert logins == database.logins
    assert await _fingerprint(database) == before
    repaired = await prepare(
        database.account, database.keys.encryption, database.settings.server, repair=True
    )
    assert repaired == database.logins


async def _fingerprint(database: TestDatabase) -> list[tuple[str, str]]:
    """The system columns tell whether a row was written again."""
    async with connected(database.account.direct) as connection:
        rows = await connection.fetch(
            "SELECT xmin::text, role_prefix FROM penstock.installation"
            " UNION ALL SELECT xmin::text, name FROM penstock.database_roles"
        )
    return sorted(map(tuple, rows))


def test_many_processes_at_once(empty: Bootstrap, databases: Databases) -> None:
    environment = replace_url(databases, empty)
    code = "import sys; from penstock.server.commands import migrate; sys.exit(migrate())"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(4)
    ]
    for process in running:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output.decode()

    async def check() -> None:
        async with connected(empty.direct) as connection:
            assert await connection.fetchval("SELECT count(*) FROM penstock.installation") == 1
            assert await connection.fetchval("SELECT count(*) FROM penstock.orgs") == 1
            assert await connection.fetchval("SELECT count(*) FROM penstock.users") == 1
            assert await connection.fetchval("SELECT count(*) FROM penstock.api_keys") == 1

    asyncio.run(check())


def replace_url(databases: Databases, account: Bootstrap) -> dict[str, str]:
    made = TestDatabase(account, databases.logins, databases.keys, databases.settings)
    return {**made.environment, "PATH": "/usr/bin:/bin"}


def test_the_sum_of_migrations_is_what_the_stores_declare(database: TestDatabase) -> None:
    assert asyncio.run(_differences(database.account.direct)) == []


async def _differences(login: Login) -> list[object]:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    def compare(connection: Any) -> list[object]:
        options = migrations.comparison()
        return compare_metadata(
            MigrationContext.configure(connection, opts=options), options["target_metadata"]
        )

    return await _with_engine(login, compare)


async def _with_engine(login: Login, work: Callable[[Any], Any]) -> Any:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(**login.arguments()),
        poolclass=NullPool,
    )
    async with engine.begin() as connection:
        return await connection.run_sync(work)


_CATALOG = """
SELECT c.relname, c.relkind::text, c.relpersistence::text, a.attname,
       format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attidentity::text, pg_get_expr(d.adbin, d.adrelid), l.collname,
       (SELECT array_agg(pg_get_constraintdef(k.oid) ORDER BY pg_get_constraintdef(k.oid) COLLATE "C")
        FROM pg_constraint k WHERE k.conrelid = c.oid),
       CASE c.relkind WHEN 'i' THEN pg_get_indexdef(c.oid) END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE n.nspname = 'penstock' AND c.relname NOT LIKE 'alembic_version%'
ORDER BY c.relname COLLATE "C", a.attname COLLATE "C"
"""


def test_migrated_and_declared_catalogs_are_equal(
    database: TestDatabase, empty: Bootstrap, databases: Databases
) -> None:
    def declare(connection: Any) -> None:
        connection.exec_driver_sql("CREATE SCHEMA penstock")
        migrations.target().create_all(connection)

    async def catalog(login: Login) -> list[Any]:
        async with connected(login) as connection:
            return [tuple(row) for row in await connection.fetch(_CATALOG)]

    asyncio.run(_with_engine(empty.direct, declare))
    assert asyncio.run(catalog(empty.direct)) == asyncio.run(catalog(database.account.direct))


async def test_wrong_keys(database: TestDatabase) -> None:
    with pytest.raises(SetupError, match="other encryption keys"):
        await prepare(database.account, new_ring(), database.settings.server)


async def test_passwords_are_put_back(empty: Bootstrap, databases: Databases) -> None:
    ring, server = databases.keys.encryption, databases.settings.server
    logins = await prepare(empty, ring, server)
    async with connected(empty.direct) as connection:
        await connection.execute(f"ALTER ROLE {quote(logins.data.user)} PASSWORD 'lost'")
    assert await prepare(empty, ring, server) == logins
    async with connected(logins.data) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_schema_of_somebody_else(empty: Bootstrap, databases: Databases) -> None:
    async with connected(empty.direct) as connection:
        await connection.execute("CREATE SCHEMA penstock")
    with pytest.raises(SetupError, match="schema 'penstock'"):
        await prepare(empty, databases.keys.encryption, databases.settings.server)


async def test_a_database_of_a_newer_release(database: TestDatabase) -> None:
    async with connected(database.account.direct) as connection:
        await connection.execute("UPDATE penstock.alembic_version SET version_num = '9999'")
    with pytest.raises(SetupError, match="newer release"):
        await prepare(database.account, database.keys.encryption, database.settings.server, repair=True)


async def test_a_server_that_is_not_there() -> None:
    nowhere = Login("127.0.0.1", 1, "me", "secret", "data")
    with pytest.raises(SetupError, match="cannot be reached"):
        async with connected(nowhere):
            pass


async def test_sessions_are_set_up_by_their_role(database: TestDatabase) -> None:
    for login in (database.logins.control, database.logins.data):
        async with connected(login) as connection:
            assert await connection.fetchval("SHOW TimeZone") == "UTC"
            assert await connection.fetchval("SHOW search_path") == "pg_catalog"
            assert await connection.fetchval("SHOW statement_timeout") == "30s"


async def test_folding(database: TestDatabase) -> None:
    async with connected(database.logins.data) as connection:
        for text in ("ÀÉ", "STRASSE", "ΣΊΣΥΦΟΣ", "İstanbul", "ǅ", "ß", "Ω"):
            folded = text.translate({ord("İ"): "i", ord("Σ"): "σ", ord("ς"): "σ"}).lower()
            assert await connection.fetchval("SELECT penstock.fold($1)", text) == folded


async def test_the_records_role_owns_nothing(database: TestDatabase) -> None:
    async with connected(database.logins.data) as connection:
        owned = await connection.fetchval(
            "SELECT (SELECT count(*) FROM pg_class WHERE relowner = r.oid)"
            " + (SELECT count(*) FROM pg_namespace WHERE nspowner = r.oid)"
            " + (SELECT count(*) FROM pg_proc WHERE proowner = r.oid)"
            " FROM pg_roles r WHERE rolname = current_user"
        )
        assert owned == 0
        for statement in (
            "CREATE TABLE penstock.mine (id int)",
            "CREATE SCHEMA mine",
            "CREATE TABLE public.mine (id int)",
            "CREATE TEMPORARY TABLE mine (id int)",
            "CREATE ROLE mine",
            "SELECT * FROM penstock.users",
            "SELECT * FROM penstock.database_roles",
            "SELECT * FROM penstock.api_keys",
            "UPDATE penstock.installation SET stamp = ''",
            "DROP TABLE penstock.orgs",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_the_login_of_an_organization_reads_its_own_schema_only(database: TestDatabase) -> None:
    ring = database.keys.encryption
    async with connected(database.logins.control) as raw, raw.transaction():
        for name in ("one", "two"):
            await create_space(
                Connection(raw),
                ring,
                schema=f"space_{name}",
                role=f"{database.account.direct.database}_{name}",
            )
            await raw.execute(f"CREATE TABLE space_{name}.things (id int)")
            await raw.execute(f"INSERT INTO space_{name}.things VALUES (1)")
    async with connected(await _reader(database, "one")) as connection:
        assert await connection.fetchval("SELECT count(*) FROM space_one.things") == 1
        assert await connection.fetchval("SHOW transaction_read_only") == "on"
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("INSERT INTO space_one.things VALUES (2)")
        await connection.execute("SET default_transaction_read_only = off")
        for statement in (
            "INSERT INTO space_one.things VALUES (2)",
            "CREATE TABLE space_one.more (id int)",
            "CREATE TABLE public.more (id int)",
            "CREATE TEMPORARY TABLE more (id int)",
            "SELECT * FROM space_two.things",
            "SELECT * FROM penstock.users",
            "SELECT * FROM penstock.installation",
            f"SET ROLE {quote(database.logins.control.user)}",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    async with connected(database.logins.data) as connection:
        await connection.execute("INSERT INTO space_two.things VALUES (2)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("ALTER TABLE space_two.things ADD COLUMN more int")


async def _reader(database: TestDatabase, name: str) -> Login:
    role = f"{database.account.direct.database}_{name}"
    async with connected(database.account.direct) as connection:
        sealed = await connection.fetchval(
            "SELECT password FROM penstock.database_roles WHERE name = $1", role
        )
    direct = database.logins.direct
    return replace(direct, user=role, password=unseal(database.keys.encryption, sealed, role))


async def test_logins_of_organizations_are_put_right(database: TestDatabase) -> None:
    """After a restore they are names that nobody can log in with."""
    ring = database.keys.encryption
    role = f"{database.account.direct.database}_lost"
    async with connected(database.logins.control) as raw, raw.transaction():
        await create_space(Connection(raw), ring, schema="space_lost", role=role)
    async with connected(database.logins.control) as raw:
        await raw.execute(f"ALTER ROLE {quote(role)} NOLOGIN PASSWORD NULL")
    await prepare(database.account, ring, database.settings.server, repair=True)
    async with connected(await _reader(database, "lost")) as connection:
        assert await connection.fetchval("SHOW default_transaction_read_only") == "on"


async def test_logins_survive_being_handed_over(database: TestDatabase) -> None:
    assert Logins.parse(database.logins.dump()) == database.logins


async def test_the_first_start_happens_once(database: TestDatabase) -> None:
    assert await first_start(database.logins, database.keys, database.settings) is None


async def test_making_a_database_that_exists(database: TestDatabase) -> None:
    await create_database(database.account.direct)


async def test_rights_on_a_clone(database: TestDatabase) -> None:
    async with connected(database.account.direct) as connection:
        await open_database(connection, database.logins.control.user.removesuffix("_owner"))
