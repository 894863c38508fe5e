"""What a database that is set up depends on, as one short text: whoever finds the same need not look further."""

from __future__ import annotations

import hashlib
from pathlib import Path

from penstock import __version__
from penstock.server.settings import ServerSettings

MIGRATIONS = Path(__file__).parent / "migrations" / "versions"


def stamp(settings: ServerSettings, server_major: int) -> str:
    """What a set-up database depends on: the release, its migrations, the role settings, the PostgreSQL version."""
    migrations = sorted(path.name for path in MIGRATIONS.glob("*.py"))
    parts = [__version__, *migrations, str(settings.statement_timeout), str(server_major), _sources()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _sources() -> str:
    """Grants and functions live in the code of `bootstrap` and `vectors`, so their text is part of the stamp."""
    here = Path(__file__).parent
    return hashlib.sha256(
        b"".join((here / name).read_bytes() for name in ("bootstrap.py", "vectors.py"))
    ).hexdigest()
