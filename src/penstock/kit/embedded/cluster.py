"""Joining the PostgreSQL server of a data directory, and starting its keeper when there is none."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from . import accounts, home, install, keeper
from .failure import ClusterError

log = logging.getLogger("penstock.embedded")

# A server that ends this often before it is ready will not start without help.
HOPELESS = 3
PATIENCE = 3.0  # seconds before we tell that recovery takes its time


def _silent(_: str) -> None:
    pass


def start(
    data_dir: Path,
    *,
    wait: float = 600,
    progress: Callable[[str], None] | None = None,
    settings: Mapping[str, str] | None = None,
    watch: bool = True,
) -> Cluster:
    """Start the PostgreSQL server of a data directory, or join the one that runs; create it when absent.

    Blocks until the server accepts connections, `wait` seconds at most: recovery may take minutes. `settings`
    are added to the server's own and count when this call starts it. With `watch` a thread sees to it that
    the server comes back when its keeper was killed; without, call `Cluster.ensure` now and then.
    Raises `ClusterError`, whose text says what is wrong and what to do.
    """
    if sys.platform != "linux":
        raise ClusterError(
            "The embedded PostgreSQL needs Linux.",
            hint="Set PENSTOCK_DATABASE_URL to use a PostgreSQL of your own.",
        )
    cluster = Cluster(Path(data_dir), settings or {}, progress or _silent)
    try:
        cluster.join(time.monotonic() + wait)
        if watch:
            cluster.watch()
    except BaseException:
        cluster.close()
        raise
    return cluster


class Cluster:
    """A running server that does not stop before `close`, or the end of this process, whatever ends it."""

    superuser = home.SUPERUSER
    port = keeper.PORT

    def __init__(self, data_dir: Path, settings: Mapping[str, str], progress: Callable[[str], None]) -> None:
        """Nothing is started yet: see `start`."""
        self._home = home.Home(data_dir)
        self._settings = settings
        self._progress = progress
        self._mutex = threading.Lock()
        self._closed = threading.Event()
        self._users = self._home.open(keeper.USERS_LOCK)

    @property
    def data_dir(self) -> Path:
        """The data directory, absolute."""
        return self._home.data_dir

    @property
    def host(self) -> str:
        """The socket directory, as drivers expect it."""
        return self._home.read("socket").partition("\n")[0]

    @property
    def superuser_password(self) -> str:
        return self._home.read("superuser")

    @property
    def log_path(self) -> Path:
        return self._home.path / keeper.LOG

    def dsn(self, user: str | None = None, password: str | None = None, database: str = "postgres") -> str:
        """The address for a driver; without arguments, the superuser's."""
        name = self.superuser if user is None else user
        secret = self.superuser_password if user is None and password is None else password or ""
        return (
            f"postgresql://{quote(name, safe='')}:{quote(secret, safe='')}@/{quote(database, safe='')}"
            f"?host={quote(self.host)}&port={self.port}"
        )

    def processes(self) -> list[int]:
        """Process ids: the keeper, the postmaster, then the other processes of the server."""
        status = self._home.status()
        directory = os.open(self._home.cluster, os.O_RDONLY | os.O_DIRECTORY)
        try:
            postmaster, _ = keeper.postmaster_state(directory)
            others = keeper.server_processes(directory)
        finally:
            os.close(directory)
        found = [pid for pid in others if pid != postmaster]
        return [status.pid, postmaster, *found] if postmaster in others else [status.pid, *found]

    def join(self, deadline: float) -> None:
        """Become a user and wait until the server answers; `deadline` is of the monotonic clock."""
        # A keeper that is about to stop holds this lock to the end: then the wait is for its last breath.
        while not keeper.try_lock(self._users, fcntl.LOCK_SH):
            if time.monotonic() > deadline:
                raise ClusterError(f"The database server in {self.data_dir} does not come to an end.")
            time.sleep(0.02)
        begun, told = time.monotonic(), False
        while not self.ensure():
            self._check_hope(time.monotonic() - begun)
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"The database server in {self.data_dir} did not become ready in time.",
                    hint=f"It may still be recovering. The end of its log:\n{self._home.log_tail()}",
                )
            if not told and time.monotonic() - begun > PATIENCE:
                self._progress("Waiting for the database server, which may be recovering")
                told = True
            time.sleep(0.02)

    def ensure(self) -> bool:
        """Start a keeper when there is none; True when the server answers. Cheap, and safe in any thread.

        Raises `ClusterError` when a keeper cannot be started.
        """
        with self._mutex:
            if self._closed.is_set():
                return False
            self._ensure_keeper()
        return self._home.status().word == keeper.READY and self._answers()

    def watch(self) -> None:
        """Call `ensure` every second in a thread of its own."""
        threading.Thread(target=self._watch, name="penstock-embedded", daemon=True).start()

    def close(self, wait: float = 0) -> None:
        """Leave. The last one out stops the server: a moment later or, with `wait` seconds given, at once.

        With `wait` it returns when the server has stopped, somebody else uses it, or the time is over.
        """
        with self._mutex:
            if self._closed.is_set():
                return
            self._closed.set()
            os.close(self._users)
        if wait > 0:
            self._wait_until_stopped(time.monotonic() + wait)
        self._home.close()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _watch(self) -> None:
        while not self._closed.wait(1.0):
            try:
                self.ensure()
            except Exception:
                log.exception("the database server cannot be started again")

    def _ensure_keeper(self) -> None:
        """Whoever gets the keeper's lock finds that there is none, and is the one to start the next."""
        lock = self._home.open(keeper.KEEPER_LOCK)
        try:
            if keeper.try_lock(lock):
                self._start_keeper(lock)
        except (OSError, subprocess.SubprocessError) as error:
            raise ClusterError(
                f"The database server in {self.data_dir} cannot be started: {error}"
            ) from error
        finally:
            os.close(lock)

    def _start_keeper(self, lock: int) -> None:
        place = self._home
        home.check_version(place)
        account = accounts.choose(place.cluster, place.path)
        programs = install.for_account(account)
        home.create_cluster(place, programs, account, lock, self._progress)
        if not place.read("superuser"):
            raise ClusterError(f"The superuser's password is missing: {place.path / 'superuser'}.")
        home.write_settings(place, account, self._settings)
        job = keeper.Job(
            home=place.descriptor,
            lock=lock,
            postgres=str(programs / "postgres"),
            socket=home.socket_dir(place, account),
            uid=account.uid if account else -1,
            gid=account.gid if account else -1,
            name=str(self.data_dir),
        )
        place.write(keeper.STATUS, f"0 {keeper.STARTING}\n")
        # Without the site packages and most of our environment: less memory, and less to go wrong.
        kept = ("PATH", "LD_LIBRARY_PATH")
        subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-I", "-S", str(Path(keeper.__file__)), *job.words()],
            pass_fds=(place.descriptor, lock),
            cwd="/",
            env={"LC_ALL": "C.UTF-8"} | {name: os.environ[name] for name in kept if name in os.environ},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
            umask=0o077,
        )

    def _check_hope(self, waited: float) -> None:
        status = self._home.status()
        if status.word == keeper.FAILING and int(status.detail or 0) >= HOPELESS:
            raise ClusterError(
                f"The database server in {self.data_dir} does not start.",
                hint=f"The end of its log:\n{self._home.log_tail()}",
            )
        if waited > PATIENCE and status.word == keeper.READY and not Path(self.host).exists():
            raise ClusterError(
                f"The data directory {self.data_dir} is in use by a server whose socket directory "
                f"{self.host} is not visible here: in another container, or with its own temporary directory."
            )

    def _answers(self) -> bool:
        """Ask the server for encryption: it says no, which only a server that forks processes can do."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(1.0)
            try:
                peer.connect(f"{self.host}/{keeper.SOCKET}")
                peer.sendall(struct.pack("!ii", 8, 80877103))
                return peer.recv(1) == b"N"
            except OSError:
                return False

    def _wait_until_stopped(self, deadline: float) -> None:
        lock = self._home.open(keeper.KEEPER_LOCK)
        try:
            while not keeper.try_lock(lock):
                others = self._home.open(keeper.USERS_LOCK)
                used = not keeper.try_lock(others) and self._home.status().word != keeper.STOPPING
                os.close(others)
                if used or time.monotonic() > deadline:
                    return
                self._hurry()
                time.sleep(0.02)
        finally:
            os.close(lock)

    def _hurry(self) -> None:
        with contextlib.suppress(OSError):
            if pid := self._home.status().pid:
                os.kill(pid, signal.SIGTERM)
