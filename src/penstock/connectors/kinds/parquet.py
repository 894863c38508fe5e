"""Parquet files of this machine or of a bucket, each of them a table."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator
from typing import Any

from penstock.connectors.kinds.base import CheckFailed, ColumnShape, Kind, TableShape, shown
from penstock.connectors.kinds.files import PlaceSecrets, PlaceSettings, TableFile, table_files
from penstock.kit.outbound import OutboundSettings

_ROWS = 65_536


async def check(settings: PlaceSettings, secrets: PlaceSecrets, limits: OutboundSettings) -> str:
    found = await describe(settings, secrets, limits)
    return f"{len(found)} Parquet file{'s are' if len(found) != 1 else ' is'} there."


async def describe(
    settings: PlaceSettings, secrets: PlaceSecrets, limits: OutboundSettings
) -> list[TableShape]:
    files = await tables(settings, secrets, limits)
    return await asyncio.to_thread(lambda: [_shape(one) for one in files])


async def tables(settings: PlaceSettings, secrets: PlaceSecrets, limits: OutboundSettings) -> list[TableFile]:
    return await table_files(settings, secrets, limits, ".parquet")


def read(file: TableFile, settings: Any, columns: Container[str] | None) -> Iterator[Any]:
    """Batches of these columns, as far as there are such, and one at least. Raises `CheckFailed`."""
    import pyarrow as pa  # noqa: PLC0415  (large)
    import pyarrow.parquet as pq  # noqa: PLC0415  (large)

    try:
        with file.open() as source:
            opened = pq.ParquetFile(source)
            schema = opened.schema_arrow
            wanted = [one for one in schema.names if columns is None or one in columns] or schema.names[:1]
            yield pa.RecordBatch.from_pylist([], pa.schema([schema.field(one) for one in wanted]))
            yield from opened.iter_batches(_ROWS, columns=wanted)
    except (pa.ArrowException, OSError) as error:
        raise CheckFailed(
            f"'{shown(file.name)}.parquet' cannot be read as Parquet: {shown(error)}."
        ) from error


def _shape(file: TableFile) -> TableShape:
    import pyarrow as pa  # noqa: PLC0415  (large)
    import pyarrow.parquet as pq  # noqa: PLC0415  (large)

    try:
        with file.open() as source:
            schema = pq.read_schema(source)
    except (pa.ArrowException, OSError) as error:
        raise CheckFailed(
            f"'{shown(file.name)}.parquet' cannot be read as Parquet: {shown(error)}."
        ) from error
    return TableShape((file.name,), tuple(ColumnShape(one.name, str(one.type)) for one in schema))


KIND = Kind("parquet", "Parquet files", PlaceSettings, PlaceSecrets, check, describe)
