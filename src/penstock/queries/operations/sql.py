"""Operations that answer SQL with links to files of its rows."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import PUBLIC
from penstock.kit.openapi import Body, Operation, Parameter, Reply, described, nullable
from penstock.queries.operations.common import ANY, FILE, NUMBER, TEXT, access

_PATH: Final = "/api/v1/sql-query"
_BODY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["sql"],
    "properties": {
        "sql": {**TEXT, "description": 'One query; tables as `"source"."table"`.'},
        "mode": {"enum": ["csv", "parquet", None], "description": "`csv` unless told."},
        "mode_options": nullable(
            {
                **ANY,
                "description": "For csv `delimiter`, `header` and `compression` (`GZIP`, `NONE`); for parquet "
                "`compression` (`SNAPPY`, `GZIP`, `NONE`, `ZSTD`).",
            }
        ),
    },
}
_ANSWER: Final = described(
    {
        "state": {"enum": ["SUCCEEDED", "FAILED", "CANCELLED", "RUNNING"]},
        "presigned_urls": {"type": "array", "items": TEXT},
        "data_scanned_in_bytes": {**NUMBER, "description": "Size of the result as it is stored."},
        "execution_time_in_millis": NUMBER,
        "state_change_reason": nullable(TEXT),
    }
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="runSqlQuery",
        method="post",
        path=_PATH,
        summary="Run SQL and get links to its rows",
        description="Waits for the query to end. Rows as old as `explorer_fresh_seconds` are taken instead of running "
        "it again; while it is still `RUNNING`, asking again waits for the same run.",
        tag="Results",
        access=access("query.run"),
        body=Body(schema=_BODY, examples={"parquet": {"sql": "SELECT 1 AS one", "mode": "parquet"}}),
        replies=(Reply(status=200, description="How it ended.", schema=_ANSWER),),
        errors=(404,),
    ),
    Operation(
        id="readLinkedFile",
        method="get",
        path=f"{_PATH}/files/{{file}}",
        summary="Read the file behind a link",
        description="Needs no key: the link is signed. It ends with its time, with the result, and when its maker "
        "would no longer get the same rows.",
        tag="Results",
        access=PUBLIC,
        parameters=(
            FILE,
            Parameter(name="token", schema=TEXT, description="What the link has.", required=True),
        ),
        replies=(
            Reply(
                status=200,
                description="The rows.",
                schema=TEXT,
                media_type="text/csv; charset=UTF-8",
                files=("application/gzip", "application/vnd.apache.parquet"),
            ),
        ),
        errors=(403,),
    ),
)
