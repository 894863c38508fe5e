"""Reads a `json_schema` (Frictionless Table Schema with our extensions) into a `TableSchema`.

Everything that can be said without looking at other tables is checked here; whether foreign keys fit their
targets is checked when the table is materialized.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn, cast

import msgspec

from penstock.kit import errors
from penstock.tables.fields import BY_NAME, RANGE_OF
from penstock.tables.models import (
    UNSET,
    Constraints,
    Field,
    ForeignKey,
    OnDelete,
    TableSchema,
)
from penstock.tables.schema import checks
from penstock.tables.schema.graph import parse_graph
from penstock.tables.schema.indexes import parse_indexes
from penstock.tables.schema.vectors import parse_vector

MAX_FIELDS = 500
SEARCH_COLUMN = "search_vector"
_NAME = re.compile(r"[^\W\d][\w \-$]*")
_NAME_BYTES = 63
_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "oid"})
_CONSTRAINTS = {
    "required": bool,
    "unique": bool,
    "minLength": int,
    "maxLength": int,
    "minimum": object,
    "maximum": object,
    "pattern": str,
    "enum": list,
}
# Text search configurations that every PostgreSQL 15 and later has.
# fmt: off
LANGUAGES = frozenset({
    "simple", "arabic", "armenian", "basque", "catalan", "danish", "dutch", "english", "finnish", "french",
    "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian", "lithuanian", "nepali",
    "norwegian", "portuguese", "romanian", "russian", "serbian", "spanish", "swedish", "tamil", "turkish",
    "yiddish",
})
# fmt: on


def canonical_hash(raw: Mapping[str, Any]) -> str:
    """SHA-256 of the schema as JSON with sorted keys and no white space, so that equal schemas hash equally."""
    return hashlib.sha256(msgspec.json.encode(raw, order="sorted")).hexdigest()


def parse_schema(raw: Any) -> TableSchema:
    """Raises `errors.Invalid` for field `json_schema`, naming the field and what would be right."""
    if not isinstance(raw, Mapping):
        refuse("a schema is an object with 'fields' and 'primaryKey'.")
    schema = cast("Mapping[str, Any]", raw)
    fields = _fields(schema.get("fields"))
    names = tuple(one.name for one in fields)
    language = schema.get("search_language") or schema.get("search_config") or "english"
    if language not in LANGUAGES:
        refuse(f"search_language '{language}' is not one of: {', '.join(sorted(LANGUAGES))}.")
    by_name = {one.name: one for one in fields}
    key = _primary_key(schema.get("primaryKey"), by_name)
    foreign_keys = _foreign_keys(schema.get("foreignKeys"), by_name)
    parsed = TableSchema(
        fields=fields,
        primary_key=key,
        foreign_keys=foreign_keys,
        indexes=parse_indexes(schema.get("indexes"), by_name, refuse),
        search_fields=_search_fields(schema.get("search_fields", schema.get("x-search-fields")), by_name),
        search_language=language,
        graph=parse_graph(schema, by_name, key, foreign_keys, _fields, refuse),
        title=_text(schema, "title"),
        description=_text(schema, "description"),
        changes=_flag(schema, "changes"),
    )
    if parsed.search_fields and SEARCH_COLUMN in names:
        refuse(f"a field cannot be named '{SEARCH_COLUMN}' when search_fields are declared.")
    return parsed


def refuse(reason: str, *, hint: str | None = None) -> NoReturn:
    raise errors.Invalid({"json_schema": [f"Invalid Frictionless schema: {reason}"]}, hint=hint)


def _fields(raw: Any) -> tuple[Field, ...]:
    if not isinstance(raw, list) or not raw:
        refuse("'fields' must be a list with at least one field.")
    entries = cast("list[Any]", raw)
    if len(entries) > MAX_FIELDS:
        refuse(f"a table has at most {MAX_FIELDS} fields; this one has {len(entries)}.")
    fields = tuple(_field(entry, position) for position, entry in enumerate(entries))
    seen: set[str] = set()
    for one in fields:
        if one.name in seen:
            refuse(f"Field '{one.name}' is declared twice.")
        seen.add(one.name)
    hints = [one.renamed_from for one in fields if one.renamed_from]
    for hint in hints:
        if hints.count(hint) > 1:
            refuse(f"two fields say that they were '{hint[:80]}' ('x-rename-from').")
    return fields


def _field(raw: Any, position: int) -> Field:
    if not isinstance(raw, dict):
        refuse(f"field {position} must be an object with 'name' and 'type'.")
    entry = cast("dict[str, Any]", raw)
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name.encode()) > _NAME_BYTES:
        refuse(
            f"field {position} has the name {str(name)[:80]!r}; a name begins with a letter or underscore, "
            f"has letters, digits, spaces, '_', '-' or '$', and at most {_NAME_BYTES} bytes."
        )
    if name in _SYSTEM_COLUMNS:
        refuse(f"Field '{name}' has a name that PostgreSQL keeps for itself.")
    kind = entry.get("type", "string")
    if not isinstance(kind, str) or kind not in BY_NAME:
        known = list(BY_NAME)
        refuse(
            f"Field '{name}' has the unknown type {str(kind)[:40]!r}; types are: {', '.join(known)}.",
            hint=errors.nearest(str(kind), known),
        )
    field_type = BY_NAME[kind]
    form = entry.get("format", "default")
    if form not in field_type.formats:
        refuse(
            f"Field '{name}' has the format {str(form)[:40]!r}; "
            f"formats of {kind} are: {', '.join(sorted(field_type.formats))}."
        )
    of = entry.get("of")
    if kind == "range" and of not in RANGE_OF:
        refuse(f"Field '{name}' is a range and must say of what: \"of\" is one of {', '.join(RANGE_OF)}.")
    bare = Field(
        name=name,
        type=kind,
        format=form,
        of=of if kind == "range" else None,
        title=_text(entry, "title"),
        description=_text(entry, "description"),
        renamed_from=_renamed_from(entry, name),
        vector=parse_vector(entry, name, refuse) if kind == "vector" else None,
    )
    constraints = _constraints(entry.get("constraints"), bare)
    return replace(bare, constraints=constraints, default=_default(entry, bare, constraints))


def _renamed_from(entry: Mapping[str, Any], name: str) -> str | None:
    old = entry.get("x-rename-from")
    if old is not None and not isinstance(old, str):
        refuse(f"Field '{name}' has an 'x-rename-from' that is not the name of a field.")
    return old


def _constraints(raw: Any, field: Field) -> Constraints:
    if raw is None:
        return Constraints()
    if not isinstance(raw, dict):
        refuse(f"Field '{field.name}' has invalid constraints: expected an object.")
    given = cast("dict[str, Any]", raw)
    allowed = BY_NAME[field.type].constraints
    for key, value in given.items():
        if key not in _CONSTRAINTS:
            _bad(field, f"'{str(key)[:40]}' is not a constraint; they are: {', '.join(_CONSTRAINTS)}.")
        if key not in allowed and value not in (None, False):
            _bad(field, f"'{key}' does not apply to type {field.type}.")
        expected = _CONSTRAINTS[key]
        if value is not None and (
            not isinstance(value, expected) or (expected is int and isinstance(value, bool))
        ):
            _bad(field, f"'{key}' must be of type {expected.__name__}.")
    return _checked(
        field,
        Constraints(
            required=bool(given.get("required")),
            unique=bool(given.get("unique")),
            min_length=_length(field, given, "minLength"),
            max_length=_length(field, given, "maxLength"),
            minimum=_value(field, given, "minimum"),
            maximum=_value(field, given, "maximum"),
            pattern=given.get("pattern"),
            enum=_enum(field, given.get("enum")),
        ),
    )


def _checked(field: Field, constraints: Constraints) -> Constraints:
    """Constraints that no value could meet are a mistake of the schema."""
    low, high = constraints.minimum, constraints.maximum
    if low is not None and high is not None and checks.comparable(low) > checks.comparable(high):
        _bad(field, f"'minimum' {low} is above 'maximum' {high}.")
    if (
        constraints.min_length is not None
        and constraints.max_length is not None
        and constraints.min_length > constraints.max_length
    ):
        _bad(field, "'minLength' is above 'maxLength'.")
    if constraints.pattern is not None:
        if "\0" in constraints.pattern or len(constraints.pattern) > 1000:
            _bad(field, "'pattern' has at most 1,000 characters and no NUL.")
        try:
            checks.pattern(constraints.pattern)
        except ValueError as error:
            _bad(field, f"'pattern' cannot be used: {error}.")
    return constraints


def _length(field: Field, given: dict[str, Any], key: str) -> int | None:
    value = given.get(key)
    if value is not None and not 0 <= value <= 2**30:
        _bad(field, f"'{key}' must be between 0 and {2**30}.")
    return value


def _value(field: Field, given: dict[str, Any], key: str) -> Any:
    if given.get(key) is None:
        return None
    try:
        return BY_NAME[field.type].parse(field, given[key])
    except ValueError as error:
        _bad(field, f"'{key}' is not a {field.type}: {error}.")


def _enum(field: Field, members: list[Any] | None) -> tuple[Any, ...] | None:
    if members is None:
        return None
    if not members or len(members) > 1000:
        _bad(field, "'enum' lists 1 to 1,000 values.")
    parsed: list[Any] = []
    for member in members:
        value = _value(field, {"enum": member}, "enum")
        if isinstance(value, str) and "\0" in value:
            _bad(field, "'enum' values have no NUL character.")
        parsed.append(value)
    return tuple(parsed)


def _default(entry: dict[str, Any], field: Field, constraints: Constraints) -> Any:
    raw = entry.get("default")
    if raw is None:
        return UNSET
    try:
        value = BY_NAME[field.type].parse(field, raw)
    except ValueError as error:
        refuse(f"Field '{field.name}' has a default that is not a {field.type}: {error}.")
    check = checks.for_field(replace(field, constraints=constraints))
    message = check(value) if check else None
    if message or (isinstance(value, str) and "\0" in value):
        refuse(
            f"Field '{field.name}' has a default that its own constraints refuse: {message or 'NUL character.'}"
        )
    return value


def _primary_key(raw: Any, fields: Mapping[str, Field]) -> tuple[str, ...]:
    key = [raw] if isinstance(raw, str) else raw
    if not isinstance(key, list) or not key:
        refuse("'primaryKey' is missing; name the field, or the list of fields, that identifies a row.")
    names = tuple(str(name) for name in cast("list[Any]", key))
    _known("primaryKey", names, fields)
    for name in names:
        if fields[name].type == "string" or BY_NAME[fields[name].type].orderable:
            continue
        refuse(f"primaryKey names '{name}', and a field of type {fields[name].type} cannot be a key.")
    return names


def _foreign_keys(raw: Any, fields: Mapping[str, Field]) -> tuple[ForeignKey, ...]:
    return tuple(_foreign_key(entry, fields) for entry in _list("foreignKeys", raw))


def _foreign_key(raw: Any, fields: Mapping[str, Field]) -> ForeignKey:
    entry = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    reference: Any = entry.get("reference")
    if not isinstance(reference, dict):
        refuse("each of 'foreignKeys' is an object with 'fields' and 'reference': {'resource', 'fields'}.")
    target = cast("dict[str, Any]", reference)
    own = _names("foreignKeys", entry.get("fields"))
    theirs = _names("foreignKeys reference", target.get("fields"))
    _known("foreignKeys", own, fields)
    if len(own) != len(theirs):
        refuse(f"a foreign key pairs {len(own)} fields with {len(theirs)}.")
    resource = target.get("resource", "")
    if not isinstance(resource, str) or len(resource) > 100 or "\0" in resource:
        refuse("the 'resource' of a foreign key is the name of a table of this app, or \"\" for this one.")
    actions: Any = entry.get("x-actions") or {}
    action = str(actions.get("onDelete", "RESTRICT") if hasattr(actions, "get") else actions).upper()
    if action not in set(OnDelete):
        refuse(f"onDelete '{action[:40]}' is not one of: {', '.join(OnDelete)}.")
    if action == OnDelete.SET_NULL and (bad := [name for name in own if fields[name].constraints.required]):
        refuse(f"onDelete SET NULL contradicts the required field '{bad[0]}'.")
    return ForeignKey(own, resource, theirs, OnDelete(action))


def _search_fields(raw: Any, fields: Mapping[str, Field]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for entry in _list("search_fields", raw):
        given: Any = {"field": entry} if isinstance(entry, str) else entry
        if not isinstance(given, dict):
            refuse("each of 'search_fields' is a field name or an object with 'field' and 'weight'.")
        item = cast("dict[str, Any]", given)
        name, weight = str(item.get("field")), item.get("weight", "D")
        _known("search_fields", (name,), fields)
        if fields[name].type != "string" or fields[name].format == "uuid":
            refuse(f"search_fields names '{name}', which is no text field.")
        if weight not in ("A", "B", "C", "D"):
            refuse(
                f"search_fields gives '{name}' the weight {str(weight)[:10]!r}; weights are A, B, C and D."
            )
        found.append((name, weight))
    return tuple(found)


def _list(what: str, raw: Any) -> Sequence[Any]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or len(cast("list[Any]", raw)) > MAX_FIELDS:
        refuse(f"'{what}' must be a list of at most {MAX_FIELDS} entries.")
    return cast("list[Any]", raw)


def _names(what: str, raw: Any) -> tuple[str, ...]:
    names: Any = [raw] if isinstance(raw, str) else raw
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, str) for name in cast("list[Any]", names))
    ):
        refuse(f"'{what}' needs 'fields': a field name or a list of them.")
    return tuple(cast("list[str]", names))


def _known(what: str, names: Sequence[str], fields: Mapping[str, Field]) -> None:
    if len(set(names)) != len(names):
        refuse(f"{what} names a field twice.")
    for name in names:
        if name not in fields:
            refuse(f"{what} names the unknown field '{name[:80]}'.", hint=errors.nearest(name, list(fields)))


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _flag(entry: Mapping[str, Any], key: str) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        refuse(f"'{key}' is true or false, not {str(value)[:40]!r}.")
    return value


def _bad(field: Field, reason: str) -> NoReturn:
    refuse(f"Field '{field.name}' has invalid constraints: {reason}")
