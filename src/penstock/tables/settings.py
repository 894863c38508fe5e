"""Settings of data tables and their records."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.kit.settings import at_least, setting


def _mongodb_url(value: str | None) -> str | None:
    if value is None or value.startswith(("mongodb://", "mongodb+srv://")):
        return None
    return "must begin with mongodb:// or mongodb+srv://"


@dataclass(frozen=True, slots=True)
class TablesSettings:
    """Limits of record requests and of schema changes."""

    max_bulk_rows: int = setting(10_000, "Records that one request may create or change.", check=at_least(1))
    max_graph_size: int = setting(
        50_000,
        "Records that one walk along the edges of a table may reach, and edges it may answer.",
        check=at_least(1),
    )
    idempotency_seconds: int = setting(
        86_400, "How long the answer to a request with an Idempotency-Key is kept.", check=at_least(60)
    )
    max_collected: int = setting(
        10_000,
        "Items that array_agg, json_agg and string_agg may collect in one answer.",
        check=at_least(1),
    )
    max_aggregate_cost: int = setting(
        5_000_000,
        "Aggregates that PostgreSQL's planner says cost more are refused; 0 is no limit. The default is about one pass "
        "over a hundred million records.",
        check=at_least(0),
    )
    schema_lock_timeout: float = setting(
        0.5,
        "Seconds that a schema change waits for a lock, while others wait behind it; then it lets them pass and "
        "tries again.",
        check=at_least(0.01),
    )
    schema_lock_patience: float = setting(
        20.0, "Seconds after which a schema change that gets no lock is refused.", check=at_least(0)
    )
    schema_statement_timeout: float = setting(
        30.0, "Seconds that one statement of a schema change may take.", check=at_least(0.1)
    )
    schema_small_rows: int = setting(
        100_000,
        "Tables of at most so many records are changed in one transaction; of larger ones constraints are validated "
        "and indexes built after it, while others write.",
        check=at_least(0),
    )
    schema_widening_seconds: float = setting(
        3600.0,
        "Seconds that a change of a large table may take to write fields anew whose type widens, batch by batch; and "
        "that a step of a change of a table in MongoDB may take.",
        check=at_least(1),
    )
    mongodb_url: str | None = setting(
        None,
        "MongoDB that keeps the records of data sources with the provider `mongodb` that name no credential of their "
        "own: `mongodb://user:password@host:port/prefix`. Every app gets a database there, whose name begins with "
        "that of the URL.",
        check=_mongodb_url,
        secret=True,
    )
    mongodb_timeout: float = setting(
        30.0, "Seconds that one request to MongoDB may take.", check=at_least(0.1)
    )
    mongodb_max_searched: int = setting(
        20_000,
        "Records of MongoDB that one full-text search looks through, after all other conditions; more are refused.",
        check=at_least(1),
    )
    max_related_per_record: int = setting(
        1_000,
        "Related records that `populate` adds to one record by one relation; more are refused.",
        check=at_least(1),
    )
    max_related_rows: int = setting(
        20_000, "Related records that `populate` adds to an answer by relations to many.", check=at_least(1)
    )
    max_populated_bytes: int = setting(
        33_554_432, "Bytes of an answer that has populated records.", check=at_least(1024)
    )
    bulk_streams: int = setting(
        4,
        "Imports and exports that a worker runs at once, each with a connection of its own; keep it below "
        "`data_pool_size`.",
        check=at_least(1),
    )
    bulk_seconds: float = setting(
        3600.0, "The longest that an import or an export may take, in seconds.", check=at_least(1)
    )
    bulk_patience: float = setting(
        20.0,
        "How long an import waits for more of the body, and an export for its reader, in seconds (at most 30).",
        check=lambda value: None if 0.1 <= value <= 30 else "must be between 0.1 and 30",
    )
    spool_limit: int = setting(
        2 * 1024**3,
        "The largest Parquet file that an import takes, and the largest of any kind for a table in MongoDB, in bytes; "
        "it is kept in the data directory meanwhile.",
        check=at_least(1),
    )
    quarantine_rows: int = setting(
        100_000, "Rows of one import that may be put in quarantine; beyond, it is refused.", check=at_least(1)
    )
    change_streams: int = setting(
        200, "Readers that may follow change feeds as streams of events, in each worker.", check=at_least(1)
    )
    change_streams_per_org: int = setting(50, "As `change_streams`, of one organization.", check=at_least(1))
    change_heartbeat: float = setting(
        15.0, "Seconds of silence after which a stream of changes shows that it lives.", check=at_least(0.1)
    )
    change_days: float = setting(7.0, "Days that the changes of records are kept.", check=at_least(0.01))
    change_rows: int = setting(
        1_000_000, "Changes that are kept of one table at the most; the oldest go first.", check=at_least(1)
    )
    quarantine_days: int = setting(30, "Days after which quarantined rows are forgotten.", check=at_least(1))
