"""Operations on data sources by number, those of apps and foreign ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from penstock.identity import Role, in_org
from penstock.kit.openapi import GONE, Body, Operation, Parameter, Reply, described, nullable
from penstock.kit.openapi.parts import One
from penstock.queries.operations.common import ANY, NUMBER, TEXT, access

_ALL: Final = "/api/data_sources"
_PATH: Final = f"{_ALL}/{{source}}"
_TAG: Final = "Data sources"
_FLAG: Final = {"type": "boolean"}
_ADMIN: Final = in_org(Role.ADMIN)
_SOURCE: Final = described(
    {
        "id": NUMBER,
        "name": TEXT,
        "type": TEXT,
        "syntax": TEXT,
        "paused": _FLAG,
        "pause_reason": nullable(TEXT),
        "supports_auto_limit": _FLAG,
        "view_only": _FLAG,
        "app": nullable(TEXT),
        "slug": TEXT,
    }
)
_NUMBER: Final = Parameter(
    name="source",
    place="path",
    schema={"type": "string", "minLength": 1},
    description="Number of a data source.",
    example="1",
    component="in_path_source_number",
)
_WHOLE: Final = Reply(status=200, description="The data source; admins see its `options`.", schema=_SOURCE)
_ONE: Final = One(_PATH, _TAG, (_NUMBER,), _WHOLE)
_EXAMPLES: Final[dict[str, Any]] = {
    "PostgreSQL": {
        "name": "Warehouse",
        "type": "postgresql",
        "options": {"host": "db.example.com", "database": "shop", "user": "reader", "password": "a password"},
    },
    "Parquet files": {
        "name": "Lake",
        "type": "parquet",
        "options": {"path": "s3://bucket/tables", "access_key_id": "AKIA…", "secret_access_key": "a secret"},
    },
    "query results": {"name": "Results", "type": "results", "options": {}},
}
_FIELDS: Final = {"name": {"type": "string", "minLength": 1, "maxLength": 120}, "type": TEXT, "options": ANY}


def _on(
    tail: str,
    id: str,
    method: str,
    summary: str,
    reply: Reply,
    *,
    body: Body | None = None,
) -> Operation:
    return Operation(
        id=id,
        method=method,
        path=f"{_PATH}/{tail}",
        summary=summary,
        tag=_TAG,
        access=_ADMIN,
        parameters=(_NUMBER,),
        body=body,
        replies=(reply,),
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listDataSources",
        method="get",
        path=_ALL,
        summary="List data sources by number",
        tag=_TAG,
        access=access("query.read"),
        replies=(
            Reply(
                status=200,
                description="Data sources of all apps, and foreign ones, by name.",
                schema={"type": "array", "items": _SOURCE},
            ),
        ),
    ),
    Operation(
        id="createDataSource",
        method="post",
        path=_ALL,
        summary="Connect a foreign data source",
        description="`options` are those that the type takes, secrets among them, which are sealed and shown as "
        "`--------`; or `credential`, the name of a stored one.",
        tag=_TAG,
        access=_ADMIN,
        body=Body(schema=described(_FIELDS) | {"required": ["name", "type"]}, examples=_EXAMPLES),
        replies=(_WHOLE,),
        errors=(409,),
    ),
    Operation(
        id="listDataSourceTypes",
        method="get",
        path=f"{_ALL}/types",
        summary="List the types of data sources, and what each takes",
        tag=_TAG,
        access=_ADMIN,
        replies=(
            Reply(
                status=200,
                description="Types.",
                schema={
                    "type": "array",
                    "items": described({"name": TEXT, "type": TEXT, "configuration_schema": ANY}),
                },
            ),
        ),
    ),
    _ONE.read("readDataSource", "Read a data source by its number", access("query.read")),
    _ONE.change(
        "changeDataSource",
        "Change a foreign data source",
        _ADMIN,
        Body(schema={"type": "object", "properties": _FIELDS}, examples={"name": {"name": "Warehouse 2"}}),
        method="post",
        description="A secret of `--------` stays, as long as the address does.",
    ),
    replace(
        _ONE.delete(
            "deleteDataSource",
            "Disconnect a foreign data source",
            _ADMIN,
            description="Its results are deleted, and its queries have no data source any more.",
        ),
        replies=(GONE,),
    ),
    _on(
        "test",
        "testDataSource",
        "post",
        "Try to connect",
        Reply(
            status=200,
            description="What came of it.",
            schema=described({"ok": _FLAG, "message": TEXT}),
        ),
    ),
    _on(
        "pause",
        "pauseDataSource",
        "post",
        "Have nobody ask a data source for a while",
        _WHOLE,
        body=Body(
            schema={"type": "object", "properties": {"reason": TEXT}},
            required=False,
            examples={"why": {"reason": "Being moved."}},
        ),
    ),
    _on("pause", "resumeDataSource", "delete", "Have it asked again", _WHOLE),
)
