"""Files as tables: which of this machine may be read, and those of a bucket.

A place is a file or a directory below one that the operator of the server lists, or `s3://bucket/prefix`. Every file
of the kind directly in it is a table, under its name without the ending.
"""

# pyright: basic
# pyarrow ships no types, and those of obstore are of its Rust side.

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from msgspec import Meta

from penstock.connectors.kinds.base import MOST_TABLES, CheckFailed, Fields, Word, shown
from penstock.kit import outbound
from penstock.kit.outbound import OutboundSettings

Location = Annotated[str, Meta(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f]+\Z")]
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_SECONDS: Final = "20s"


class PathSettings(Fields, kw_only=True):
    """A file below a directory that `file_directories` lists; a relative path begins in the first of these."""

    path: Location


class NoSecrets(Fields, kw_only=True):
    """Nothing: who runs the server decides which files may be read."""


class PlaceSettings(Fields, kw_only=True):
    """`path` is a file or directory of this machine, or `s3://bucket/prefix`; the rest is for buckets."""

    path: Location
    region: Word | None = None
    endpoint: Location | None = None


class PlaceSecrets(Fields, kw_only=True):
    """The key of the bucket; none for files of this machine and for public buckets."""

    access_key_id: Word | None = None
    secret_access_key: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file that is a table; `store` is the bucket it is in, and None for a file of this machine."""

    name: str
    path: str
    size: int
    store: Any = None

    def open(self) -> Any:
        """For Arrow. Raises `OSError`."""
        import pyarrow as pa  # noqa: PLC0415  (large)

        if self.store is None:
            return pa.OSFile(self.path, "rb")
        import obstore  # noqa: PLC0415

        return pa.PythonFile(obstore.open_reader(self.store, self.path), mode="r")


def located(path: str, limits: OutboundSettings, *, directory: bool = False) -> Path:
    """The file that a path names. Raises `CheckFailed` for what is no file, or not below a directory that is listed."""
    allowed = [Path(one) for one in limits.file_directories]
    if not allowed:
        raise CheckFailed("This server reads no files; the setting file_directories lists where it may.")
    roots = [one.resolve() for one in allowed]
    try:
        found = (roots[0] / path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        found = None
    # What is elsewhere looks like what does not exist.
    if found is None or not any(found.is_relative_to(root) for root in roots):
        raise CheckFailed(
            f"There is no '{shown(path)}' below the directories that this server reads files from."
        )
    if not (found.is_file() or (directory and found.is_dir())):
        raise CheckFailed(f"'{shown(path)}' is not a file.")
    return found


async def table_files(
    settings: PlaceSettings, secrets: PlaceSecrets, limits: OutboundSettings, ending: str
) -> list[TableFile]:
    """The tables of a place, by name. Raises `CheckFailed` when there is none, and what `outbound.addresses` does."""
    import asyncio  # noqa: PLC0415

    if settings.path.startswith("s3://"):
        store, prefix = await _bucket(settings, secrets, limits)
        found = await asyncio.to_thread(_listed, store, prefix, ending)
    else:
        if "://" in settings.path:
            raise CheckFailed("A path is of this machine, or begins with s3://.")
        path = located(settings.path, limits, directory=True)
        found = await asyncio.to_thread(_nearby, path, limits, ending)
    if not found:
        raise CheckFailed(f"There is no {ending} file at '{shown(settings.path)}'.")
    return found


def _nearby(path: Path, limits: OutboundSettings, ending: str) -> list[TableFile]:
    if path.is_file():
        return [TableFile(path.stem, str(path), path.stat().st_size)]
    found: list[TableFile] = []
    for one in sorted(path.glob(f"*{ending}"))[:MOST_TABLES]:
        # A link may lead elsewhere.
        try:
            real = located(str(one), limits)
        except CheckFailed:
            continue
        found.append(TableFile(one.stem, str(real), real.stat().st_size))
    return found


async def _bucket(
    settings: PlaceSettings, secrets: PlaceSecrets, limits: OutboundSettings
) -> tuple[Any, str]:
    from obstore.store import S3Store  # noqa: PLC0415  (large)

    url = urlsplit(settings.path)
    if not _BUCKET.fullmatch(url.netloc):
        raise CheckFailed(f"'{shown(url.netloc)}' is not the name of a bucket.")
    if (secrets.access_key_id is None) != (secrets.secret_access_key is None):
        raise CheckFailed("An access key id and a secret access key go together: give both, or neither.")
    region = settings.region or "us-east-1"
    endpoint = settings.endpoint or f"https://s3.{region}.amazonaws.com"
    at = urlsplit(endpoint)
    if at.scheme not in ("http", "https") or not at.hostname or at.username or at.query:
        raise CheckFailed(f"'{shown(endpoint)}' is not the address of an object store.")
    await outbound.addresses(at.hostname, at.port or (443 if at.scheme == "https" else 80), limits)
    config: dict[str, Any] = {
        "bucket": url.netloc,
        "region": region,
        "endpoint": endpoint,
        "virtual_hosted_style_request": False,
        # Nothing of this machine's own identity is ever shown to a bucket that somebody names.
        "skip_signature": secrets.access_key_id is None,
        "access_key_id": secrets.access_key_id or "none",
        "secret_access_key": secrets.secret_access_key or "none",
        "imdsv1_fallback": False,
    }
    options: Any = {"allow_http": at.scheme == "http", "timeout": _SECONDS, "connect_timeout": "5s"}
    retry: Any = {"max_retries": 2}
    make: Any = S3Store
    return make(config=config, client_options=options, retry_config=retry), url.path.lstrip("/")


def _listed(store: Any, prefix: str, ending: str) -> list[TableFile]:
    import obstore  # noqa: PLC0415

    try:
        if prefix.endswith(ending):
            head: Any = obstore.head(store, prefix)
            return [TableFile(PurePosixPath(prefix).stem, prefix, head["size"], store)]
        entries: Any = obstore.list_with_delimiter(store, prefix.rstrip("/") or None)["objects"]
    except FileNotFoundError:
        return []
    except Exception as error:  # the library has an error of its own for each way to fail
        raise CheckFailed(f"The bucket cannot be read: {shown(error)}.") from error
    return [
        TableFile(PurePosixPath(one["path"]).stem, one["path"], one["size"], store)
        for one in entries[:MOST_TABLES]
        if one["path"].endswith(ending)
    ]


def batches_of(reader: Any) -> Iterator[Any]:
    """Those of an Arrow reader that is closed at the end."""
    with reader:
        yield from reader
