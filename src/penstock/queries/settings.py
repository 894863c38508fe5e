"""Settings of queries."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.kit.settings import at_least, setting


@dataclass(frozen=True, slots=True)
class QueriesSettings:
    """Limits of questions in SQL."""

    query_timeout: float = setting(
        300.0, "Seconds after which PostgreSQL cancels a query in SQL.", check=at_least(0.1)
    )
    max_query_bytes: int = setting(
        256 * 1024, "Length of the text of a query in SQL, in bytes.", check=at_least(1024)
    )
