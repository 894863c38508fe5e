"""Settings of data tables and their records."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.kit.settings import at_least, setting


@dataclass(frozen=True, slots=True)
class TablesSettings:
    """Limits of record requests."""

    max_bulk_rows: int = setting(10_000, "Records that one request may create or change.", check=at_least(1))
    idempotency_seconds: int = setting(
        86_400, "How long the answer to a request with an Idempotency-Key is kept.", check=at_least(60)
    )
