"""What running a query needs to know without a server: values in addresses, formats of files, how a run has ended."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

from penstock_sdk import _json
from penstock_sdk._errors import ConfigurationError, QueryCancelledError, QueryFailedError
from penstock_sdk._files import PathOrFile
from penstock_sdk._query_models import Job, QuerySource

ResultFormat = Literal["csv", "tsv", "json", "ndjson", "xlsx", "parquet", "arrow"]
Parameters = Mapping[str, Any]
# Formats of which the server sends the part that is still missing.
RESUMED: frozenset[ResultFormat] = frozenset({"arrow"})
_FORMATS: dict[str, ResultFormat] = {
    **{f".{name}": name for name in get_args(ResultFormat)},
    ".jsonl": "ndjson",
    ".pq": "parquet",
    ".feather": "arrow",
}


def result_format_of(place: PathOrFile, chosen: ResultFormat | None) -> ResultFormat:
    """The format chosen, else that of the file's suffix. A ValueError when neither tells."""
    if chosen is not None:
        return chosen
    names = ", ".join(get_args(ResultFormat))
    if isinstance(place, str | os.PathLike):
        found = _FORMATS.get(Path(place).suffix.lower())
        if found is None:
            raise ValueError(f"the format of '{place}' cannot be told from its name: give one of {names}")
        return found
    raise ValueError(f"an open file needs a format: one of {names}")


def in_address(parameters: Parameters | None) -> list[tuple[str, str]]:
    """Values of parameters as an address has them."""
    return [(f"p_{name}", _text(value)) for name, value in (parameters or {}).items()]


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and "start" in value and "end" in value:
        span = cast("Mapping[str, Any]", value)
        return f"{span['start']}--{span['end']}"
    return value if isinstance(value, str) else _json.encode(cast("object", value)).decode()


def refuse_failure(job: Job) -> None:
    """Raises what says why a run has no result; nothing when it has one."""
    if job.state == "failed":
        reason = job.error if isinstance(job.error, str) else _json.encode(job.error).decode()
        raise QueryFailedError(reason or "The query failed, and the server does not say why.")
    if job.state == "cancelled":
        raise QueryCancelledError("The query was cancelled.")


def chosen_source(sources: Sequence[QuerySource], wanted: str | None) -> QuerySource:
    """The data source that is meant by `app/slug`, a slug or a name; the only one there is when nothing is said.

    A ConfigurationError that names those there are when it is none, or more than one.
    """
    found = list(sources)
    if wanted is not None:
        for names in (_exact, _loose):
            found = [one for one in sources if wanted in names(one)]
            if found:
                break
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(one.reference for one in sources)) or "none"
    if wanted is None:
        raise ConfigurationError(f"Say which data source to ask; there are: {known}.")
    which = "No data source is" if not found else f"{len(found)} data sources are"
    raise ConfigurationError(f"{which} called '{wanted}'; there are: {known}.")


def _exact(source: QuerySource) -> tuple[str, ...]:
    return source.reference, source.name, str(source.id)


def _loose(source: QuerySource) -> tuple[str | None, ...]:
    return (source.slug,)
