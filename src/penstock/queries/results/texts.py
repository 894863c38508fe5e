"""Values of Arrow arrays as text, a whole column at a time: for JSON, and for files of separated values."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute

from penstock.queries.results.columns import Column, Kind
from penstock.queries.results.instants import Instants, Style, Written

_compute: Any = pyarrow.compute
_TEXT: Final = pa.string()
# What a JSON string cannot have as it is.
_SPECIAL: Final = re.compile(rb'["\\\x00-\x1f]')
_CONTROL: Final = r"[\x00-\x1f]"
_BREAK: Final = re.compile(rb"[\r\n]")
# NaN and infinities.
_NO_NUMBER: Final = re.compile(rb"[NI]")
_NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?$"
# Of those that a class of characters takes as they are.
_DELIMITED: Final = {one: re.compile(f'["\r\n{one}]'.encode()) for one in (",", "\t", ";", "|", ":")}
_COMMON: Final = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


def json_rows(batch: Any, columns: Sequence[Column], instants: Style) -> Any:
    """An array with the JSON object of each row."""
    parts: list[Any] = []
    for number, column in enumerate(columns):
        name = msgspec.json.encode(column.name).decode()
        parts.append(pa.scalar(f"{',' if number else '{'}{name}:", _TEXT))
        parts.append(json_texts(batch.column(number), column, instants))
    parts.append(pa.scalar("}", _TEXT))
    return _joined(parts, "", "null")


def json_list(batch: Any, columns: Sequence[Column], instants: Style) -> bytes:
    """The objects of all rows with commas between them."""
    return _together(json_rows(batch, columns, instants), ",")


def json_lines(batch: Any, columns: Sequence[Column], instants: Style) -> bytes:
    return _together(json_rows(batch, columns, instants), "\n") + b"\n" if batch.num_rows else b""


def separated(batch: Any, columns: Sequence[Column], instants: Style, delimiter: str) -> bytes:
    """Lines of separated values, quoted where they must be."""
    parts = [
        _quoted(plain_texts(batch.column(number), column, instants), delimiter)
        for number, column in enumerate(columns)
    ]
    rows = _joined(parts, delimiter, "")
    if len(parts) == 1:
        # An empty line would be no row to most readers.
        rows = _compute.if_else(_compute.equal(rows, ""), '""', rows)
    return _together(rows, "\r\n") + b"\r\n" if batch.num_rows else b""


def separated_names(columns: Sequence[Column], delimiter: str) -> bytes:
    names = pa.array([column.name for column in columns], _TEXT)
    return _together(_quoted(names, delimiter), delimiter) + b"\r\n"


def json_texts(array: Any, column: Column, instants: Style) -> Any:
    """The JSON of each value; null where it is null."""
    match column.kind:
        case Kind.INTEGER | Kind.BOOLEAN:
            return array.cast(_TEXT)
        case Kind.FLOAT:
            return _floats(array)
        case Kind.DECIMAL if _holds(array, _NO_NUMBER):
            return _compute.if_else(_compute.match_substring_regex(array, _NUMBER), array, None)
        case Kind.DECIMAL:
            return array
        case Kind.JSON:
            return _one_line(array)
        case _:
            # Of the other kinds only text has anything to escape.
            return _in_quotes(_escaped(plain_texts(array, column, instants)))


def plain_texts(array: Any, column: Column, instants: Style) -> Any:
    """The text of each value; null where it is null."""
    match column.kind:
        case Kind.FLOAT:
            return _floats(array)
        case Kind.DATETIME:
            return _instants(array, instants)
        case Kind.DATE if isinstance(instants, Written):
            return _short(array.cast(_TEXT), instants)
        case Kind.BYTES:
            return pa.array([None if value is None else value.hex() for value in array.to_pylist()], _TEXT)
        case Kind.STRING | Kind.DECIMAL | Kind.JSON:
            return array
        case _:
            return array.cast(_TEXT)


def _floats(array: Any) -> Any:
    """Not every float is a number that JSON has."""
    text = array.cast(_TEXT)
    finite = _compute.is_finite(array)
    return text if _compute.all(finite).as_py() else _compute.if_else(finite, text, None)


def _instants(array: Any, style: Style) -> Any:
    zoned = array.type.tz is not None
    # As UTC, without looking the zone up.
    plain = array.view(pa.timestamp(array.type.unit))
    if isinstance(style, Written):
        return _short(plain.cast(_TEXT), style)
    if style is not Instants.EXACT:
        plain = _compute.floor_temporal(plain, unit="millisecond").cast(pa.timestamp("ms"))
    text = _compute.replace_substring(plain.cast(_TEXT), " ", "T", max_replacements=1)
    if style is Instants.EXPLORER:
        return text
    text = _without(text, ".000000" if style is Instants.EXACT else ".000")
    return _joined([text, pa.scalar("Z", _TEXT)], "", None) if zoned else text


# Where the parts of a date are in `YYYY-MM-DD HH:MM:SS`, and how far a time of day goes, with what stands before it.
_DATES: Final = {
    "DD/MM/YY": ((8, 10), "/", (5, 7), "/", (2, 4)),
    "MM/DD/YY": ((5, 7), "/", (8, 10), "/", (2, 4)),
    "YYYY-MM-DD": ((0, 10),),
}
_TIMES: Final = {"HH:mm": 16, "HH:mm:ss": 19, "HH:mm:ss.SSS": 23}


def _short(text: Any, style: Written) -> Any:
    """Day, month and year, then the time of day where there is one."""
    parts = [
        pa.scalar(part, _TEXT) if isinstance(part, str) else _compute.utf8_slice_codeunits(text, *part)
        for part in _DATES[style.date]
    ]
    return _joined([*parts, _compute.utf8_slice_codeunits(text, 10, _TIMES[style.time])], "", None)


def _without(text: Any, end: str) -> Any:
    """Fractions of a second where there are some."""
    marks = _compute.ends_with(text, end)
    if not _any(marks):
        return text
    return _compute.if_else(marks, _compute.utf8_slice_codeunits(text, 0, -len(end)), text)


def _escaped(array: Any) -> Any:
    """Text as it stands between the quotes of JSON."""
    if not _holds(array, _SPECIAL):
        return array
    for special, written in _COMMON:
        array = _compute.replace_substring(array, special, written)
    rare = _compute.match_substring_regex(array, _CONTROL)
    return _each(array, rare, _spelled) if _any(rare) else array


def _spelled(text: str) -> str:
    return "".join(f"\\u{ord(one):04x}" if one < " " else one for one in text)


def _each(array: Any, which: Any, change: Callable[[str], str]) -> Any:
    pairs = zip(array.to_pylist(), which.to_pylist(), strict=True)
    return pa.array([change(text) if wanted else text for text, wanted in pairs], _TEXT)


def _one_line(array: Any) -> Any:
    """In JSON a line break stands between values only."""
    if not _holds(array, _BREAK):
        return array
    return _compute.replace_substring_regex(array, r"[\r\n]+", " ")


def _in_quotes(array: Any) -> Any:
    quote = pa.scalar('"', _TEXT)
    return _joined([quote, array, quote], "", None)


def _quoted(array: Any, delimiter: str) -> Any:
    if not _holds(array, _DELIMITED[delimiter]):
        return array
    needed = _compute.match_substring_regex(array, f'["\r\n{delimiter}]')
    return _compute.if_else(needed, _in_quotes(_compute.replace_substring(array, '"', '""')), array)


def _holds(array: Any, pattern: re.Pattern[bytes]) -> bool:
    """Whether the pattern is in some text: one look at the bytes of all, which is far quicker than one at each."""
    data = array.buffers()[2]
    return data is not None and pattern.search(memoryview(data), *spread(array)) is not None


def spread(array: Any) -> tuple[int, int]:
    """Where in its buffer the bytes of all texts begin and end."""
    ends = array.buffers()[1]
    if ends is None or not len(array):
        return 0, 0
    places = memoryview(ends).cast("B").cast("i")
    return places[array.offset], places[array.offset + len(array)]


def _any(marks: Any) -> bool:
    return bool(_compute.any(marks).as_py())


def _joined(parts: Sequence[Any], separator: str, null: str | None) -> Any:
    """Part by part; a row with a null in it is null, unless `null` says what stands for one."""
    options: dict[str, Any] = {"null_handling": "emit_null"}
    if null is not None:
        options = {"null_handling": "replace", "null_replacement": null}
    return _compute.binary_join_element_wise(*parts, pa.scalar(separator, _TEXT), **options)


def _together(rows: Any, separator: str) -> bytes:
    """All rows as one text, without taking them out of Arrow one by one."""
    if isinstance(rows, pa.ChunkedArray):
        rows = rows.combine_chunks()
    whole = pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows)
    return _compute.binary_join(whole, separator)[0].as_buffer().to_pybytes()
