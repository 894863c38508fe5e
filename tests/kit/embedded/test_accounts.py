"""Root, for whom PostgreSQL does not run, ordinary users, and directories that nobody else may enter."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.kit import embedded
from penstock.kit.embedded import accounts, install

from .conftest import answers, eventually, gone, kill, open_packages, open_programs, sql

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

VISIT = """
import os, pathlib, sys
from penstock.kit import embedded
cluster = embedded.start(pathlib.Path(sys.argv[1]), wait=60)
data = os.stat(cluster.data_dir / "postgres" / "data")
server = cluster.processes()[1:]
print(embedded.binaries(), data.st_uid, *{os.stat(f"/proc/{pid}").st_uid for pid in server})
cluster.close(wait=30)
"""


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A directory that only root may enter, as `mktemp -d` makes them."""
    path = tmp_path / "closed"
    path.mkdir(mode=0o700)
    yield path


@pytest.fixture(scope="module")
def stranger() -> accounts.Account:
    found = pwd.getpwnam("nobody")
    return accounts.Account(found.pw_name, found.pw_uid, found.pw_gid)


@pytest.fixture(scope="module")
def open_python(
    tmp_path_factory: pytest.TempPathFactory, stranger: accounts.Account
) -> Iterator[tuple[Path, Path]]:
    """An interpreter that an ordinary user can run, and a directory it can write."""
    place = Path("/var/tmp") / f"penstock-test-{os.getpid()}"
    place.mkdir(mode=0o755)
    (place / "home").mkdir()
    os.chown(place / "home", stranger.uid, stranger.gid)
    python = Path(os.path.realpath(sys.executable))
    if not stranger.can_run([str(python), "-c", ""]):

        def link(source: str, target: str) -> None:
            try:
                os.link(source, target)
            except OSError:
                shutil.copy2(source, target)

        ignored = shutil.ignore_patterns("site-packages", "test", "__pycache__", "include", "share")
        shutil.copytree(sys.base_prefix, place / "python", copy_function=link, ignore=ignored, symlinks=True)
        python = place / "python" / python.relative_to(sys.base_prefix)
    if not stranger.can_run([str(python), "-c", ""]):
        pytest.skip("no interpreter that an ordinary user can run")
    yield python, place / "home"
    shutil.rmtree(place)


def as_user(account: accounts.Account, python: Path, data_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), "-c", VISIT, str(data_dir)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        env={
            "PYTHONPATH": ":".join(map(str, open_packages())),
            "PATH": "/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_root_drops_to_an_account_of_its_own(closed: Path) -> None:
    """Also below a directory that the account may not enter, through start, crash and recovery."""
    with embedded.start(closed / "data", wait=60) as cluster:
        uids = {Path(f"/proc/{pid}").stat().st_uid for pid in cluster.processes()[1:]}
        assert uids == {(closed / "data" / "postgres" / "data").stat().st_uid}
        assert 0 not in uids
        sql(cluster, "create table t as select 1 as n; checkpoint")
        kill(cluster.processes()[1:2])
        eventually(lambda: answers(cluster), 30)
        sql(cluster, "alter system set work_mem = '9MB'")
        sql(cluster, "select pg_reload_conf()")
        eventually(lambda: sql(cluster, "show work_mem") == "9MB")
        assert sql(cluster, "select n from t") == "1"
        cluster.close(wait=30)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    with embedded.start(closed / "data", wait=60) as cluster:
        assert sql(cluster, "select n from t") == "1"
        cluster.close(wait=30)


def test_programs_in_a_closed_directory(closed: Path) -> None:
    """A fresh clone below `mktemp -d`: neither the programs nor the data can be reached by the account."""
    package = install.binaries().parent.parent
    for name in (package.name, f"{package.name}.libs"):
        if package.with_name(name).exists():
            shutil.copytree(
                package.with_name(name), closed / name, ignore=shutil.ignore_patterns("pginstall")
            )
    code = f"import sys; sys.path.insert(0, {str(closed)!r})\n{VISIT}"
    done = subprocess.run(
        [sys.executable, "-c", code, str(closed / "data")],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    programs, owner, *runs_as = done.stdout.split()
    assert Path(programs).is_relative_to(closed)
    assert runs_as == [owner]
    assert owner != "0"
    assert gone(closed / "data")


def test_a_copy_of_the_programs_is_made_once(closed: Path) -> None:
    first = install._copy(install.binaries(), closed)
    assert install._copy(install.binaries(), closed) == first
    assert [path.name for path in closed.iterdir()] == [first.parents[2].name]
    assert {path.name for path in first.iterdir()} == {"postgres", "initdb"}
    assert subprocess.run([first / "initdb", "--version"], check=True, capture_output=True).stdout


def test_a_place_that_others_can_write_is_not_trusted(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(OSError, match="not safe"):
        install._copy(install.binaries(), tmp_path)


def test_another_local_user_cannot_connect(cluster: embedded.Cluster, stranger: accounts.Account) -> None:
    psql = str(open_programs() / "psql")
    done = subprocess.run(
        [psql, "-w", cluster.dsn(), "-c", "select 1"],
        user=stranger.uid,
        group=stranger.gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Permission denied" in done.stderr
    assert not stranger.can_enter(Path(cluster.host))
    assert not stranger.can_run(["/bin/cat", str(cluster.data_dir / "postgres" / "superuser")])


def test_an_ordinary_user(open_python: tuple[Path, Path], stranger: accounts.Account) -> None:
    python, place = open_python
    done = as_user(stranger, python, place / "data")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:] == [str(stranger.uid)] * 2
    assert gone(place / "data")


def test_root_helps_an_ordinary_user(open_python: tuple[Path, Path], stranger: accounts.Account) -> None:
    """What root starts in the directory of a user, the user can start alone later."""
    python, place = open_python
    data_dir = place / "helped"
    data_dir.mkdir(mode=0o700)
    os.chown(data_dir, stranger.uid, stranger.gid)
    with embedded.start(data_dir, wait=60) as cluster:
        assert Path(f"/proc/{cluster.processes()[1]}").stat().st_uid == stranger.uid
        joined = as_user(stranger, python, data_dir)
        assert joined.returncode == 0, joined.stderr
        assert answers(cluster)
        cluster.close(wait=30)
    done = as_user(stranger, python, data_dir)
    assert done.returncode == 0, done.stderr


def test_a_directory_of_somebody_else_is_refused(
    open_python: tuple[Path, Path], stranger: accounts.Account
) -> None:
    python, place = open_python
    data_dir = place.parent / "roots"
    with embedded.start(data_dir, wait=60) as cluster:
        cluster.close(wait=30)
    done = as_user(stranger, python, data_dir)
    assert done.returncode == 1
    assert "cannot be used: Permission denied" in done.stderr


def test_root_that_cannot_become_anybody_is_told(tmp_path: Path) -> None:
    alone = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel gives us no user namespace")
    done = subprocess.run(
        [*alone, sys.executable, "-c", VISIT, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "root may not become" in done.stderr


def test_the_account_is_the_owner_of_what_is_there(tmp_path: Path, stranger: accounts.Account) -> None:
    os.chown(tmp_path, stranger.uid, stranger.gid)
    chosen = accounts.choose(tmp_path / "missing", tmp_path)
    assert chosen
    assert chosen.uid == stranger.uid
    os.chown(tmp_path, 54321, 54321)
    assert accounts.choose(tmp_path) == accounts.Account("54321", 54321, 54321)
    os.chown(tmp_path, 0, 0)
    chosen = accounts.choose(tmp_path)
    assert chosen
    assert chosen.name in (accounts.NAME, "nobody")
