"""What a format of downloads is: a writer of bytes, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from penstock.queries.results.columns import Column
from penstock.queries.results.instants import SHORT, Instants, Style, Written


class Writer(Protocol):
    """Makes a file of batches; what it gives may be empty for the moment."""

    def begin(self) -> bytes: ...

    def write(self, batch: Any) -> bytes: ...

    def end(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Options:
    """What a reader may ask of a file. `raw`: instants as they are, and not as people write them."""

    columns: Sequence[Column]
    # As Arrow has them.
    schema: Any
    raw: bool = False
    written: Written = SHORT
    # What stands around the rows in JSON: the other keys of the result, but for `data`.
    head: bytes = b"{}"
    truncated: bool = False
    # Of CSV: what stands between values, and whether the names come first.
    delimiter: str = ","
    header: bool = True
    # "gzip" for CSV and Parquet, "snappy" and "none" for Parquet; None is what the format has by itself.
    compression: str | None = None

    @property
    def instants(self) -> Style:
        return Instants.EXACT if self.raw else self.written


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A kind of file, by its extension. `most_rows`: what the format itself cannot go beyond."""

    name: str
    media_type: str
    most_rows: int | None = None
