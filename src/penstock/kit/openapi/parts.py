"""Parameters and answers that operations of every domain have."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit.openapi.declare import Parameter, Reply
from penstock.kit.paging import DEFAULT_SIZE, MAX_NUMBER, MAX_SIZE

PAGING: Final = (
    Parameter(
        name="page",
        schema={"type": "integer", "minimum": 1, "maximum": MAX_NUMBER, "default": 1},
        description="Number of the page, from 1.",
        component="page",
    ),
    Parameter(
        name="page_size",
        schema={"type": "integer", "minimum": 1, "maximum": MAX_NUMBER, "default": DEFAULT_SIZE},
        description=f"Entries of a page; more than {MAX_SIZE} count as {MAX_SIZE}.",
        component="page_size",
    ),
)
GONE: Final = Reply(status=204, description="Done.")


def path(name: str, description: str, example: Any) -> Parameter:
    schema = {"type": "string", "minLength": 1}
    return Parameter(
        name=name,
        place="path",
        schema=schema,
        description=description,
        example=example,
        component=f"in_path_{name}",
    )


def flag(name: str, description: str) -> Parameter:
    return Parameter(name=name, schema={"type": "boolean"}, description=description)
