"""Small tools for JSON Schema as dicts, in which msgspec structs may stand for their own schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec

REF: Final = "#/components/schemas/{name}"


def references(part: Any) -> Iterator[str]:
    """The names of the component schemas that a schema refers to itself."""
    if isinstance(part, dict):
        for key, value in cast("dict[str, Any]", part).items():
            if key == "$ref" and isinstance(value, str):
                yield value.rpartition("/")[2]
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in cast("list[Any]", part):
            yield from references(value)


def ref(name: str) -> dict[str, Any]:
    """A reference to a component schema."""
    return {"$ref": REF.format(name=name)}


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, null allowed."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    if not schema:
        return {}
    return {"anyOf": [dict(schema), {"type": "null"}]}


def described(properties: Mapping[str, Any], *optional: str) -> dict[str, Any]:
    """An object that has these properties, all of them but the optional ones always."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
    }


def envelope(items: Any) -> dict[str, Any]:
    """A page of a management list."""
    return described(
        {
            "count": {"type": "integer", "minimum": 0, "description": "Entries of all pages."},
            "next": {"type": ["string", "null"], "description": "Address of the next page."},
            "previous": {"type": ["string", "null"], "description": "Address of the page before."},
            "results": {"type": "array", "items": items},
        }
    )


def in_either_shape(items: Any) -> dict[str, Any]:
    """A list: bare, or the envelope when `page` or `page_size` is given."""
    return {"anyOf": [{"type": "array", "items": items}, envelope(items)]}


def structs(part: Any) -> Iterator[type[msgspec.Struct]]:
    """The wire shapes inside a schema."""
    if isinstance(part, dict):
        for value in cast("dict[str, Any]", part).values():
            yield from structs(value)
    elif isinstance(part, list):
        for value in cast("list[Any]", part):
            yield from structs(value)
    elif _is_struct(part):
        yield part


def referring(part: Any) -> Any:
    """The schema with references in place of wire shapes."""
    if isinstance(part, dict):
        return {key: referring(value) for key, value in cast("dict[str, Any]", part).items()}
    if isinstance(part, list):
        return [referring(value) for value in cast("list[Any]", part)]
    return ref(part.__name__) if _is_struct(part) else part


def _is_struct(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, msgspec.Struct)
