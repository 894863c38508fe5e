"""Data sources."""

from __future__ import annotations

from typing import Final

from penstock.kit.openapi import GONE, PAGING, Body, Operation, Reply, described, flag, in_either_shape
from penstock.tables import schemas
from penstock.tables.models import ProviderType
from penstock.tables.operations.apps import TOTALS
from penstock.tables.operations.common import APP, IF_MATCH, IF_NONE_MATCH, SOURCE, TAG, access

_ALL: Final = "/api/apps/{app}/datasources"
_ONE: Final = f"{_ALL}/{{source}}"
_MAIN: Final = {"name": "Main", "provider_type": "flat_table"}
_DETAIL: Final = Reply(status=200, description="The data source.", schema=schemas.SourceDetail, headers=TAG)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listSources",
        method="get",
        path=_ALL,
        summary="List data sources",
        tag="Data sources",
        access=access("source.read"),
        parameters=(APP, *PAGING),
        replies=(
            Reply(status=200, description="Data sources.", schema=in_either_shape(schemas.SourceSummary)),
        ),
    ),
    Operation(
        id="createSource",
        method="post",
        path=_ALL,
        summary="Create a data source",
        description="The slug is made from the name when it is not given.",
        tag="Data sources",
        access=access("source.create"),
        parameters=(APP,),
        body=Body(schema=schemas.SourceCreate, examples={"a data source": _MAIN}),
        replies=(
            Reply(status=201, description="The new data source.", schema=schemas.SourceDetail, headers=TAG),
        ),
        errors=(409,),
    ),
    Operation(
        id="readSource",
        method="get",
        path=_ONE,
        summary="Read a data source",
        tag="Data sources",
        access=access("source.read"),
        parameters=(APP, SOURCE, IF_NONE_MATCH),
        replies=(_DETAIL, Reply(status=304, description="Not changed.")),
    ),
    *(
        Operation(
            id=name,
            method=method,
            path=_ONE,
            summary=summary,
            description="Slug and provider never change.",
            tag="Data sources",
            access=access("source.alter"),
            parameters=(APP, SOURCE, IF_MATCH),
            body=Body(schema=kind, examples={"a description": {"name": "Main", "description": "All of it"}}),
            replies=(_DETAIL,),
            errors=(412,),
        )
        for name, method, summary, kind in (
            ("replaceSource", "put", "Replace name, description and configuration", schemas.SourcePut),
            ("updateSource", "patch", "Change name, description or configuration", schemas.SourcePatch),
        )
    ),
    Operation(
        id="deleteSource",
        method="delete",
        path=_ONE,
        summary="Delete a data source",
        description="Hides the source and its tables.",
        tag="Data sources",
        access=access("source.delete"),
        parameters=(
            APP,
            SOURCE,
            IF_MATCH,
            flag("force", "Even while foreign keys of tables elsewhere refer to its tables."),
        ),
        replies=(GONE,),
        errors=(409, 412),
    ),
    Operation(
        id="listSourceTables",
        method="get",
        path=f"{_ONE}/tables",
        summary="List the tables of a data source",
        tag="Data sources",
        access=access("table.read"),
        parameters=(APP, SOURCE, *PAGING),
        replies=(Reply(status=200, description="Tables.", schema=in_either_shape(schemas.TableSummary)),),
    ),
    Operation(
        id="readSourceStatistics",
        method="get",
        path=f"{_ONE}/stats",
        summary="Count the tables of a data source",
        tag="Data sources",
        access=access("source.read"),
        parameters=(APP, SOURCE),
        replies=(
            Reply(
                status=200,
                description="Counts.",
                schema=described(
                    {
                        **TOTALS,
                        "provider_type": {"enum": [one.value for one in ProviderType]},
                        "is_active": {"type": "boolean"},
                    }
                ),
            ),
        ),
    ),
)
