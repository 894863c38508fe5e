"""Settings of queries and of their results."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from penstock.kit.settings import at_least, setting

_MIB = 1024 * 1024
_SCHEMES = ("s3://", "gs://", "az://", "azure://", "file://", "/")


def _place(value: str | None) -> str | None:
    if value is None or value.startswith(_SCHEMES):
        return None
    return "must be a directory (an absolute path) or begin with s3://, gs:// or az://"


def _service(value: str | None) -> str | None:
    try:
        if value is None or (urlsplit(value).scheme in ("http", "https") and urlsplit(value).hostname):
            return None
    except ValueError:
        pass
    return "must be an address that begins with http:// or https://"


def _options(value: tuple[str, ...]) -> str | None:
    wrong = next((one for one in value if "=" not in one), None)
    return None if wrong is None else f"holds '{wrong.partition('=')[0]}', which is not written name=value"


@dataclass(frozen=True, slots=True)
class QueriesSettings:
    """Limits of questions in SQL; where their results are kept, and for how long."""

    query_timeout: float = setting(
        300.0, "Seconds after which PostgreSQL cancels a query in SQL.", check=at_least(0.1)
    )
    max_query_bytes: int = setting(
        256 * 1024, "Length of the text of a query in SQL, in bytes.", check=at_least(1024)
    )
    results_url: str | None = setting(
        None,
        "Where results are kept: a directory, or a bucket such as `s3://bucket/prefix`, which every server and worker "
        "must reach. The directory `results` in `data_dir` when unset.",
        check=_place,
    )
    results_options: tuple[str, ...] = setting(
        (),
        "How to reach the bucket, `name=value` each, as the object store calls them: `endpoint`, `region`, "
        "`access_key_id`, `secret_access_key`, `allow_http`, …; what is not given comes from its own variables.",
        secret=True,
        check=_options,
    )
    result_days: float = setting(
        7.0, "Days that a result is kept which no query shows as its newest.", check=at_least(0)
    )
    event_days: float = setting(
        90.0,
        "Days that what clients report of their users is kept; of an org the newest 100,000 at most.",
        check=at_least(0),
    )
    result_rows: int = setting(
        50_000_000, "Rows at which a result is cut off; it says so then.", check=at_least(1)
    )
    result_bytes: int = setting(
        16 * 1024 * _MIB, "Bytes at which a result is cut off; it says so then.", check=at_least(_MIB)
    )
    engine_memory: int = setting(
        512,
        "Memory in MiB for one query that reads from several systems; more goes to disk.",
        check=at_least(64),
    )
    engine_disk: int = setting(
        16 * 1024,
        "Disk in MiB, in `data_dir`, for one query that reads from several systems.",
        check=at_least(0),
    )
    engine_rows: int = setting(
        50_000_000, "Rows that one query may bring from other systems.", check=at_least(1)
    )
    nested_fresh_seconds: int = setting(
        300,
        "Age in seconds up to which `query_<id>` in SQL takes the rows that the query has already.",
        check=at_least(0),
    )
    explorer_fresh_seconds: int = setting(
        300,
        "Age in seconds up to which the first page of an explorer query shows the rows that are there already.",
        check=at_least(0),
    )
    explorer_upstream: str | None = setting(
        None,
        "Address of a service with `/api/v1/sql-query/` that runs the queries of the explorer dialect instead of this "
        "server, under the `x-api-key` of whoever asks, which is then a key of that service.",
        check=_service,
    )
    link_seconds: float = setting(
        3600.0, "Seconds that a link to the rows of `/api/v1/sql-query` can be used.", check=at_least(1)
    )
    downloads: int = setting(
        8, "Downloads of results that a process sends at the same time.", check=at_least(1)
    )
    download_seconds: float = setting(
        3600.0, "Seconds that one download of a result may take.", check=at_least(1)
    )
    download_patience: float = setting(
        60.0, "Seconds after which a reader that takes nothing is given up.", check=at_least(1)
    )
    public_dashboards: bool = setting(
        True, "Whether dashboards can be shared with anybody who has their address."
    )
    picture_seconds: float = setting(
        20.0, "Seconds after which drawing one picture of a visualization is given up.", check=at_least(1)
    )
