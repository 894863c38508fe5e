"""A batch: steps that create, update, upsert and delete records of any tables of an app, as one transaction.

A later step may name a value of a record that an earlier one answered: `{"$ref": "order.id"}`, or of a step whose
data is a list `{"$ref": "lines.0.id"}`. It stands for a whole value: a field of a row, a key, one of `ids`.
`{"$literal": …}` is the object inside, for documents that look like a reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from penstock.kit import errors

MAX_STEPS = 1000
_ID_LENGTH = 100
_REFERENCE, _LITERAL = "$ref", "$literal"
_encode = msgspec.json.Encoder().encode
Row = dict[str, msgspec.Raw]


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """One write. What of it must be there depends on `op`."""

    op: Literal["create", "update", "upsert", "delete"]
    table: str
    id: str | None = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    key: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    ids: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    filter: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    unique_fields: list[str] | msgspec.UnsetType = msgspec.UNSET

    @property
    def given(self) -> frozenset[str]:
        names = ("data", "key", "ids", "filter", "unique_fields")
        return frozenset(name for name in names if getattr(self, name) is not msgspec.UNSET)


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """The body of the request."""

    steps: list[Step]


_FORMS: Mapping[str, Sequence[frozenset[str]]] = {
    "create": (frozenset({"data"}),),
    "update": (frozenset({"key", "data"}), frozenset({"data"})),
    "upsert": (frozenset({"data", "unique_fields"}), frozenset({"data"})),
    "delete": (frozenset({"key"}), frozenset({"ids"}), frozenset({"filter"})),
}


def check(batch: Batch) -> None:
    """Raises `Invalid`, naming the step, for what is wrong before any table is looked at."""
    if not 1 <= len(batch.steps) <= MAX_STEPS:
        raise errors.Invalid(
            {"steps": [f"A batch has 1 to {MAX_STEPS:,} steps; this has {len(batch.steps):,}."]}
        )
    seen: set[str] = set()
    for index, step in enumerate(batch.steps):
        reason = _fault(step, seen)
        if reason:
            raise named(errors.Invalid({"steps": [reason]}), index, step)
        if step.id is not None:
            seen.add(step.id)


def _fault(step: Step, seen: set[str]) -> str | None:
    if step.id is not None:
        if not 0 < len(step.id) <= _ID_LENGTH or "." in step.id:
            return f"The id of a step has 1 to {_ID_LENGTH} characters, and no dot among them."
        if step.id in seen:
            return f"There are two steps '{step.id}'."
    if step.given not in _FORMS[step.op]:
        forms = ", or ".join(" and ".join(f"'{name}'" for name in sorted(form)) for form in _FORMS[step.op])
        return f"A step that does '{step.op}' has {forms}."
    return None


def named(error: errors.PenstockError, index: int, step: Step) -> errors.PenstockError:
    """The error, saying at which step; steps count from 0."""
    error.more["step"] = {"index": index, "id": step.id}
    return error


class References:
    """What the steps so far have answered."""

    def __init__(self) -> None:
        self._answers: dict[str, bytes] = {}
        self._read: dict[str, list[Row] | Row] = {}

    def answered(self, step: Step, body: bytes) -> None:
        if step.id is not None:
            self._answers[step.id] = body

    def data(self, raw: msgspec.Raw) -> bytes:
        """The rows of a step, with what they refer to in its place."""
        text = bytes(raw)
        if b"$" not in text and b"\\u" not in text:
            return text
        try:
            rows: list[Row] | Row = msgspec.json.decode(text, type=list[Row] | Row)
        except (msgspec.DecodeError, RecursionError):
            return text  # the table says what is wrong with it
        if isinstance(rows, list):
            return _encode([self._row(row) for row in rows])
        return _encode(self._row(rows))

    def key(self, raw: msgspec.Raw) -> str:
        """The key of a record, as it would stand in a path."""
        value = self._value("key", raw)
        if bytes(value).lstrip()[:1] == b"[":
            return self.ids(value)
        decoded = msgspec.json.decode(bytes(value))
        if isinstance(decoded, str):
            return decoded
        if isinstance(decoded, int | float) and not isinstance(decoded, bool):
            return bytes(value).decode()
        raise errors.Invalid(
            {"key": ["A key is a text or a number, or a list of these for a composite key."]}
        )

    def ids(self, raw: msgspec.Raw) -> str:
        try:
            items = msgspec.json.decode(bytes(raw), type=list[msgspec.Raw])
        except msgspec.ValidationError:
            raise errors.Invalid({"ids": ["It is a list of keys."]}) from None
        return _encode([self._value("ids", item) for item in items]).decode()

    def _row(self, row: Row) -> Row:
        return {name: self._value(name, value) for name, value in row.items()}

    def _value(self, field: str, raw: msgspec.Raw) -> msgspec.Raw:
        if bytes(raw).lstrip()[:1] != b"{":
            return raw
        found = msgspec.json.decode(bytes(raw), type=Row)
        if len(found) != 1:
            return raw
        if _LITERAL in found:
            return found[_LITERAL]
        if _REFERENCE not in found:
            return raw
        try:
            return self._look_up(msgspec.json.decode(bytes(found[_REFERENCE]), type=str))
        except msgspec.ValidationError:
            raise errors.Invalid({field: ["A reference is a text such as 'order.id'."]}) from None
        except _Unknown as error:
            raise errors.Invalid({field: [str(error)]}) from None

    def _look_up(self, text: str) -> msgspec.Raw:
        name, _, rest = text.partition(".")
        body = self._answers.get(name)
        if body is None:
            raise _Unknown(f"'{text[:80]}' refers to no earlier step; write it as 'step.field'.")
        if name not in self._read:
            # A step that deleted has no records.
            answer = msgspec.json.decode(body, type=dict[str, msgspec.Raw]) if body else {}
            data = answer.get("data")
            self._read[name] = [] if data is None else msgspec.json.decode(bytes(data), type=list[Row] | Row)
        found = self._read[name]
        if isinstance(found, list):
            place, _, rest = rest.partition(".")
            if not place.isascii() or not place.isdigit() or len(place) > 6 or int(place) >= len(found):
                raise _Unknown(
                    f"Step '{name}' has {len(found):,} records, so '{text[:80]}' must be like '{name}.0.id'."
                )
            found = found[int(place)]
        value = found.get(rest)
        if value is None:
            raise _Unknown(f"The record of step '{name}' has no field '{rest[:80]}'.")
        return value


class _Unknown(Exception):
    """A reference leads nowhere."""
