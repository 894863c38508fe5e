"""A backup is one consistent file; a restore gives the same database, or nothing."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.kit import embedded
from penstock.kit.embedded import accounts
from penstock.kit.embedded.programs import Address, psql

from .conftest import eventually, gone, open_programs, sql

BUILD = """
create role app_owner login password 'owner secret' createrole connection limit 7;
create role app_records login password 'it''s \\ secret' noinherit valid until '2031-01-02';
create role "app_org é""1" login;
create role outsider;
alter role app_records set search_path to "$user", 'odd, name', public;
alter role app_records set application_name to 'it''s';
grant app_records to app_owner with admin option;
create database shop template template0 owner app_owner;
"""
FILL = """
create schema meta authorization app_owner;
set role app_owner;
create table meta.ledger (id int generated always as identity primary key, amount numeric not null);
create table meta.total (amount numeric not null);
insert into meta.total values (0);
create unlogged table meta.counters (n int);
insert into meta.counters values (1);
create table meta.notes (id int primary key, text text collate "C");
insert into meta.notes select n, 'näïve 𝄞 ' || n from generate_series(1, 5000) n;
grant select, insert on meta.ledger to app_records;
grant usage on schema meta to app_records, outsider;
alter table meta.notes enable row level security;
create policy own on meta.notes for select to "app_org é""1" using (id < 10);
alter default privileges in schema meta grant select on tables to app_records;
"""
ROLES = """
select rolname, rolcanlogin, rolinherit, rolcreaterole, rolconnlimit, rolvaliduntil, rolpassword
from pg_authid where rolname like 'app%' order by 1
"""
SETTINGS = """
select rolname, unnest(setconfig) from pg_db_role_setting join pg_roles r on r.oid = setrole order by 1, 2
"""
RIGHTS = """
select c.oid::regclass, pg_get_userbyid(relowner), relacl, relrowsecurity, polname, polroles::regrole[]
from pg_class c left join pg_policy p on p.polrelid = c.oid
where relnamespace = 'meta'::regnamespace order by relname
"""
OWNERS = """
select datname, pg_get_userbyid(datdba) from pg_database where datname = 'shop'
union all select nspname, pg_get_userbyid(nspowner) from pg_namespace where nspname = 'meta'
union all select pg_get_userbyid(roleid), pg_get_userbyid(member) || admin_option
from pg_auth_members where pg_get_userbyid(member) = 'app_owner' order by 1
"""


@pytest.fixture(scope="module")
def shop(cluster: embedded.Cluster) -> str:
    """A database with roles, rights and rows; gives its address."""
    for statement in BUILD.strip().split(";\n"):
        sql(cluster, statement)
    sql(cluster, FILL, "shop")
    return cluster.dsn(database="shop")


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "keys.json").write_text('{"k1": "secret"}')
    (tmp_path / "sign.pem").write_bytes(bytes(range(256)))
    return {"keys.json": tmp_path / "keys.json", "more/sign.pem": tmp_path / "sign.pem"}


@contextlib.contextmanager
def writing(cluster: embedded.Cluster) -> Iterator[None]:
    """Somebody who writes pairs that belong together, in many small transactions."""
    done = threading.Event()
    pair = "insert into meta.ledger (amount) values (7); update meta.total set amount = amount + 7;"
    script = f"begin; {pair} commit;\n"

    def write() -> None:
        command = [str(embedded.binaries() / "psql"), "-qXf", "-", cluster.dsn(database="shop")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as psql:
            assert psql.stdin
            while not done.is_set():
                psql.stdin.write(script)
                psql.stdin.flush()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        eventually(lambda: int(sql(cluster, "select count(*) from meta.ledger", "shop")) > 100)
        yield
    finally:
        done.set()
        thread.join(60)


def test_a_backup_while_it_is_written_restores_to_the_same(
    cluster: embedded.Cluster, shop: str, keys: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / "shop.backup"
    told: list[str] = []
    before = int(sql(cluster, "select count(*) from meta.ledger", "shop"))
    with writing(cluster):
        manifest = embedded.backup(
            shop, target, role_prefix="app_", files=keys, about={"version": "1.2.3"}, progress=told.append
        )
    after = int(sql(cluster, "select count(*) from meta.ledger", "shop"))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert manifest.about == {"version": "1.2.3"}
    assert told
    assert embedded.read_manifest(target) == manifest

    restored = tmp_path / "restored"
    assert embedded.restore(target, restored, wait=60) == manifest
    assert sorted(path.name for path in restored.iterdir()) == ["keys.json", "more", "postgres"]
    assert (restored / "keys.json").read_bytes() == keys["keys.json"].read_bytes()
    assert (restored / "more" / "sign.pem").read_bytes() == keys["more/sign.pem"].read_bytes()
    assert stat.S_IMODE((restored / "keys.json").stat().st_mode) == 0o600
    with embedded.start(restored, wait=60) as copy:
        rows, total, sums = sql(
            copy,
            "select count(*), (select amount from meta.total), sum(amount) from meta.ledger",
            "shop",
        ).split("|")
        assert before < int(rows) <= after
        assert total == sums == str(7 * int(rows))
        assert sql(copy, "select count(*) from meta.counters", "shop") == "0"
        for question, database in (
            ("select md5(string_agg(id || text, ',' order by id)) from meta.notes", "shop"),
            (ROLES, "postgres"),
            (SETTINGS, "postgres"),
            (RIGHTS, "shop"),
            (OWNERS, "shop"),
        ):
            assert sql(copy, question, database) == sql(cluster, question, database), question
        assert sql(copy, "select rolcanlogin from pg_roles where rolname = 'outsider'") == "f"
        assert sql(copy, "show fsync") == sql(copy, "show synchronous_commit") == "on"
        assert sql(copy, "show autovacuum") == "on"
        copy.close(wait=30)


def test_the_password_is_not_in_the_arguments(cluster: embedded.Cluster) -> None:
    address = Address.parse("postgresql+asyncpg://me:p%40ss@db.example:5433/x?sslmode=require&password=other")
    assert address == Address("postgresql://me@db.example:5433/x?sslmode=require", "other")
    assert Address.parse("postgres://me:p%40ss@/x?host=/run/é").password == "p@ss"
    assert cluster.superuser_password not in Address.parse(cluster.dsn()).url
    with pytest.raises(embedded.ClusterError, match="begins with postgresql"):
        Address.parse("mysql://me@x/y")


def test_an_ordinary_role_backs_up_without_hashes(
    cluster: embedded.Cluster, shop: str, tmp_path: Path
) -> None:
    sql(cluster, "truncate meta.ledger, meta.total; insert into meta.total values (0)", "shop")
    dsn = cluster.dsn("app_owner", "owner secret", "shop")
    manifest = embedded.backup(dsn, tmp_path / "b", role_prefix="app_")
    assert all(set(role["rolpassword"] or "*") == {"*"} for role in manifest.roles)
    embedded.restore(tmp_path / "b", tmp_path / "restored", wait=60)
    with embedded.start(tmp_path / "restored", wait=60) as copy:
        assert (
            sql(copy, "select count(*) from pg_authid where rolname like 'app%' and rolpassword is not null")
            == "0"
        )
        assert sql(copy, "select count(*) from meta.notes", "shop") == "5000"
        copy.close(wait=30)


@pytest.fixture
def older() -> Iterator[str]:
    """A PostgreSQL of an earlier release that we did not make; gives its address."""
    programs = open_programs("pginstall")
    account = accounts.choose()
    identity = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    with tempfile.TemporaryDirectory() as name:
        if account:
            os.chown(name, account.uid, account.gid)
        options = ["-D", f"{name}/data", "-U", "the boss", "-A", "trust", "--locale=C", "-E", "UTF8"]
        subprocess.run(
            [str(programs / "initdb"), *options], cwd="/", check=True, capture_output=True, **identity
        )
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", f"{name}/data", "-k", name, "-c", "listen_addresses="],
            cwd="/",
            stderr=subprocess.DEVNULL,
            **identity,
        )
        with server:
            eventually(lambda: Path(f"{name}/.s.PGSQL.5432").exists())
            yield f"postgresql://the%20boss@/postgres?host={name}&port=5432"
            server.send_signal(signal.SIGINT)


def test_an_older_server_of_somebody_else(older: str, tmp_path: Path) -> None:
    """A way into the embedded server: what its bootstrap account owns comes along."""
    address = Address.parse(older)
    eventually(lambda: _answers(address))
    psql(address, "create role app_owner login password 'x'; create role app_records; create role visitor;")
    psql(address, "grant app_records to app_owner;")
    psql(address, "create database shop owner app_owner;")
    shop = Address.parse(older.replace("/postgres?", "/shop?"))
    psql(
        shop,
        "create table mine as select n from generate_series(1, 1000) n; grant select on mine to visitor;",
    )
    psql(shop, "set role app_owner; create schema s; create table s.theirs as select 1 as n;")
    manifest = embedded.backup(older.replace("/postgres?", "/shop?"), tmp_path / "b", role_prefix="app_")
    assert manifest.database["server_version"].startswith("16.")
    assert manifest.strangers == ["the boss", "visitor"]
    embedded.restore(tmp_path / "b", tmp_path / "restored", wait=60)
    with embedded.start(tmp_path / "restored", wait=60) as copy:
        assert sql(copy, "select count(*) from mine", "shop") == "1000"
        owners = (
            "select pg_get_userbyid(relowner) from pg_class where relname in ('mine', 'theirs') order by 1"
        )
        assert sql(copy, owners, "shop") == "app_owner\nthe boss"
        logins = "select rolname from pg_roles where rolcanlogin and rolname <> 'penstock_bootstrap'"
        assert sql(copy, logins) == "app_owner"
        copy.close(wait=30)


def _answers(address: Address) -> bool:
    try:
        return psql(address, "select 1;") == "1"
    except embedded.ClusterError:
        return False


def test_a_failed_backup_leaves_no_file(cluster: embedded.Cluster, shop: str, tmp_path: Path) -> None:
    with pytest.raises(embedded.ClusterError, match="does not exist"):
        embedded.backup(cluster.dsn(database="nowhere"), tmp_path / "b", role_prefix="app_")
    with pytest.raises(embedded.ClusterError, match="missing cannot be read"):
        embedded.backup(shop, tmp_path / "b", role_prefix="app_", files={"k": tmp_path / "missing"})
    assert not list(tmp_path.iterdir())
    (tmp_path / "b").write_text("mine")
    with pytest.raises(embedded.ClusterError, match="exists already"):
        embedded.backup(shop, tmp_path / "b", role_prefix="app_")
    assert (tmp_path / "b").read_text() == "mine"


@pytest.fixture(scope="module")
def archived(shop: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("archived")
    (place / "key").write_text("k")
    embedded.backup(shop, place / "b", role_prefix="app_", files={"key": place / "key"})
    return place / "b"


@pytest.mark.parametrize("damage", ["flip", "cut", "noise", "missing"])
def test_a_damaged_backup_is_refused(archived: Path, tmp_path: Path, damage: str) -> None:
    content = bytearray(archived.read_bytes())
    bad = tmp_path / "bad"
    if damage == "flip":
        content[len(content) // 3] ^= 1
    if damage == "cut":
        del content[len(content) // 2 :]
    if damage == "noise":
        content = bytearray(os.urandom(5000))
    if damage != "missing":
        bad.write_bytes(content)
    with pytest.raises(embedded.ClusterError, match=r"damaged|not complete|cannot be read"):
        embedded.restore(bad, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_a_backup_cannot_write_elsewhere(archived: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    with tarfile.open(archived) as old, tarfile.open(bad, "w") as new:
        for info in old.getmembers():
            content = old.extractfile(info)
            assert content
            data = content.read().replace(b'"files/key"', b'"../../abc"')
            info.name = info.name.replace("files/key", "../../abc")
            info.size = len(data)
            new.addfile(info, io.BytesIO(data))
    with pytest.raises(embedded.ClusterError, match="holds no file named"):
        embedded.restore(bad, tmp_path / "restored")


def test_only_an_empty_directory_is_filled(archived: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(embedded.ClusterError, match="is not empty"):
        embedded.restore(archived, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    (tmp_path / "mine").unlink()
    inode = tmp_path.stat().st_ino
    embedded.restore(archived, tmp_path, wait=60)
    assert tmp_path.stat().st_ino == inode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "postgres"]
    with pytest.raises(embedded.ClusterError, match="is not empty"):
        embedded.restore(archived, tmp_path)


def test_a_restore_that_fails_leaves_nothing(cluster: embedded.Cluster, shop: str, tmp_path: Path) -> None:
    sql(cluster, "create function meta.bad() returns int language sql immutable as 'select 1'", "shop")
    sql(
        cluster,
        "create table meta.broken (n int check (meta.bad() = 1)); insert into meta.broken values (1)",
        "shop",
    )
    sql(
        cluster,
        "create or replace function meta.bad() returns int language sql immutable as 'select 2'",
        "shop",
    )
    try:
        embedded.backup(shop, tmp_path / "b", role_prefix="app_")
    finally:
        sql(cluster, "drop table meta.broken; drop function meta.bad()", "shop")
    for target in (tmp_path / "new", tmp_path / "empty"):
        if target.name == "empty":
            target.mkdir()
        with pytest.raises(embedded.ClusterError, match=r"pg_restore failed.*violates check constraint"):
            embedded.restore(tmp_path / "b", target, wait=60)
    assert not (tmp_path / "new").exists()
    assert not list((tmp_path / "empty").iterdir())


def test_a_killed_restore_can_be_repeated(archived: Path, tmp_path: Path) -> None:
    target = tmp_path / "restored"
    code = """
import sys, pathlib
from penstock.kit import embedded
archive, target = map(pathlib.Path, sys.argv[1:])
embedded.restore(archive, target, progress=lambda text: print(text, flush=True))
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(archived), str(target)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("Restoring the database"):
                process.kill()
    with pytest.raises(embedded.ClusterError, match=r"restore into .* is not complete"):
        embedded.start(target)
    embedded.restore(archived, target, wait=60)
    assert sorted(path.name for path in target.iterdir()) == ["key", "postgres"]
    assert gone(target)
