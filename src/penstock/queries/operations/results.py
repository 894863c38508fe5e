"""Operations that run queries and read what they found."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit.openapi import Body, Operation, Parameter, Reply, described
from penstock.queries.exports import ARROW, FORMATS
from penstock.queries.operations.common import (
    ANY,
    FILE,
    JOB,
    JOB_OBJECT,
    NULL,
    NUMBER,
    QUERY,
    RESULT_OBJECT,
    TEXT,
    access,
    own_access,
)

_ONE: Final = "/api/queries/{query_id}"
_AGE: Final = {
    "type": ["integer", "null"],
    "description": "Seconds that a result may be old; 0 runs the query in any case, -1 or nothing takes any.",
}
_RUN: Final[dict[str, Any]] = {
    "parameters": {**ANY, "description": "Values by name."},
    "max_age": _AGE,
    "apply_auto_limit": {"type": "boolean"},
}
_JOB: Final = described({"job": JOB_OBJECT})
_RESULT: Final = described({"query_result": RESULT_OBJECT})
_ANSWER: Final = Reply(
    status=200, description="A result that is there, or the job.", schema={"anyOf": [_RESULT, _JOB]}
)
_STARTED: Final = Reply(status=200, description="The job.", schema=_JOB)
_FILES: Final = tuple(dict.fromkeys(one.media_type for one in (*FORMATS.values(), ARROW)))[1:]
_ROWS: Final = Reply(status=200, description="The result.", schema=_RESULT, files=_FILES)
_PART: Final = Reply(
    status=206, description="A part of an Arrow file.", schema=TEXT, media_type=ARROW.media_type
)
_RAW: Final = Parameter(
    name="raw", schema=TEXT, description="`1`: instants in csv, tsv and xlsx as they are, in ISO 8601."
)
_PAGES: Final = (
    Parameter(name="page", schema=NUMBER, description="Only this page of the rows, from 1."),
    Parameter(
        name="page_size", schema=NUMBER, description="Rows of a page: 100 unless told, 10,000 at most."
    ),
)


def _job(name: str, method: str, path: str, *parameters: Parameter) -> Operation:
    cancels = method == "delete"
    return Operation(
        id=name,
        method=method,
        path=path,
        summary="Cancel a job" if cancels else "Read a job",
        description="The database gives the query up." if cancels else "",
        tag="Results",
        access=own_access("query.run"),
        parameters=parameters,
        replies=(NULL if cancels else _STARTED,),
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="runSql",
        method="post",
        path="/api/query_results",
        summary="Run SQL",
        tag="Results",
        access=access("query.run"),
        parameters=_PAGES,
        body=Body(
            schema=described({"query": TEXT, "data_source_id": NUMBER})
            | {"properties": {"query": TEXT, "data_source_id": NUMBER, **_RUN}},
            examples={"now": {"query": "SELECT 1 AS one", "data_source_id": 1, "max_age": 0}},
        ),
        replies=(_ANSWER,),
        errors=(404,),
    ),
    Operation(
        id="runQuery",
        method="post",
        path=f"{_ONE}/results",
        summary="Run a saved query, or take the result that is there",
        tag="Results",
        access=access("query.read"),
        parameters=(QUERY, *_PAGES),
        body=Body(
            schema={"type": "object", "properties": _RUN},
            required=False,
            examples={"fresh": {"max_age": 1800}},
        ),
        replies=(_ANSWER,),
        errors=(405,),
    ),
    Operation(
        id="refreshQuery",
        method="post",
        path=f"{_ONE}/refresh",
        summary="Run a saved query in any case",
        tag="Results",
        access=access("query.run"),
        parameters=(QUERY,),
        replies=(_STARTED,),
    ),
    Operation(
        id="readResults",
        method="get",
        path=f"{_ONE}/results",
        summary="Read the newest rows of a query",
        description="Of a query of the explorer dialect, by its slug, a page of 100 rows; its query runs first if "
        "need be. Of any other its newest result; values of parameters are given as `p_<name>`.",
        tag="Results",
        access=access("query.read"),
        parameters=(
            QUERY,
            *_PAGES,
            Parameter(
                name="page_number", schema=TEXT, description="Of the explorer dialect: the page, from 1."
            ),
        ),
        replies=(
            Reply(
                status=200,
                description="The result, or a page of rows.",
                schema={
                    "anyOf": [
                        _RESULT,
                        described(
                            {"query_slug": TEXT, "page": NUMBER, "data": {"type": "array", "items": ANY}}
                        ),
                    ]
                },
            ),
        ),
    ),
    Operation(
        id="downloadResults",
        method="get",
        path=f"{_ONE}/{{file}}",
        summary="Download the newest rows of a query",
        description="`results.csv`, `.tsv`, `.json`, `.ndjson`, `.xlsx`, `.parquet` or `.arrow`.",
        tag="Results",
        access=access("query.read"),
        parameters=(QUERY, FILE, _RAW),
        replies=(_ROWS, _PART),
    ),
    Operation(
        id="readResultOfQuery",
        method="get",
        path=f"{_ONE}/results/{{file}}",
        summary="Read or download one result of a query",
        tag="Results",
        access=access("query.read"),
        parameters=(QUERY, FILE, _RAW, *_PAGES),
        replies=(_ROWS, _PART),
    ),
    Operation(
        id="readResult",
        method="get",
        path="/api/query_results/{file}",
        summary="Read or download a result",
        description="Who would not get the same rows by asking does not see it.",
        tag="Results",
        access=access("query.read"),
        parameters=(FILE, _RAW, *_PAGES),
        replies=(_ROWS, _PART),
    ),
    _job("readJob", "get", "/api/jobs/{job}", JOB),
    _job("cancelJob", "delete", "/api/jobs/{job}", JOB),
    _job("readJobOfQuery", "get", f"{_ONE}/jobs/{{job}}", QUERY, JOB),
    _job("cancelJobOfQuery", "delete", f"{_ONE}/jobs/{{job}}", QUERY, JOB),
)
