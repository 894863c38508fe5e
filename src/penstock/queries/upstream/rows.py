"""From the Parquet files of the service to one file of rows, as results are stored here."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from penstock.kit import errors
from penstock.queries.results.models import StoredFile
from penstock.queries.results.objects import Objects

_BATCH: Final = 4096  # rows
_MOST_COLUMNS: Final = 2000
# Of one column of a group of rows, which is read at once.
_MOST_CHUNK: Final = 512 * 1024 * 1024
_UNREADABLE: Final = "The service sent a file of rows that cannot be read."


def put_together(paths: Sequence[Path], objects: Objects, most_rows: int, most_bytes: int) -> StoredFile:
    """Blocks. Raises `BadGateway` for what is no Parquet, or not of one shape."""
    import pyarrow as pa

    from penstock.queries.results.foreign import Unreadable

    try:
        with ExitStack() as stack:
            return _put_together([_opened(stack, path) for path in paths], objects, most_rows, most_bytes)
    except Unreadable as error:
        raise errors.BadGateway(str(error)) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise errors.BadGateway(_UNREADABLE) from error


def _opened(stack: ExitStack, path: Path) -> Any:
    from pyarrow import parquet

    file: Any = stack.enter_context(parquet.ParquetFile(path, memory_map=False, pre_buffer=False))
    about = file.metadata
    if about.num_columns > _MOST_COLUMNS:
        raise errors.BadGateway(f"The rows have more than {_MOST_COLUMNS:,} columns.")
    for group in range(about.num_row_groups):
        parts = about.row_group(group)
        if any(parts.column(n).total_uncompressed_size > _MOST_CHUNK for n in range(parts.num_columns)):
            raise errors.BadGateway("The rows are in groups larger than this server reads.")
    return file


def _put_together(files: Sequence[Any], objects: Objects, most_rows: int, most_bytes: int) -> StoredFile:
    import pyarrow as pa

    from penstock.queries.results.foreign import Foreign
    from penstock.queries.results.writing import ResultWriter

    # Nothing at all is how some services write that there are no rows.
    schema = files[0].schema_arrow if files else pa.schema([])
    if any(not one.schema_arrow.equals(schema) for one in files):
        raise errors.BadGateway("The files of the rows have different columns.")
    foreign = Foreign(schema)
    with ResultWriter(
        objects, foreign.columns, foreign.types, most_rows=most_rows, most_bytes=most_bytes
    ) as writer:
        for file in files:
            for batch in file.iter_batches(_BATCH, use_threads=False):
                if not writer.write(foreign.arrays(batch)):
                    return writer.finish()
        return writer.finish()
