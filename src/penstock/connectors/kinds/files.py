"""Files as tables: which of this machine may be read, and those of a bucket.

A place is a file or a directory below one that the operator of the server lists, or `s3://bucket/prefix`. Every file
of the kind directly in it is a table, under its name without the ending.
"""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final

from msgspec import Meta

from penstock.connectors.kinds.base import MOST_TABLES, CheckFailed, Fields, Word, shown
from penstock.connectors.kinds.buckets import Bucket, Entry, bucket_at
from penstock.kit.outbound import OutboundSettings

Location = Annotated[str, Meta(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f]+\Z")]
_KEY: Final = r"^[\x21-\x7e]+\Z"  # it goes into a header


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

    access_key_id: Annotated[str, Meta(min_length=1, max_length=128, pattern=_KEY)] | None = None
    secret_access_key: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file that is a table; `within` is the bucket it is in and what it is there, None for a file of this machine."""

    name: str
    path: str
    size: int
    within: tuple[Bucket, Entry] | None = None

    def open(self) -> Any:
        """For Arrow. Raises `OSError`; reading from a bucket raises `CheckFailed`."""
        import pyarrow as pa  # noqa: PLC0415  (large)

        if self.within is None:
            return pa.OSFile(self.path, "rb")
        bucket, entry = self.within
        return pa.PythonFile(bucket.open(entry), mode="r")


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
    if settings.path.startswith("s3://"):
        name, _, prefix = settings.path.removeprefix("s3://").partition("/")
        if not {".", ".."}.isdisjoint(prefix.split("/")):
            raise CheckFailed("The path of an object has no '.' and '..' in it.")
        key = (secrets.access_key_id, secrets.secret_access_key)
        bucket = await bucket_at(name, settings.region, settings.endpoint, key, limits)
        found = await asyncio.to_thread(_objects, bucket, prefix, ending)
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


def _objects(bucket: Bucket, prefix: str, ending: str) -> list[TableFile]:
    if prefix.endswith(ending):
        one = bucket.entry(prefix)
        if one is None:
            raise CheckFailed(f"There is no object '{shown(prefix)}' in the bucket '{bucket.name}'.")
        found = [one]
    else:
        directory = prefix.rstrip("/")
        found = bucket.listed(f"{directory}/" if directory else "", ending, MOST_TABLES)
    return [TableFile(PurePosixPath(one.key).stem, one.key, one.size, (bucket, one)) for one in found]


def batches_of(reader: Any) -> Iterator[Any]:
    """Those of an Arrow reader that is closed at the end."""
    with reader:
        yield from reader
