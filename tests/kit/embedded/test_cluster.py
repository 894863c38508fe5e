"""One server for all users of a data directory, and none when there is no user."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from penstock.kit import embedded
from penstock.kit.embedded import home, keeper

from .conftest import answers, eventually, gone, kill, sql, user_process


def test_it_is_durable_and_speaks_to_us_alone(cluster: embedded.Cluster) -> None:
    shown = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
        "password_encryption": "scram-sha-256",
    }
    assert {name: sql(cluster, f"show {name}") for name in shown} == shown
    assert sql(cluster, "select distinct auth_method from pg_hba_file_rules") == "scram-sha-256"
    assert sql(cluster, "select datlocprovider, datlocale from pg_database limit 1") == "b|C.UTF-8"
    assert sql(cluster, "show server_version").split(".")[0] == str(embedded.MAJOR)


def test_files_are_private(cluster: embedded.Cluster) -> None:
    place = cluster.data_dir / "postgres"
    for path in (place, place / "data", Path(cluster.host)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in place.iterdir():
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_wrong_password_is_refused(cluster: embedded.Cluster) -> None:
    done = subprocess.run(
        [str(embedded.binaries() / "psql"), "-w", cluster.dsn(cluster.superuser, "guess"), "-c", "select 1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "password authentication failed" in done.stderr


def test_the_address_is_quoted(cluster: embedded.Cluster) -> None:
    sql(cluster, """create role "a b/@é" login password 'p:/?#@ü'""")
    sql(cluster, 'create database "d b/?"')
    dsn = cluster.dsn("a b/@é", "p:/?#@ü", "d b/?")
    command = [str(embedded.binaries() / "psql"), "-XAtc", "select current_database(), current_user", dsn]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "d b/?|a b/@é\n"


def test_ensure_changes_nothing_while_all_is_well(cluster: embedded.Cluster) -> None:
    before = cluster.processes()[:2]
    assert all(cluster.ensure() for _ in range(50))
    assert cluster.processes()[:2] == before


def test_the_keeper_is_small(cluster: embedded.Cluster) -> None:
    rollup = Path(f"/proc/{cluster.processes()[0]}/smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    assert pss < 16 * 1024


def test_others_join_and_the_last_one_stops_it(tmp_path: Path) -> None:
    first = embedded.start(tmp_path, wait=60)
    second = user_process(tmp_path)
    third = embedded.start(tmp_path, wait=60)
    # Keeper and postmaster; helpers of PostgreSQL come and go.
    assert third.processes()[:2] == first.processes()[:2]
    first.close(wait=5)
    third.close(wait=5)
    first.close()
    assert not gone(tmp_path)
    second.communicate("")
    eventually(lambda: gone(tmp_path), 10)
    assert not Path(third.host).exists()


def test_a_start_after_a_stop_waits_for_it(tmp_path: Path) -> None:
    """Users that come and go at any moment never meet a server that is about to stop."""
    for pause in (0, 1.5, 2.0, 2.2, 0):
        with embedded.start(tmp_path, wait=60) as cluster:
            assert answers(cluster)
        time.sleep(pause)
    last = embedded.start(tmp_path, wait=60)
    last.close(wait=30)
    assert gone(tmp_path)


def _use(data_dir: Path, times: int) -> None:
    for _ in range(times):
        cluster = embedded.start(data_dir, wait=60, watch=False)
        assert cluster.ensure()
        cluster.close(wait=10)


def test_many_start_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    users = [context.Process(target=_use, args=(tmp_path, 3)) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join(60)
    assert [user.exitcode for user in users] == [0] * 4
    eventually(lambda: gone(tmp_path))


def test_a_killed_user_leaves_no_orphan(tmp_path: Path) -> None:
    user = user_process(tmp_path)
    assert not gone(tmp_path)
    user.kill()
    user.communicate()
    eventually(lambda: gone(tmp_path), 10)


@pytest.mark.parametrize("victim", ["keeper", "postmaster", "backend", "keeper and postmaster", "all"])
def test_it_comes_back_after_a_kill(tmp_path: Path, victim: str) -> None:
    # It computes for long and does not listen, also when its server is dead.
    busy = "do $$ begin for i in 1..2000000000 loop end loop; end $$"
    asking = "select pid from pg_stat_activity where query like 'do %'"
    with embedded.start(tmp_path, wait=60) as cluster:
        sql(cluster, "create table t (n int); insert into t values (1)")
        psql = [str(embedded.binaries() / "psql"), "-qXc", busy, cluster.dsn()]
        with subprocess.Popen(psql, stderr=subprocess.DEVNULL) as slow:
            eventually(lambda: bool(sql(cluster, asking)))
            pids = cluster.processes()
            victims = {
                "keeper": pids[:1],
                "postmaster": pids[1:2],
                "backend": [int(sql(cluster, asking))],
                "keeper and postmaster": pids[:2],
                "all": pids,
            }
            kill(victims[victim])
            eventually(lambda: bool(slow.poll()), 30)
        eventually(lambda: answers(cluster), 30)
        assert sql(cluster, "select n from t") == "1"
        sql(cluster, "insert into t values (2)")
        assert (cluster.processes()[0] != pids[0]) == (victim not in ("postmaster", "backend"))
        cluster.close(wait=30)
    assert gone(tmp_path)


def test_recovery_is_waited_for(tmp_path: Path) -> None:
    cluster = embedded.start(tmp_path, wait=60, watch=False, settings={"checkpoint_timeout": "1h"})
    sql(cluster, "create table t as select n, repeat('x', 100) from generate_series(1, 200000) n")
    sql(cluster, "update t set n = n + 1")
    kill(cluster.processes())
    cluster.close()
    with embedded.start(tmp_path, wait=60) as again:
        assert sql(again, "select count(*), max(n) from t") == "200000|200001"
        again.close(wait=30)
    assert "not properly shut down" in cluster.log_path.read_text()


def test_a_recorded_process_id_of_a_stranger_is_no_obstacle(tmp_path: Path) -> None:
    with embedded.start(tmp_path, wait=60) as cluster:
        kill(cluster.processes())
    stale = tmp_path / "postgres" / "data" / "postmaster.pid"
    eventually(lambda: gone(tmp_path))
    lines = stale.read_text().splitlines()
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with embedded.start(tmp_path, wait=60) as cluster:
        assert answers(cluster)
        cluster.close(wait=30)


def test_a_path_longer_than_a_socket_address(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long " * 40) / "é" / ("d" * 100)
    with embedded.start(data_dir, wait=60) as cluster:
        assert answers(cluster)
        assert len(cluster.host) < 100
        cluster.close(wait=30)


def test_a_copy_of_a_running_directory_has_a_socket_of_its_own(
    cluster: embedded.Cluster, tmp_path: Path
) -> None:
    shutil.copytree(cluster.data_dir / "postgres", tmp_path / "postgres", dirs_exist_ok=True)
    for path in (tmp_path / "postgres" / "data").rglob("*"):
        shutil.chown(path, (cluster.data_dir / "postgres" / "data").stat().st_uid)
    shutil.chown(tmp_path / "postgres" / "data", (cluster.data_dir / "postgres" / "data").stat().st_uid)
    with embedded.start(tmp_path, wait=60) as copy:
        assert copy.host != cluster.host
        assert copy.processes() != cluster.processes()
        copy.close(wait=30)
    assert answers(cluster)


def test_a_vanished_socket_directory_is_made_again(tmp_path: Path) -> None:
    with embedded.start(tmp_path, wait=60) as cluster:
        shutil.rmtree(cluster.host)
        eventually(lambda: answers(cluster), 30)
        cluster.close(wait=30)


def test_a_socket_directory_made_by_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    with embedded.start(tmp_path, wait=60) as cluster:
        first = cluster.host
        cluster.close(wait=30)
    Path(first).mkdir(mode=0o755)
    try:
        with embedded.start(tmp_path, wait=60) as cluster:
            assert cluster.host != first
            second = cluster.host
            cluster.close(wait=30)
    finally:
        Path(first).rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    Path(second).symlink_to(tmp_path / "elsewhere")
    try:
        with embedded.start(tmp_path, wait=60) as cluster:
            assert cluster.host != second
            cluster.close(wait=30)
    finally:
        Path(second).unlink()


def test_another_major_version_is_refused(tmp_path: Path) -> None:
    with embedded.start(tmp_path, wait=60) as cluster:
        cluster.close(wait=30)
    (tmp_path / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(embedded.ClusterError, match=r"was made by PostgreSQL 16.*backup.*restore"):
        embedded.start(tmp_path)
    assert gone(tmp_path)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(embedded.ClusterError, match="shared_buffers"):
        embedded.start(tmp_path, wait=60, settings={"shared_buffers": "nonsense"})
    eventually(lambda: gone(tmp_path))
    with embedded.start(tmp_path, wait=60) as cluster:
        assert answers(cluster)
        cluster.close(wait=30)


def test_a_deleted_directory_is_given_up(tmp_path: Path) -> None:
    with embedded.start(tmp_path / "data", wait=60) as cluster:
        host, pids = Path(cluster.host), cluster.processes()
    # The server removes files of its own at the same time.
    shutil.rmtree(tmp_path / "data", ignore_errors=True)
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert not host.exists()


def test_half_a_cluster_is_no_cluster(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data.new" / "base").mkdir(parents=True)
    (tmp_path / "postgres" / "data.new" / "PG_VERSION").write_text("18\n")
    with embedded.start(tmp_path, wait=60) as cluster:
        assert answers(cluster)
        cluster.close(wait=30)


def test_settings_of_the_operator_win(tmp_path: Path) -> None:
    with embedded.start(tmp_path, wait=60) as cluster:
        (tmp_path / "postgres" / "data" / "local.conf").write_text("work_mem = '17MB'\n")
        sql(cluster, "select pg_reload_conf()")
        eventually(lambda: sql(cluster, "show work_mem") == "17MB")
        cluster.close(wait=30)


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(embedded.ClusterError, match="cannot be used: Not a directory"):
        embedded.start(tmp_path / "file" / "data")


def test_the_log_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded.start(tmp_path, wait=60) as cluster:
        with cluster.log_path.open("ab") as log:
            log.write(b"x" * (keeper.LOG_LIMIT + 1))
        eventually(lambda: cluster.log_path.stat().st_size < keeper.LOG_LIMIT)
        assert cluster.log_path.with_name("log.1").stat().st_size > keeper.LOG_LIMIT
        sql(cluster, "do $$ begin raise warning 'still here'; end $$")
        assert "still here" in cluster.log_path.read_text()
        cluster.close(wait=30)


def test_an_address_of_any_socket_directory_fits() -> None:
    path = "/" + "d" * (home.SOCKET_DIR_LIMIT - 1)
    with socket.socket(socket.AF_UNIX) as peer, pytest.raises(FileNotFoundError):
        peer.connect(f"{path}/{keeper.SOCKET}")
