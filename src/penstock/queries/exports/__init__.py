"""The formats that results are downloaded in. `arrow` is not among them: it is how results are stored."""

from __future__ import annotations

from typing import Final

from penstock.queries.exports.base import ExportFormat, Options, Writer
from penstock.queries.exports.zipped import Zipped

ARROW: Final = ExportFormat("arrow", "application/vnd.apache.arrow.file")
FORMATS: Final = {
    one.name: one
    for one in (
        ExportFormat("json", "application/json"),
        ExportFormat("csv", "text/csv; charset=UTF-8"),
        ExportFormat("tsv", "text/tab-separated-values; charset=UTF-8"),
        # A sheet has 1,048,576 lines, and the first of them has the names.
        ExportFormat(
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            most_rows=1_048_575,
        ),
        ExportFormat("ndjson", "application/x-ndjson"),
        ExportFormat("parquet", "application/vnd.apache.parquet"),
    )
}


def writer_of(kind: ExportFormat, options: Options) -> Writer:
    """What writes it; loaded when it is asked for, because Arrow is large."""
    match kind.name:
        case "json":
            from penstock.queries.exports.json import JsonWriter

            return JsonWriter(options)
        case "ndjson":
            from penstock.queries.exports.ndjson import NdjsonWriter

            return NdjsonWriter(options)
        case "xlsx":
            from penstock.queries.exports.xlsx import XlsxWriter

            return XlsxWriter(options)
        case "parquet":
            from penstock.queries.exports.parquet import ParquetWriter

            return ParquetWriter(options)
        case name:
            from penstock.queries.exports.csv import SeparatedWriter

            plain = SeparatedWriter(options, "\t" if name == "tsv" else options.delimiter)
            return Zipped(plain) if options.compression == "gzip" else plain


__all__ = ["ARROW", "FORMATS", "ExportFormat", "Options", "Writer", "writer_of"]
