"""The OpenAPI document made of the operations that a reader may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from penstock.kit.openapi.declare import Body, Operation, Parameter, Schema
from penstock.kit.openapi.errors import ERROR, ERROR_HEADERS, ERRORS, FAILURE, SECURITY
from penstock.kit.openapi.schemas import REF, ref, references, referring, structs


@dataclass(frozen=True, slots=True)
class Info:
    """The head of a document. `server` is the address that its paths hang from."""

    title: str
    version: str
    description: str
    server: str = "/"


def document(
    info: Info,
    operations: Iterable[Operation],
    *,
    schemas: Mapping[str, Mapping[str, Any]] | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The OpenAPI document of these operations; `schemas` are the components that `ref` names.

    Only components that something refers to are in it.
    """
    shown = list(operations)
    components = _Components(schemas or {}, shown)
    paths: dict[str, Any] = {}
    used: dict[str, None] = {}
    statuses: set[int] = set()
    for operation in shown:
        used.setdefault(operation.tag)
        statuses.update(operation.statuses())
        for path, name in operation.addresses():
            paths.setdefault(path, {})[operation.method] = _operation(operation, path, name, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": info.title, "version": info.version, "description": info.description},
        "servers": [{"url": info.server}],
        "tags": [{"name": tag, "description": (tags or {}).get(tag, "")} for tag in used],
        "paths": paths,
        "components": {
            "schemas": {**components.reachable(), "Error": ERROR},
            "parameters": components.parameters,
            "responses": {ERRORS[status][0]: _error(status) for status in sorted(statuses)}
            | {"Failure": FAILURE},
            "securitySchemes": SECURITY,
        },
    }


class _Components:
    """The shared parts of a document, collected while its operations are written."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]], operations: Sequence[Operation]) -> None:
        self.parameters: dict[str, Any] = {}
        # A document may have a hundred thousand parameters and a dozen schemas among them.
        self._written: dict[int, Any] = {}
        distinct = {id(one): one for one in (*_schemas(operations), *schemas.values())}
        kinds = list(dict.fromkeys(structs(list(distinct.values()))))
        _, made = msgspec.json.schema_components(kinds, ref_template=REF)
        self._known: dict[str, Any] = {**made, **{name: referring(one) for name, one in schemas.items()}}
        self._needed: set[str] = set()

    def schema(self, kind: Schema) -> Any:
        found = self._written.get(id(kind))
        if found is None:
            found = self._written[id(kind)] = referring(kind)
            self._need(found)
        return found

    def reachable(self) -> dict[str, Any]:
        return {name: schema for name, schema in self._known.items() if name in self._needed}

    def _need(self, part: Any) -> None:
        for name in references(part):
            if name not in self._needed:
                self._needed.add(name)
                self._need(self._known[name])


def _schemas(operations: Sequence[Operation]) -> Iterator[Schema]:
    for operation in operations:
        yield from (parameter.schema for parameter in operation.parameters)
        yield from (reply.schema for reply in operation.replies)
        if operation.body is not None:
            yield operation.body.schema


def _operation(operation: Operation, path: str, name: str, components: _Components) -> dict[str, Any]:
    description = "\n\n".join(part for part in (operation.description, operation.access.words) if part)
    written: dict[str, Any] = {
        "operationId": name,
        "summary": operation.summary,
        "description": description,
        "tags": [operation.tag],
        "security": _security(operation),
    }
    parameters = [
        _parameter(one, components)
        for one in operation.parameters
        if one.place != "path" or f"{{{one.name}}}" in path
    ]
    if parameters:
        written["parameters"] = parameters
    if operation.body is not None:
        written["requestBody"] = _body(operation.body, components)
    written["responses"] = _responses(operation, components)
    return written


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.access.is_public:
        return []
    names = operation.security
    if names is None:
        names = [name for name in SECURITY if name not in ("query", "basic")]
        if operation.method == "get":
            names.append("query")
    return [{name: []} for name in names]


def _parameter(parameter: Parameter, components: _Components) -> dict[str, Any]:
    name = parameter.component
    if name is not None and name in components.parameters:
        return {"$ref": f"#/components/parameters/{name}"}
    written: dict[str, Any] = {"name": parameter.name, "in": parameter.place}
    if parameter.description:
        written["description"] = parameter.description
    if parameter.required or parameter.place == "path":
        written["required"] = True
    schema = components.schema(parameter.schema)
    if parameter.is_json:
        written["content"] = {"application/json": {"schema": schema}}
        if parameter.example is not UNSET:
            written["content"]["application/json"]["example"] = parameter.example
    else:
        written["schema"] = schema
        if parameter.is_list:
            written["explode"] = False
        if parameter.example is not UNSET:
            written["example"] = parameter.example
    if name is None:
        return written
    components.parameters[name] = written
    return {"$ref": f"#/components/parameters/{name}"}


def _body(body: Body, components: _Components) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": components.schema(body.schema)}
    if body.examples:
        media["examples"] = {
            name.replace(" ", "-"): {"summary": name, "value": value} for name, value in body.examples.items()
        }
    content = {"application/json": media}
    if body.media_types:
        content = {kind: {**media, "example": example} for kind, example in body.media_types.items()}
    written: dict[str, Any] = {"content": content, "required": body.required}
    if body.description:
        written["description"] = body.description
    return written


def _responses(operation: Operation, components: _Components) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for reply in operation.replies:
        one: dict[str, Any] = {"description": reply.description}
        if reply.headers:
            one["headers"] = {
                name: {"description": words, "schema": {"type": "string"}}
                for name, words in reply.headers.items()
            }
        if reply.schema is not None:
            media: dict[str, Any] = {"schema": components.schema(reply.schema)}
            if reply.example is not UNSET:
                media["example"] = reply.example
            file = {"schema": {"type": "string", "format": "binary"}}
            one["content"] = {reply.media_type: media, **dict.fromkeys(reply.files, file)}
        written[str(reply.status)] = one
    for status in operation.statuses():
        written[str(status)] = {"$ref": f"#/components/responses/{ERRORS[status][0]}"}
    written["5XX"] = {"$ref": "#/components/responses/Failure"}
    return written


def _error(status: int) -> dict[str, Any]:
    name, description = ERRORS[status]
    written: dict[str, Any] = {
        "description": description,
        "content": {"application/json": {"schema": ref("Error")}},
    }
    if (header := ERROR_HEADERS.get(status)) is not None:
        written["headers"] = {header[0]: {"description": header[1], "schema": header[2]}}
    assert name
    return written
