"""Pages of rows as JSON, value by value: of few rows Python makes more quickly what kernels make of many.

What is written is to the byte what `texts.json_list` writes.
"""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from penstock.queries.results.columns import Column, Kind
from penstock.queries.results.instants import Instants
from penstock.queries.results.texts import json_list, json_texts, plain_texts, spread

_MOST_VALUES: Final = 50_000
_MOST_COLUMNS: Final = 200
# What a name of a column has that the encoder takes for no name.
_NO_NAME: Final = {"\\", '"', *map(chr, range(32))}
# Control characters that the encoder writes shorter than the kernels do.
_SHORTER: Final = (b"\\b", b"\\f")
# The length of an instant as text, without a fraction and by its unit.
_SECONDS: Final = 19
_LENGTHS: Final = {"ms": 23, "us": 26, "ns": 29}
_TEXT: Final = pa.string()
_encoder: Final = msgspec.json.Encoder()
_Values = Callable[[Any, Instants], list[Any]]


class Pages:
    """How the rows of one file are written."""

    def __init__(self, schema: Any, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._values = [_values_of(kind, one) for kind, one in zip(schema.types, columns, strict=True)]
        self._row = _row_of([one.name for one in columns])

    def json(self, batch: Any, instants: Instants) -> bytes:
        """The objects of all rows with commas between them."""
        if self._row is None or batch.num_rows * len(self._columns) > _MOST_VALUES:
            return json_list(batch, self._columns, instants)
        try:
            values = [read(batch.column(number), instants) for number, read in enumerate(self._values)]
        except UnicodeDecodeError:
            # A database that checks no encoding has sent it.
            return json_list(batch, self._columns, instants)
        written = _encoder.encode(list(map(self._row, *values)))
        # A look for one byte takes next to nothing, and hardly any page has it.
        if b"\\" in written and any(one in written for one in _SHORTER):
            return json_list(batch, self._columns, instants)
        return written[1:-1]


def _row_of(names: Sequence[str]) -> Any:
    """A type whose values are encoded as rows; None for columns that no type can have."""
    if not 0 < len(set(names)) == len(names) <= _MOST_COLUMNS:
        return None
    if any(not _NO_NAME.isdisjoint(name) for name in names):
        return None
    fields = [f"c{number}" for number in range(len(names))]
    return msgspec.defstruct("Row", fields, rename=dict(zip(fields, names, strict=True)), gc=False)


def _values_of(kind: Any, column: Column) -> _Values:
    """What reads the values of a column as the encoder is to have them."""
    match column.kind:
        case Kind.INTEGER if pa.types.is_integer(kind):
            return _as_they_are
        case Kind.BOOLEAN if pa.types.is_boolean(kind):
            return _as_they_are
        case Kind.STRING:
            return _as_they_are
        case Kind.DATETIME if pa.types.is_timestamp(kind) and kind.unit in _LENGTHS:
            return lambda array, style: _instants(array, column, style)
        case Kind.DATE | Kind.TIME | Kind.BYTES:
            return lambda array, style: plain_texts(array, column, style).to_pylist()
        case _:
            return lambda array, style: _written(array, column, style)


def _as_they_are(array: Any, _: Instants) -> list[Any]:
    return array.to_pylist()


def _written(array: Any, column: Column, style: Instants) -> list[Any]:
    """Values that are JSON already."""
    written = json_texts(array, column, style)
    texts = written.to_pylist()
    if not written.null_count:
        return list(map(msgspec.Raw, texts))
    return [None if text is None else msgspec.Raw(text) for text in texts]


def _instants(array: Any, column: Column, style: Instants) -> list[Any]:
    """The fraction is cut off as text, which is what rounding down is."""
    text = array.view(pa.timestamp(array.type.unit)).cast(_TEXT)
    length, zone = _LENGTHS[array.type.unit], "Z" if array.type.tz is not None else ""
    if style is Instants.DASHBOARD and not text.null_count and len(text):
        together = "\n".join(texts := text.to_pylist())
        fraction = ".".ljust(length - _SECONDS, "0")
        if len(together) == (length + 1) * len(texts) - 1 and together.count(fraction) == len(texts):
            # Whole seconds, all of them.
            return together.replace(fraction, zone).replace(" ", "T").split("\n")
    start, stop = spread(text)
    full = length * (len(text) - text.null_count)
    if stop - start != full or style not in (Instants.DASHBOARD, Instants.EXPLORER):
        # Years of more than four digits.
        return plain_texts(array, column, style).to_pylist()
    texts = text.to_pylist()
    if style is Instants.EXPLORER:
        return [one and f"{one[:10]}T{one[11:23]}" for one in texts]
    return [one and f"{one[:10]}T{one[11:19] if one[20:23] == '000' else one[11:23]}{zone}" for one in texts]
