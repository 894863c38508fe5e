"""Backup of an installation into one file, while it serves, and restore into an empty data directory.

The archive is as powerful as the database it came from: restoring one runs its statements as superuser.
Whether the releases fit, and what the tables mean, is the caller's business.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from . import archive, home, keeper, roles
from .archive import Manifest
from .cluster import Cluster, start
from .failure import ClusterError
from .programs import Address, psql, read_from, write_to

DUMP = "database.dump"
FILES = "files/"

# While it is filled, the cluster may be lost: it is thrown away unless everything went well.
_FILLING = {
    "autovacuum": "off",
    "synchronous_commit": "off",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
}


def _silent(_: str) -> None:
    pass


def backup(
    dsn: str,
    target: Path,
    *,
    role_prefix: str,
    files: Mapping[str, Path] | None = None,
    about: Mapping[str, str] | None = None,
    overwrite: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Manifest:
    """Write the database at `dsn` (any PostgreSQL from 15 to the embedded release) to the file `target`.

    The dump is one snapshot, taken while others write. `files` are names in the data directory and where they
    are; they are read after the snapshot, so that they hold every key it needs. Roles whose names begin with
    `role_prefix` are part of it, with their password hashes if `dsn` is a superuser's; of others that own or
    may use something only the names. `about` is kept as given. The file appears under its
    name when it is complete, readable by its owner only. Raises `ClusterError`.
    """
    tell = progress or _silent
    target = target.absolute()
    if target.exists() and not overwrite:
        raise ClusterError(f"The file {target} exists already.")
    address = Address.parse(dsn)
    found = roles.describe(address, role_prefix)
    with _appearing(target) as file:
        writer = archive.Writer(file)
        tell(f"Dumping the database {found['database']['name']}")
        # Without the wait limit a schema change that is under way could hold us for ever.
        dump = ["pg_dump", "-w", "--format=custom", "--compress=gzip:4", "--no-unlogged-table-data"]
        command = [*dump, "--lock-wait-timeout=60s", f"--dbname={address.url}"]
        writer.add(DUMP, lambda body: read_from(address, command, body))
        for name, path in (files or {}).items():
            writer.add_bytes(FILES + archive.safe_name(name), _read(path))
        manifest = Manifest(
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            about=dict(about or {}),
            database=found["database"],
            roles=found["roles"],
            memberships=found["memberships"],
            strangers=found["strangers"],
            members=dict(writer.members),
        )
        writer.add_bytes(archive.MANIFEST, manifest.text().encode())
        writer.finish()
    tell(f"Wrote {target} ({target.stat().st_size:,} bytes)")
    return manifest


def read_manifest(path: Path, *, verify: bool = True) -> Manifest:
    """What a backup holds; with `verify` every checksum is compared. Raises `ClusterError`."""
    with contextlib.closing(archive.Reader(path)) as reader:
        if verify:
            reader.verify()
        return reader.manifest


def restore(
    path: Path,
    data_dir: Path,
    *,
    wait: float = 600,
    progress: Callable[[str], None] | None = None,
) -> Manifest:
    """Make a data directory from a backup: cluster, roles, database, files.

    The directory must be missing or empty; it is complete afterwards, or as it was. Raises `ClusterError`.
    """
    tell = progress or _silent
    data_dir = data_dir.absolute()
    with contextlib.closing(archive.Reader(path)) as reader:
        tell("Verifying the backup")
        reader.verify()
        with _claimed(data_dir, reader.manifest) as staging:
            _fill(reader, staging, wait, tell)
            tell("Putting everything in its place")
            _write_files(reader, data_dir)
            (staging / "postgres").rename(data_dir / "postgres")
        return reader.manifest


def _fill(reader: archive.Reader, staging: Path, wait: float, tell: Callable[[str], None]) -> None:
    cluster = start(staging, wait=wait, settings=_FILLING, progress=tell)
    try:
        _load(reader, cluster, tell)
    finally:
        cluster.close(wait=wait)
    if _in_use(staging, keeper.KEEPER_LOCK):
        raise ClusterError(f"The database server in {staging} does not stop.")


def _load(reader: archive.Reader, cluster: Cluster, tell: Callable[[str], None]) -> None:
    manifest = reader.manifest
    name, owner = manifest.database["name"], manifest.database["owner"]
    server = Address.parse(cluster.dsn())
    psql(server, roles.statements(manifest.roles, manifest.memberships, manifest.strangers))
    if name != "postgres":
        psql(server, f"create database {roles.name(name)} template template0;")
    psql(server, f"alter database {roles.name(name)} owner to {roles.name(owner)};")
    tell(f"Restoring the database {name}")
    database = Address.parse(cluster.dsn(database=name))
    command = ["pg_restore", "-w", "--exit-on-error", f"--dbname={database.url}"]
    write_to(database, command, reader.blocks(DUMP))
    psql(database, "analyze;")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ClusterError(f"The file {path} cannot be read: {error.strerror}.") from error


def _write_files(reader: archive.Reader, data_dir: Path) -> None:
    owner = data_dir.stat()
    for member in _files(reader.manifest):
        path = data_dir / member.removeprefix(FILES)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor
            for block in reader.blocks(member):
                file.write(block)
            file.flush()
            os.fsync(descriptor)
            if os.geteuid() == 0:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _files(manifest: Manifest) -> list[str]:
    return [name for name in manifest.members if name.startswith(FILES)]


@contextlib.contextmanager
def _claimed(data_dir: Path, manifest: Manifest) -> Generator[Path]:
    """A place to build in, below the directory itself, which may be a mount; all is undone on failure."""
    created = not data_dir.exists()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    staging = data_dir / home.RESTORING
    try:
        if not keeper.try_lock(lock, fcntl.LOCK_EX):
            raise ClusterError(f"Another restore into {data_dir} is at work.")
        _clear(data_dir, manifest)
        if any(data_dir.iterdir()):
            raise ClusterError(f"The directory {data_dir} is not empty.", hint="Restore into a new one.")
        try:
            staging.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(staging, data_dir.stat().st_uid, data_dir.stat().st_gid)
            yield staging
            os.fsync(lock)
            staging.rmdir()
        except BaseException:
            _clear(data_dir, manifest)
            if created:
                data_dir.rmdir()
            raise
    finally:
        os.close(lock)


def _clear(data_dir: Path, manifest: Manifest) -> None:
    """Remove what a restore left that did not come to its end."""
    staging = data_dir / home.RESTORING
    if not staging.exists() or (data_dir / "postgres").exists():
        return
    deadline = time.monotonic() + keeper.STOP_GRACE
    # A killed restore leaves its server running for a moment.
    while _in_use(staging, keeper.KEEPER_LOCK):
        if time.monotonic() > deadline:
            raise ClusterError(f"The database server in {staging} does not stop.")
        time.sleep(0.05)
    for member in _files(manifest):
        (data_dir / member.removeprefix(FILES)).unlink(missing_ok=True)
        for parent in list(Path(member.removeprefix(FILES)).parents)[:-1]:
            with contextlib.suppress(OSError):
                (data_dir / parent).rmdir()
    shutil.rmtree(staging)


def _in_use(place: Path, lock: str) -> bool:
    try:
        descriptor = os.open(place / "postgres" / lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not keeper.try_lock(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _appearing(target: Path) -> Generator[IO[bytes]]:
    """A file that gets its name when it is complete."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ClusterError(f"The file {target} cannot be written: {error.strerror}.") from error
    try:
        with open(descriptor, "w+b") as file:  # noqa: PTH123  # a descriptor
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
