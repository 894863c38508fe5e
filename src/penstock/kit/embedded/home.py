"""The directory `<data directory>/postgres`: its files, its locks, and the creation of the cluster in it.

data/        the cluster itself, owned by the account PostgreSQL runs as
superuser    password of the superuser (0600)
socket       path of the socket directory
log, log.1   what PostgreSQL and the keeper say
status       process id and state of the keeper
*.lock       see `keeper`
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from . import keeper
from .accounts import Account
from .failure import ClusterError
from .install import MAJOR

SUPERUSER = "penstock_bootstrap"
# A socket address holds 107 bytes; the name of the socket itself and a slash are part of it.
SOCKET_DIR_LIMIT = 107 - len(keeper.SOCKET) - 1

# Below a data directory: a restore that is under way, or did not come to its end.
RESTORING = ".restoring"

INCLUDES = """
include = 'penstock.conf'
include_if_exists = 'local.conf'
"""

# Modest: the idle server together with ours should stay under 200 MiB.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "64MB",
    "huge_pages": "off",
    "max_connections": "100",
    "min_wal_size": "80MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "10min",
    "random_page_cost": "1.1",
    "jit": "off",
    "io_method": "sync",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "2",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
    # Messages may quote rows and statements of users; the log is no place for them.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class Status(NamedTuple):
    pid: int
    word: str
    detail: str


class Home:
    """An open `<data directory>/postgres`."""

    def __init__(self, data_dir: Path) -> None:
        """Create what is missing; raises `ClusterError` when the directory is not ours to use."""
        self.data_dir = data_dir.absolute()
        self.path = self.data_dir / "postgres"
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (self.data_dir / RESTORING).exists() and not self.path.exists():
                raise ClusterError(f"The restore into {self.data_dir} is not complete.", hint="Run it again.")
            self._create()
            self.descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            raise ClusterError(
                f"The data directory {self.data_dir} cannot be used: {error.strerror}."
            ) from error
        owner = os.fstat(self.descriptor).st_uid
        if os.geteuid() not in (0, owner):
            os.close(self.descriptor)
            raise ClusterError(f"The data directory {self.data_dir} belongs to another user (id {owner}).")

    def _create(self) -> None:
        with contextlib.suppress(FileExistsError):
            self.path.mkdir(mode=0o700)
            if os.geteuid() == 0:
                # Root may start it for the user it belongs to, who must be able to do so alone later.
                owner = self.data_dir.stat()
                os.chown(self.path, owner.st_uid, owner.st_gid)

    def identity(self) -> str:
        """What tells this directory from a copy of it."""
        found = os.fstat(self.descriptor)
        return f"{found.st_dev}:{found.st_ino}"

    @property
    def cluster(self) -> Path:
        return self.path / keeper.DATA

    def open(self, name: str) -> int:
        """Open a lock file."""
        return keeper.open_private(name, self.descriptor)

    def read(self, name: str) -> str:
        """The text of a small file, or an empty one."""
        try:
            return (self.path / name).read_text("utf-8").strip()
        except FileNotFoundError:
            return ""

    def write(self, name: str, text: str) -> None:
        """Write a small file so that it is there wholly or not at all, also after a power cut."""
        fresh = f"{name}.new"
        descriptor = keeper.open_private(fresh, self.descriptor, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.write(descriptor, text.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(fresh, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        os.fsync(self.descriptor)

    def status(self) -> Status:
        """What the keeper said last, which may be long dead."""
        pid, _, rest = self.read(keeper.STATUS).partition(" ")
        word, _, detail = rest.partition(" ")
        return Status(int(pid) if pid.isdigit() else 0, word, detail)

    def log_tail(self, lines: int = 5) -> str:
        """The last lines of the log."""
        with contextlib.suppress(OSError), (self.path / keeper.LOG).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
        return ""

    def close(self) -> None:
        os.close(self.descriptor)


def check_version(home: Home) -> None:
    """Refuse a cluster of another major release."""
    found = home.read(f"{keeper.DATA}/PG_VERSION")
    if found and found != str(MAJOR):
        raise ClusterError(
            f"The data directory {home.data_dir} was made by PostgreSQL {found}; "
            f"this release has PostgreSQL {MAJOR}.",
            hint="Run `penstock backup` with the release that made it, then `penstock restore` with this one "
            "into an empty data directory.",
        )


def create_cluster(
    home: Home,
    programs: Path,
    account: Account | None,
    lock: int,
    progress: Callable[[str], None],
) -> None:
    """Make the cluster when there is none: beside its place, then renamed, so that it is never half there."""
    if home.cluster.exists():
        return
    progress(f"Creating the database cluster in {home.cluster}")
    if not home.read("superuser"):
        home.write("superuser", secrets.token_urlsafe(32) + "\n")
    staging = home.path / f"{keeper.DATA}.new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    if account:
        os.chown(staging, account.uid, account.gid)
    directory = os.open(staging, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _initdb(programs, account, directory, home.read("superuser"), lock)
        _append(directory, "postgresql.conf", INCLUDES)
        _replace(directory, "penstock.conf", "", account)
        _replace(directory, "local.conf", "# Your settings, which Penstock never touches.\n", account)
        os.fsync(directory)
    finally:
        os.close(directory)
    staging.rename(home.cluster)
    os.fsync(home.descriptor)


def _initdb(programs: Path, account: Account | None, directory: int, password: str, lock: int) -> None:
    secret = os.memfd_create("password")
    try:
        os.write(secret, password.encode() + b"\n")
        if account:
            os.fchown(secret, account.uid, account.gid)
        # Paths through descriptors: the account may not be allowed to enter the directories above.
        # The lock goes along, so that nobody else begins while a forsaken initdb is still at work.
        done = subprocess.run(  # noqa: S603  # fixed words
            [
                str(programs / "initdb"),
                *("-D", f"/proc/self/fd/{directory}"),
                *("-U", SUPERUSER, f"--pwfile=/proc/self/fd/{secret}", "--auth=scram-sha-256"),
                *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"),
                "--data-checksums",
            ],
            pass_fds=(directory, secret, lock),
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[account.gid] if account else None,
        )
    finally:
        os.close(secret)
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip()
        raise ClusterError(f"The database cluster could not be created: {said}")


def write_settings(home: Home, account: Account | None, extra: Mapping[str, str]) -> None:
    """Write our settings and who may connect; `local.conf` and `ALTER SYSTEM` have the last word."""
    directory = os.open(home.cluster, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        lines = ["# Written at every start. Put changes into local.conf beside this file.\n"]
        for name, value in {**SETTINGS, **extra}.items():
            quoted = value.replace("'", "''")
            lines.append(f"{name} = '{quoted}'\n")
        _replace(directory, "penstock.conf", "".join(lines), account)
        _replace(directory, "pg_hba.conf", "local all all scram-sha-256\n", account)
    finally:
        os.close(directory)


def _append(directory: int, name: str, text: str) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW, dir_fd=directory)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def _replace(directory: int, name: str, text: str, account: Account | None) -> None:
    """Write a file of the cluster. The account owns the directory: nothing there is followed or trusted."""
    fresh = f"{name}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh, dir_fd=directory)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=directory)
    os.write(descriptor, text.encode())
    if account:
        os.fchown(descriptor, account.uid, account.gid)
    os.close(descriptor)
    os.replace(fresh, name, src_dir_fd=directory, dst_dir_fd=directory)


def socket_dir(home: Home, account: Account | None) -> str:
    """The directory of the socket: the recorded one if it is still ours, else a new one with a random name.

    It is not in the data directory, whose path may be longer than a socket address allows.
    """
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    recorded, _, whose = home.read("socket").partition("\n")
    if recorded and whose == home.identity():
        with contextlib.suppress(OSError):
            keeper.make_socket_dir(recorded, uid, gid)
            return recorded
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"):  # noqa: S108  # ours is 0700 in it
        path = f"{parent}/penstock-{secrets.token_hex(6)}"
        if len(os.fsencode(path)) > SOCKET_DIR_LIMIT:
            continue
        if account and not account.can_enter(Path(parent)):
            continue
        with contextlib.suppress(OSError):
            keeper.make_socket_dir(path, uid, gid)
            home.write("socket", f"{path}\n{home.identity()}\n")
            return path
    raise ClusterError(
        "The database socket has no place: neither the temporary directory nor /tmp can be used."
    )
