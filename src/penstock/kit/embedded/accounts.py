"""The account that PostgreSQL runs as; matters only when we are root, which PostgreSQL refuses."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "penstock"
log = logging.getLogger("penstock.embedded")


@dataclass(frozen=True, slots=True)
class Account:
    """Another account than ours."""

    name: str
    uid: int
    gid: int

    def can_run(self, command: Sequence[str]) -> bool:
        """Does this command work under the account, with all that its program needs to load?"""
        try:
            done = subprocess.run(  # noqa: S603  # our own program
                command,
                user=self.uid,
                group=self.gid,
                extra_groups=[self.gid],
                cwd="/",
                env={"PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError:
            return False
        return done.returncode == 0

    def can_enter(self, directory: Path) -> bool:
        """May the account use this directory?"""
        return self.can_run(["/bin/sh", "-c", 'cd "$1"', "sh", str(directory)])


def of(uid: int) -> Account:
    """The account of a user id; one without an entry keeps its number as its name and group."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(str(uid), uid, uid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def choose(*owners: Path) -> Account | None:
    """The account for a cluster: None (our own) unless we are root, else the first owner that is not root.

    When everything belongs to root it is the account `penstock`, which is created when missing.
    """
    if os.geteuid() != 0:
        return None
    for path in owners:
        with contextlib.suppress(FileNotFoundError):
            if uid := path.stat().st_uid:
                return of(uid)
    return _service_account()


def _service_account() -> Account:
    if found := _named(NAME):
        return found
    if program := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME]
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603  # fixed words
        # Not the exit status: another process may have created it at the same moment.
        if found := _named(NAME):
            return found
    if found := _named("nobody"):
        log.warning("the account %s cannot be created; PostgreSQL runs as nobody", NAME)
        return found
    return of(65534)


def _named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid) if entry.pw_uid else None
