"""Documents made of declared operations."""

from __future__ import annotations

from typing import Any

import msgspec
from openapi_spec_validator import OpenAPIV31SpecValidator

from penstock.kit.openapi import (
    GONE,
    PAGING,
    Access,
    Body,
    Info,
    Operation,
    Parameter,
    Reply,
    described,
    document,
    flag,
    in_either_shape,
    nullable,
    path,
    ref,
)

ANYBODY = Access("Open.", lambda caller: True, is_public=True)
KNOWN = Access("For callers.", lambda caller: caller is not None)


class Part(msgspec.Struct):
    size: int


class Thing(msgspec.Struct):
    """A thing."""

    name: str
    parts: list[Part] = []


LIST = Operation(
    id="listThings",
    method="get",
    path="/things",
    also=(("/alias/things", "listAliasThings"),),
    summary="List things",
    tag="Things",
    access=KNOWN,
    parameters=(*PAGING, flag("old", "Old ones too.")),
    replies=(Reply(status=200, description="Things.", schema=in_either_shape(Thing)),),
)
CHANGE = Operation(
    id="changeThing",
    method="patch",
    path="/things/{thing}",
    summary="Change a thing",
    tag="Things",
    access=KNOWN,
    parameters=(path("thing", "Its name.", "a"), *PAGING),
    body=Body(schema=Thing, examples={"a thing": {"name": "a"}}),
    replies=(Reply(status=200, description="It.", schema=ref("Own"), headers={"ETag": "Its version."}),),
    errors=(412,),
)
PING = Operation(
    id="ping", method="get", path="/ping", summary="Ping", tag="Other", access=ANYBODY, replies=(GONE,)
)
OWN = {"Own": described({"thing": Thing, "note": nullable({"type": "string"})}, "note"), "Unused": {}}


def made(*operations: Operation) -> dict[str, Any]:
    found = document(Info("T", "1", "d", "/base"), operations, schemas=OWN, tags={"Things": "All of them."})
    OpenAPIV31SpecValidator(found).validate()
    return found


def test_statuses_follow_from_what_an_operation_is() -> None:
    assert list(LIST.statuses()) == [400, 401, 403, 429]
    assert list(CHANGE.statuses()) == [400, 401, 403, 404, 412, 413, 429]
    assert list(PING.statuses()) == [400]


def test_an_operation_at_every_address() -> None:
    paths = made(LIST, CHANGE)["paths"]
    assert {one["get"]["operationId"] for one in (paths["/things"], paths["/alias/things"])} == {
        "listThings",
        "listAliasThings",
    }
    assert set(paths["/things/{thing}"]["patch"]["responses"]) == {
        *("200", "400", "401", "403", "404", "412", "413", "429", "5XX"),
    }


def test_only_components_that_are_used() -> None:
    whole = made(LIST, CHANGE, PING)["components"]
    assert set(whole["schemas"]) == {"Thing", "Part", "Own", "Error"}
    assert set(whole["parameters"]) == {"page", "page_size", "in_path_thing"}
    assert "PreconditionFailed" in whole["responses"]
    less = made(PING)["components"]
    assert set(less["schemas"]) == {"Error"}
    assert set(less["responses"]) == {"BadRequest", "Failure"}


def test_parameters_that_are_shared_are_written_once() -> None:
    parameters = made(LIST)["paths"]["/things"]["get"]["parameters"]
    assert parameters[0] == {"$ref": "#/components/parameters/page"}
    assert parameters[2]["name"] == "old"


def test_parameters_of_every_style() -> None:
    given = (
        Parameter(name="tree", schema={"type": "object"}, is_json=True, example={"a": 1}),
        Parameter(name="names", schema={"type": "array", "items": {"type": "string"}}, is_list=True),
        Parameter(name="elsewhere", schema={"type": "string"}, place="path"),
    )
    operation = Operation(
        id="x", method="get", path="/x", summary="X", tag="T", access=KNOWN, parameters=given, replies=(GONE,)
    )
    tree, names = made(operation)["paths"]["/x"]["get"]["parameters"]
    assert tree["content"]["application/json"] == {"schema": {"type": "object"}, "example": {"a": 1}}
    assert names["explode"] is False


def test_who_may_call_and_how() -> None:
    found = made(LIST, CHANGE, PING)["paths"]
    assert found["/ping"]["get"]["security"] == []
    assert {"query": []} in found["/things"]["get"]["security"]
    assert {"query": []} not in found["/things/{thing}"]["patch"]["security"]
    assert found["/things"]["get"]["description"] == "For callers."


def test_null_beside_any_schema() -> None:
    assert nullable({"type": "string", "format": "date"}) == {"type": ["string", "null"], "format": "date"}
    assert nullable({"enum": ["a"]}) == {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}
    assert nullable({}) == {}
