"""Apps and who has access to them."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit.openapi import (
    GONE,
    PAGING,
    Body,
    Operation,
    Parameter,
    Reply,
    described,
    in_either_shape,
    ref,
)
from penstock.tables import schemas
from penstock.tables.operations.common import APP, IF_MATCH, IF_NONE_MATCH, TAG, access, access_in_org

COUNT: Final = {"type": "integer", "minimum": 0}
TOTALS: Final = {"total_tables": COUNT, "materialized_tables": COUNT, "unmaterialized_tables": COUNT}
_TEXT: Final = {"type": "string"}
SCHEMAS: Final[dict[str, Any]] = {
    "AppStatistics": described(
        {
            "app_name": _TEXT,
            "app_slug": _TEXT,
            "total_datasources": COUNT,
            **TOTALS,
            "datasources": {
                "type": "array",
                "items": described(
                    {
                        "name": _TEXT,
                        "slug": _TEXT,
                        "provider_type": _TEXT,
                        "total_tables": COUNT,
                        "materialized_tables": COUNT,
                    }
                ),
            },
        }
    ),
}
_SHOP: Final = {"name": "Shop", "description": "What we sell"}
_DETAIL: Final = Reply(status=200, description="The app.", schema=schemas.AppDetail, headers=TAG)
_ONE: Final = "/api/apps/{app}"

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listApps",
        method="get",
        path="/api/apps",
        summary="List apps",
        description="Those that the caller has access to.",
        tag="Apps",
        access=access("app.read"),
        parameters=PAGING,
        replies=(Reply(status=200, description="Apps.", schema=in_either_shape(schemas.AppSummary)),),
        errors=(404,),
    ),
    Operation(
        id="createApp",
        method="post",
        path="/api/apps",
        summary="Create an app",
        description="The slug is made from the name when it is not given.",
        tag="Apps",
        access=access_in_org("app.create"),
        body=Body(schema=schemas.AppCreate, examples={"an app": _SHOP}),
        replies=(Reply(status=201, description="The new app.", schema=schemas.AppDetail, headers=TAG),),
        errors=(409,),
    ),
    Operation(
        id="readApp",
        method="get",
        path=_ONE,
        summary="Read an app",
        tag="Apps",
        access=access("app.read"),
        parameters=(APP, IF_NONE_MATCH),
        replies=(_DETAIL, Reply(status=304, description="Not changed.")),
    ),
    *(
        Operation(
            id=name,
            method=method,
            path=_ONE,
            summary=summary,
            description="A slug never changes.",
            tag="Apps",
            access=access("app.alter"),
            parameters=(APP, IF_MATCH),
            body=Body(schema=kind, examples={"an app": _SHOP}),
            replies=(_DETAIL,),
            errors=(412,),
        )
        for name, method, summary, kind in (
            ("replaceApp", "put", "Replace name and description", schemas.AppPut),
            ("updateApp", "patch", "Change name or description", schemas.AppPatch),
        )
    ),
    Operation(
        id="deleteApp",
        method="delete",
        path=_ONE,
        summary="Delete an app",
        description="Hides the app with all that is in it; `restore` brings it back.",
        tag="Apps",
        access=access("app.delete"),
        parameters=(APP, IF_MATCH),
        replies=(GONE,),
        errors=(412,),
    ),
    Operation(
        id="restoreApp",
        method="post",
        path=f"{_ONE}/restore",
        summary="Restore a deleted app",
        tag="Apps",
        access=access("app.restore"),
        parameters=(APP,),
        replies=(Reply(status=200, description="Restored.", schema=described({"message": _TEXT})),),
    ),
    Operation(
        id="readAppStatistics",
        method="get",
        path=f"{_ONE}/stats",
        summary="Count the tables of an app",
        tag="Apps",
        access=access("app.read"),
        parameters=(APP,),
        replies=(Reply(status=200, description="Counts.", schema=ref("AppStatistics")),),
    ),
    Operation(
        id="describeApp",
        method="get",
        path=f"{_ONE}/openapi.json",
        summary="The OpenAPI document of an app",
        description="Each table that the caller may see, with its record schemas and filter parameters.",
        tag="Apps",
        access=access("app.read"),
        parameters=(
            APP,
            Parameter(
                name="tables",
                schema={"type": "array", "items": _TEXT},
                is_list=True,
                description="Only these tables.",
            ),
            IF_NONE_MATCH,
        ),
        replies=(
            Reply(status=200, description="OpenAPI 3.1.", schema={"type": "object"}, headers=TAG),
            Reply(status=304, description="Not changed."),
        ),
    ),
)
