"""Queries as files and back: SQL with a comment at its head that nothing can end early, or JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec

from penstock_sdk._dialect.server import Object, part, parts

FileKind = Literal["sql", "json"]
# What a query is beside its name, text and data source; those that say nothing are left out.
_KEPT = ("description", "options", "tags", "schedule", "is_draft", "is_archived", "visualizations")
_HEAD = re.compile(r"\A/\*\r?\n(?P<lines>.*?)\r?\n\*/\r?\n", re.DOTALL)
_LINE = re.compile(r"(?P<name>Name|Data source|Created By|Last Updated At|Settings): (?P<value>[^\r\n]*)")
_NUMBERED = re.compile(r"query_([0-9]{1,18})")
_KINDS: dict[str, Any] = {
    "id": int,
    "description": str,
    "options": dict,
    "tags": list,
    "schedule": dict,
    "data_source": dict,
    "name": str,
}
_TABLE: Object = {"type": "TABLE", "name": "Table", "description": "", "options": {}}
_PICTURE = ("type", "name", "description", "options")


class UnreadableFileError(ValueError):
    """A file is no exported query."""


def described(query: Mapping[str, Any], source: Mapping[str, Any] | None) -> Object:
    """All that makes a query anew; no key of it, and nothing of its results."""
    found: Object = {
        "id": query["id"],
        "name": query["name"],
        "query": query.get("query") or "",
        "data_source": None,
        "created_by": part(query, "user").get("name"),
        "updated_at": query.get("updated_at"),
    }
    if query.get("data_source_id") is not None:
        found["data_source"] = {"id": query["data_source_id"]}
        if source is not None:
            found["data_source"] |= {name: source.get(name) for name in ("name", "type")}
    pictures = [
        {name: one.get(name) for name in _PICTURE}
        for one in sorted(parts(query, "visualizations"), key=lambda one: one["id"])
    ]
    found |= {name: query[name] for name in _KEPT if query.get(name) and name != "visualizations"}
    return {**found, "visualizations": pictures}


def as_json(query: Object) -> str:
    return msgspec.json.format(msgspec.json.encode(query), indent=2).decode() + "\n"


def as_sql(query: Object) -> str:
    """The text under the head of the published script, which holds all the rest in a line of its own."""
    source = part(query, "data_source")
    settings = {name: query[name] for name in _KEPT if query.get(name)}
    if settings.get("visualizations") == [_TABLE]:
        del settings["visualizations"]
    if _plain(query["name"]) != query["name"]:
        settings["name"] = query["name"]
    if source.get("name") is not None:
        settings["data_source"] = {name: source[name] for name in ("name", "type")}
    lines = [
        f"Name: {_plain(query['name'])}",
        f"Data source: {source.get('id', '')}",
        f"Created By: {_plain(query['created_by'] or '')}",
        f"Last Updated At: {_plain(query['updated_at'] or '')}",
    ]
    if settings:
        # JSON may have a backslash before a slash, and then does not end the comment.
        lines.append("Settings: " + msgspec.json.encode(settings).decode().replace("*/", "*\\/"))
    return "/*\n" + "\n".join(lines) + "\n*/\n" + query["query"]


def _plain(text: str) -> str:
    """One line, which does not end the comment that it is in."""
    return " ".join(text.split()).replace("*/", "* /")


def from_sql(text: str, name: str) -> Object:
    """The query in a file; `name` is its name when the file has no head."""
    head = _HEAD.match(text)
    number = _NUMBERED.fullmatch(name)
    found: Object = {
        "id": int(number[1]) if number else None,
        "name": name,
        "query": text,
        "data_source": None,
        "visualizations": [],
    }
    if head is None:
        return found
    found["query"] = text[head.end() :]
    lines = {line["name"]: line["value"] for line in _LINE.finditer(head["lines"])}
    found["name"] = lines.get("Name") or name
    source_id = lines.get("Data source", "").strip()
    if source_id.isdigit():
        found["data_source"] = {"id": int(source_id)}
    if "Settings" in lines:
        settings = _decoded(lines["Settings"], name)
        source = settings.pop("data_source", None)
        if source is not None:
            found["data_source"] = {**part(found, "data_source"), **source}
        found |= {name: value for name, value in settings.items() if name in (*_KEPT, "name")}
    return _checked(found, name)


def from_json(text: str, name: str) -> Object:
    found = _decoded(text, name)
    if not isinstance(found.get("query"), str) or not isinstance(found.get("name"), str):
        raise UnreadableFileError(f"{name} is no exported query: it has no name, or no query.")
    return _checked({"id": None, "data_source": None, "visualizations": [], **found}, name)


def _checked(found: Object, name: str) -> Object:
    """A file may have been changed by hand."""
    for key, kind in _KINDS.items():
        if not isinstance(found.get(key), kind | None):
            raise UnreadableFileError(f"{name} is no exported query: '{key}' is of another kind.")
    for key in ("visualizations", "parameters"):
        held: Any = found[key] if key == "visualizations" else part(found, "options").get(key, [])
        if not isinstance(held, list) or not all(isinstance(one, dict) for one in cast("list[Any]", held)):
            raise UnreadableFileError(f"{name} is no exported query: '{key}' is no list of objects.")
    return found


def _decoded(text: str, name: str) -> Object:
    try:
        found: Any = msgspec.json.decode(text.encode())
    except msgspec.DecodeError as error:
        raise UnreadableFileError(f"{name} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise UnreadableFileError(f"{name} is no exported query: it is no object.")
    return cast("Object", found)
