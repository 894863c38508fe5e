"""CSV files of this machine or of a bucket, each of them a table; types are those of the values of its beginning."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator
from typing import Annotated, Any

from msgspec import Meta

from penstock.connectors.kinds.base import CheckFailed, ColumnShape, Kind, TableShape, shown
from penstock.connectors.kinds.files import PlaceSecrets, PlaceSettings, TableFile, table_files
from penstock.kit.outbound import OutboundSettings

_BLOCK = 4 * 1024 * 1024  # bytes; the first block decides the types


class CsvSettings(PlaceSettings, kw_only=True):
    """`delimiter` is one character; without a `header` columns are called `f0`, `f1`, …"""

    delimiter: Annotated[str, Meta(pattern=r"^[\x20-\x7e\t]\Z")] = ","
    header: bool = True


async def check(settings: CsvSettings, secrets: PlaceSecrets, limits: OutboundSettings) -> str:
    found = await describe(settings, secrets, limits)
    return f"{len(found)} CSV file{'s are' if len(found) != 1 else ' is'} there."


async def describe(
    settings: CsvSettings, secrets: PlaceSecrets, limits: OutboundSettings
) -> list[TableShape]:
    files = await tables(settings, secrets, limits)
    return await asyncio.to_thread(lambda: [_shape(one, settings) for one in files])


async def tables(settings: CsvSettings, secrets: PlaceSecrets, limits: OutboundSettings) -> list[TableFile]:
    return await table_files(settings, secrets, limits, ".csv")


def read(file: TableFile, settings: CsvSettings, columns: Container[str] | None) -> Iterator[Any]:
    """Batches of these columns, as far as there are such, and one at least. Raises `CheckFailed`."""
    import pyarrow as pa  # noqa: PLC0415  (large)

    try:
        with file.open() as source, _reader(source, settings) as opened:
            schema = opened.schema
            names = [one for one in schema.names if columns is None or one in columns] or schema.names[:1]
            yield pa.RecordBatch.from_pylist([], pa.schema([schema.field(one) for one in names]))
            for batch in opened:
                yield batch.select(names)
    except (pa.ArrowException, OSError) as error:
        raise CheckFailed(f"'{shown(file.name)}.csv' cannot be read as CSV: {shown(error)}.") from error


def _reader(source: Any, settings: CsvSettings) -> Any:
    import pyarrow.csv as pacsv  # noqa: PLC0415  (large)

    return pacsv.open_csv(
        source,
        read_options=pacsv.ReadOptions(
            use_threads=False, block_size=_BLOCK, autogenerate_column_names=not settings.header
        ),
        parse_options=pacsv.ParseOptions(delimiter=settings.delimiter, newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(strings_can_be_null=True, null_values=[""]),
    )


def _shape(file: TableFile, settings: CsvSettings) -> TableShape:
    import pyarrow as pa  # noqa: PLC0415  (large)

    try:
        with file.open() as source, _reader(source, settings) as opened:
            schema = opened.schema
    except (pa.ArrowException, OSError) as error:
        raise CheckFailed(f"'{shown(file.name)}.csv' cannot be read as CSV: {shown(error)}.") from error
    return TableShape((file.name,), tuple(ColumnShape(one.name, str(one.type)) for one in schema))


KIND = Kind("csv", "CSV files", CsvSettings, PlaceSecrets, check, describe)
