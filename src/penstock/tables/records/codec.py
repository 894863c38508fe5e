"""Incoming rows: JSON read and checked against the schema at once, with a slow second look when something is wrong.

The quick way reads a whole body into structs made for the table; only when that fails, or a check does, every
row is read again field by field to name all faults.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import msgspec

from penstock.kit import errors
from penstock.kit.errors import RowError
from penstock.tables.fields import BY_NAME, Check
from penstock.tables.models import UNSET, Field, TableSchema
from penstock.tables.schema.checks import for_field

MAX_REPORTED = 100
MAX_HINTS = 5

# Characters of a refused value that its sentence repeats.
MAX_EXCERPT = 80
_encoder = msgspec.json.Encoder(decimal_format="number")
_NUL = b"\\u0000"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a field of the row at `index`."""

    index: int
    field: str
    message: str
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Incoming:
    """Checked rows. `present` names, for each row, the fields it carries (all of them for a create)."""

    rows: list[Any]
    is_list: bool
    present: list[tuple[int, ...]]

    def encode(self, picked: Sequence[Any] | None = None) -> str:
        """The JSON array that PostgreSQL reads."""
        return _encoder.encode(self.rows if picked is None else picked).decode()


class RowCodec:
    """Reads rows of one table."""

    def __init__(self, schema: TableSchema, read_only: frozenset[str] = frozenset()) -> None:
        """`read_only` are fields that whoever sends rows may not name."""
        self.schema = schema
        self._read_only = read_only
        self.attributes = {name: f"f{position}" for position, name in enumerate(schema.names)}
        self._checks: list[tuple[str, Field, Check]] = [
            (self.attributes[one.name], one, check)
            for one in schema.fields
            if (check := for_field(one)) is not None
        ]
        # msgspec has no union of raw JSON and null: null arrives raw and is settled afterwards.
        self._documents = [
            (self.attributes[one.name], is_required(one, self.schema))
            for one in schema.fields
            if BY_NAME[one.type].annotation(one) is msgspec.Raw
        ]
        self._create = self._decoders("Create", [self._created(one) for one in schema.fields])
        self._change = self._decoders("Change", [self._changed(one) for one in schema.fields])
        self._everything = tuple(range(len(schema.fields)))

    def decode_create(self, body: bytes, limit: int) -> Incoming:
        """Rows to insert, declared defaults filled in. Raises `Invalid` or `TooLarge`."""
        rows, is_list = self._decode(body, self._create, limit, is_create=True)
        return Incoming(rows, is_list, [self._everything] * len(rows))

    def decode_change(self, body: bytes, limit: int) -> Incoming:
        """Rows with some of their fields, for updates and upserts."""
        rows, is_list = self._decode(body, self._change, limit, is_create=False)
        return Incoming(rows, is_list, self._present(rows))

    def sift(self, documents: Sequence[bytes], *, is_create: bool) -> tuple[Incoming, list[int], list[Fault]]:
        """The sound rows of any number of JSON documents, their places, and every fault of the others."""
        sound = self._all_sound(documents, is_create=is_create)
        if sound is not None:
            return self._incoming(sound, is_create=is_create), list(range(len(sound))), []
        rows: list[Any] = []
        places: list[int] = []
        faults: list[Fault] = []
        unknown: dict[str, str] = {}
        for place, document in enumerate(documents):
            found = list(self._document_faults(place, document, is_create, unknown))
            if found:
                faults += found
                continue
            decoder = (self._create if is_create else self._change)[0]
            try:
                row = decoder.decode(document)
            except RecursionError:
                faults.append(Fault(place, "row", "The row is nested too deeply."))
                continue
            except msgspec.MsgspecError as error:
                faults.append(Fault(place, "row", f"The row cannot be read: {error}."))
                continue
            self._settled([row])
            rows.append(row)
            places.append(place)
        return self._incoming(rows, is_create=is_create), places, faults

    def _all_sound(self, documents: Sequence[bytes], *, is_create: bool) -> list[Any] | None:
        """The rows in one go, or None when a second look is needed."""
        text = b"\n".join(documents)
        decoder = (self._create if is_create else self._change)[0]
        try:
            if self._documents:
                str(text, "utf-8")
            rows: list[Any] = decoder.decode_lines(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return rows if len(rows) == len(documents) and self._sound(rows, text) else None

    def _document_faults(
        self, place: int, document: bytes, is_create: bool, unknown: dict[str, str]
    ) -> Iterator[Fault]:
        try:
            str(document, "utf-8")
        except UnicodeDecodeError:
            yield Fault(place, "row", "The row is not UTF-8 text.")
            return
        yield from self._row_faults(place, document, is_create, unknown)

    def _incoming(self, rows: list[Any], *, is_create: bool) -> Incoming:
        present = [self._everything] * len(rows) if is_create else self._present(rows)
        return Incoming(rows, True, present)

    def _present(self, rows: Sequence[Any]) -> list[tuple[int, ...]]:
        names = tuple(self.attributes.values())
        return [
            tuple(i for i, name in enumerate(names) if getattr(row, name) is not msgspec.UNSET)
            for row in rows
        ]

    def texts(self, row: Any, fields: Sequence[Field]) -> list[str | None]:
        """The values of a row to insert as PostgreSQL reads them from text."""
        return [_text(getattr(row, self.attributes[one.name])) for one in fields]

    def value(self, row: Any, field: str) -> Any:
        return getattr(row, self.attributes[field])

    def faults(self, rows: Sequence[Any], *, is_create: bool) -> Iterator[Fault]:
        """Every fault of rows given as decoded JSON whose values are still raw, in row order."""
        unknown: dict[str, str] = {}
        for index, row in enumerate(rows):
            yield from self._row_faults(index, row, is_create, unknown)

    def refuse(self, faults: Sequence[Fault], count: int, *, is_list: bool) -> NoReturn:
        """The 400 for these faults: by field for one object, by row for a list."""
        by_row: dict[int, dict[str, list[str]]] = {}
        for fault in faults:
            by_row.setdefault(fault.index, {}).setdefault(fault.field, []).append(fault.message)
        if not is_list:
            raise errors.Invalid(by_row[faults[0].index])
        reported = [RowError(index, fields) for index, fields in list(by_row.items())[:MAX_REPORTED]]
        first = reported[0]
        raise errors.Invalid(
            {},
            message=(
                f"{len(by_row):,} of {count:,} rows {'is' if len(by_row) == 1 else 'are'} not valid "
                f"and nothing was written; "
                f"row {first.index}: {errors.first_sentence(first.errors)}"
            ),
            rows=reported,
        )

    def _decoders(self, name: str, members: list[Any]) -> tuple[Any, Any]:
        struct = msgspec.defstruct(
            name,
            members,
            rename={attribute: name for name, attribute in self.attributes.items()},
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        return msgspec.json.Decoder(struct), msgspec.json.Decoder(list[struct])

    def _created(self, field: Field) -> tuple[Any, ...]:
        kind = BY_NAME[field.type].annotation(field)
        nullable = kind if kind is msgspec.Raw else kind | None
        name = self.attributes[field.name]
        if _is_filled(field, self.schema):
            return (name, nullable, None)
        if field.default is not UNSET:
            default = msgspec.field(default_factory=lambda value=field.default: value)
            return (name, kind if is_required(field, self.schema) else nullable, default)
        if is_required(field, self.schema):
            return (name, kind)
        if field.name == "is_deleted" and self.schema.soft_deletes:
            return (name, nullable, False)
        return (name, nullable, None)

    def _changed(self, field: Field) -> tuple[Any, ...]:
        kind = BY_NAME[field.type].annotation(field)
        if kind is msgspec.Raw or is_required(field, self.schema):
            wide = kind | msgspec.UnsetType
        else:
            wide = kind | None | msgspec.UnsetType
        return (self.attributes[field.name], wide, msgspec.UNSET)

    def _decode(
        self, body: bytes, decoders: tuple[Any, Any], limit: int, *, is_create: bool
    ) -> tuple[list[Any], bool]:
        opening = body.lstrip()[:1]
        if opening not in (b"{", b"["):
            raise errors.BadRequest("The body must be a JSON object, or an array of objects.")
        is_list = opening == b"["
        try:
            if self._documents:
                # Documents are handed through unread, and PostgreSQL takes text only.
                str(body, "utf-8")
            decoded = decoders[is_list].decode(body)
            rows = cast("list[Any]", decoded if is_list else [decoded])
            sound = self._sound(rows, body)
        except (msgspec.ValidationError, RecursionError):
            rows, sound = [], False
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise errors.BadRequest(f"The body is not valid JSON: {error}.") from error
        if len(rows) > limit:
            raise errors.TooLarge(f"The request has {len(rows):,} rows; at most {limit:,} go in one request.")
        if not sound:
            self._explain(body, rows, is_list=is_list, is_create=is_create, limit=limit)
        return rows, is_list

    def _sound(self, rows: Sequence[Any], text: bytes) -> bool:
        """True when every check of every row holds; `text` is what they were read from."""
        return (
            self._settled(rows)
            and _NUL not in text
            and not self._read_only
            and all(
                (value := getattr(row, attribute)) is None or value is msgspec.UNSET or check(value) is None
                for attribute, _, check in self._checks
                for row in rows
            )
        )

    def _settled(self, rows: Sequence[Any]) -> bool:
        """Make raw nulls None; false when a field that may not be null is."""
        allowed = True
        for attribute, required in self._documents:
            for row in rows:
                value = getattr(row, attribute)
                if isinstance(value, msgspec.Raw) and bytes(value).strip() == b"null":
                    setattr(row, attribute, None)
                    allowed = allowed and not required
        return allowed

    def _explain(self, body: bytes, rows: list[Any], *, is_list: bool, is_create: bool, limit: int) -> None:
        """Raise with every fault; returns when a second look finds none."""
        try:
            str(body, "utf-8")
            raw: Any = msgspec.json.decode(body, type=list[msgspec.Raw] if is_list else msgspec.Raw)
        except RecursionError as error:
            raise errors.BadRequest("The body is nested too deeply.") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise errors.BadRequest(f"The body is not valid JSON: {error}.") from error
        documents: list[Any] = raw if is_list else [raw]
        if len(documents) > limit:
            raise errors.TooLarge(
                f"The request has {len(documents):,} rows; at most {limit:,} go in one request."
            )
        faults = list(self.faults(documents, is_create=is_create))
        if faults:
            self.refuse(faults, len(documents), is_list=is_list)
        if not rows and documents:
            raise errors.BadRequest("The body is nested too deeply.")

    def _unknown(self, name: str, said: dict[str, str]) -> str:
        """The sentence about a field that does not exist. A hint costs milliseconds, so only the first few have one."""
        if name in said:
            return said[name]
        sentence = "There is no such field."
        if len(said) < MAX_HINTS:
            hint = errors.nearest(name, self.schema.names)
            sentence = said[name] = f"{sentence} {hint}" if hint else sentence
        return sentence

    def _row_faults(self, index: int, row: Any, is_create: bool, unknown: dict[str, str]) -> Iterator[Fault]:
        try:
            values = msgspec.json.decode(bytes(row), type=dict[str, msgspec.Raw])
        except msgspec.ValidationError:
            yield Fault(index, "row", "Expected an object.")
            return
        except (msgspec.DecodeError, RecursionError):
            yield Fault(index, "row", "The row cannot be read.")
            return
        for name in values:
            if name not in self.schema.by_name:
                yield Fault(index, name[:80], self._unknown(name, unknown))
            elif name in self._read_only:
                yield Fault(index, name, "You may read this field, and not write it.")
        for field in self.schema.fields:
            raw = values.get(field.name)
            if raw is None:
                if is_create and must_be_sent(field, self.schema):
                    message = "This field is required."
                    if field.name in self._read_only:
                        message = "A record needs this field, which you may not write."
                    yield Fault(index, field.name, message, is_missing=True)
            elif message := self._value_fault(field, raw, is_create):
                yield Fault(index, field.name, message)

    def _value_fault(self, field: Field, raw: msgspec.Raw, is_create: bool) -> str | None:
        text = bytes(raw).strip()
        if text == b"null":
            is_generated = is_create and not must_be_sent(field, self.schema) and field.default is UNSET
            return (
                "This field may not be null."
                if is_required(field, self.schema) and not is_generated
                else None
            )
        try:
            value = msgspec.json.decode(text, type=BY_NAME[field.type].annotation(field))
            if has_nul(value):
                return "Text has no NUL character."
            check = for_field(field)
            return check(value) if check else None
        except msgspec.ValidationError as error:
            reason = str(error).partition(" - at ")[0]
            return f"{_excerpt(text)} is not of type {field.type}: {reason[0].lower()}{reason[1:]}."
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return "The value cannot be read."


def _excerpt(text: bytes) -> str:
    """The JSON of a value as a sentence repeats it: at most MAX_EXCERPT characters."""
    said = text[: MAX_EXCERPT * 4].decode(errors="replace")
    return said if len(said) <= MAX_EXCERPT else f"{said[:MAX_EXCERPT]}…"


def _text(value: Any) -> str | None:
    """What `->>` of PostgreSQL gives for the value's JSON."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    text = _encoder.encode(value).decode()
    # Days, instants, times and UUIDs are strings in JSON, with nothing in them to unescape.
    return text[1:-1] if text[0] == '"' else text


def is_required(field: Field, schema: TableSchema) -> bool:
    """True for a field whose stored value is never null."""
    return field.constraints.required or field.name in schema.primary_key


def must_be_sent(field: Field, schema: TableSchema) -> bool:
    """True for a field that a create cannot leave out."""
    return is_required(field, schema) and field.default is UNSET and not _is_filled(field, schema)


def may_be_null(field: Field, schema: TableSchema, *, is_create: bool) -> bool:
    """True for a field that a request may send as null, where a create lets the server fill it."""
    return not is_required(field, schema) or (is_create and _is_filled(field, schema))


def _is_filled(field: Field, schema: TableSchema) -> bool:
    return field is schema.generates_key() or schema.manages(field.name)


def has_nul(value: Any) -> bool:
    """True when a text, or any text inside a JSON document, has the one character PostgreSQL cannot store."""
    if isinstance(value, msgspec.Raw):
        return _NUL in bytes(value) and has_nul(msgspec.json.decode(bytes(value)))
    if isinstance(value, list):
        return any(has_nul(item) for item in cast("list[Any]", value))
    if isinstance(value, dict):
        return any(has_nul(part) for item in cast("dict[Any, Any]", value).items() for part in item)
    return isinstance(value, str) and "\0" in value
