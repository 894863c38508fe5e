"""What the parameters of an import and of an export ask for, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from penstock.kit import errors
from penstock.kit.paging import positive

T = TypeVar("T", bound=StrEnum)
_MOST_NULLS = 20
_ENCODINGS = ("utf-8", "utf8")


class Format(StrEnum):
    """What a file is written in."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class OnError(StrEnum):
    """What becomes of an import that has a faulty row."""

    ABORT = "abort"
    SKIP = "skip"
    QUARANTINE = "quarantine"


class Mode(StrEnum):
    """Whether rows must be new, or may change the record they match."""

    INSERT = "insert"
    UPSERT = "upsert"


MEDIA_TYPES: Mapping[Format, str] = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.NDJSON: "application/x-ndjson",
    Format.PARQUET: "application/vnd.apache.parquet",
}
_BY_MEDIA_TYPE = {
    "text/csv": Format.CSV,
    "application/x-ndjson": Format.NDJSON,
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "application/vnd.apache.parquet": Format.PARQUET,
}
_IMPORT = ("format", "on_error", "mode", "unique_fields", "delimiter", "encoding", "null")
# Parameters of a list that an export has no use for, and so would be ignored.
_PAGED = frozenset({"page", "page_size", "offset", "after", "count", "_count"})
_SHAPED = frozenset(
    {
        "populate", "_aggregate", "_group_by", "_having", "include", "depth", "relationship_type", "types",
        "graph_types", "allowed_actions",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a body becomes records. `unique_fields` is None for the key."""

    format: Format
    on_error: OnError
    mode: Mode
    unique_fields: str | None
    delimiter: str
    nulls: frozenset[str]


def parse_import(pairs: Sequence[tuple[str, str]], content_type: str) -> ImportOptions:
    """Raises `Invalid` naming the parameter."""
    given: dict[str, str] = {}
    nulls: list[str] = []
    for name, value in pairs:
        if name not in _IMPORT:
            hint = errors.nearest(name, _IMPORT)
            raise errors.Invalid({name[:80]: ["An import takes no such parameter."]}, hint=hint)
        if name == "null":
            nulls.append(value)
        elif name in given:
            raise errors.Invalid({name: ["The parameter is given twice."]})
        else:
            given[name] = value
    kind = _import_format(given.get("format"), content_type)
    mode = _choice("mode", Mode, given.get("mode", Mode.INSERT))
    if "unique_fields" in given and mode is not Mode.UPSERT:
        raise errors.Invalid({"unique_fields": ["Only an import with mode=upsert matches records."]})
    if kind is not Format.CSV and (only := [name for name in ("delimiter", "null") if name in dict(pairs)]):
        raise errors.Invalid({only[0]: [f"This belongs to CSV; the format is {kind}."]})
    if given.get("encoding", "utf-8").lower() not in _ENCODINGS:
        raise errors.Invalid(
            {"encoding": ["Files are read as utf-8; convert it first, for example by iconv."]}
        )
    if len(nulls) > _MOST_NULLS:
        raise errors.Invalid({"null": [f"At most {_MOST_NULLS} words stand for null."]})
    return ImportOptions(
        format=kind,
        on_error=_choice("on_error", OnError, given.get("on_error", OnError.ABORT)),
        mode=mode,
        unique_fields=given.get("unique_fields"),
        delimiter=_delimiter(given.get("delimiter", ",")),
        nulls=frozenset(nulls),
    )


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What an export is written in, the most records it has, and what is left for the list to understand."""

    format: Format
    limit: int | None
    rest: Sequence[tuple[str, str]]


def parse_export(pairs: Sequence[tuple[str, str]]) -> ExportOptions:
    """Raises `Invalid` naming the parameter."""
    kind = limit = None
    rest: list[tuple[str, str]] = []
    for name, value in pairs:
        if name == "format":
            kind = _choice("format", Format, value)
        elif name == "limit":
            limit = positive("limit", value)
        elif name in _PAGED:
            raise errors.Invalid({name: ["An export is the whole list; 'limit' bounds it."]})
        elif name in _SHAPED:
            raise errors.Invalid({name: ["An export has the records of one table, one by one, as they are."]})
        else:
            rest.append((name, value))
    if kind is None:
        raise errors.Invalid({"format": [f"Say which of these to write: {', '.join(Format)}."]})
    return ExportOptions(kind, limit, rest)


def _import_format(text: str | None, content_type: str) -> Format:
    if text is not None:
        return _choice("format", Format, text)
    found = _BY_MEDIA_TYPE.get(content_type.partition(";")[0].strip().lower())
    if found is None:
        raise errors.Invalid(
            {"format": [f"Say what the body is: one of {', '.join(Format)}."]},
            hint=f"Or send a Content-Type such as {MEDIA_TYPES[Format.NDJSON]}.",
        )
    return found


def _choice(name: str, kind: type[T], text: str) -> T:
    try:
        return kind(text)
    except ValueError:
        raise errors.Invalid({name: [f"'{text[:40]}' is not one of: {', '.join(kind)}."]}) from None


def _delimiter(text: str) -> str:
    text = "\t" if text in ("tab", "\\t") else text
    if len(text) != 1 or text in '"\r\n\0' or not text.isascii():
        raise errors.Invalid({"delimiter": ["It is one ASCII character, such as ';', or the word 'tab'."]})
    return text
