"""Parameters and answers that operations of every domain have."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit.openapi.declare import Parameter, Reply
from penstock.kit.paging import MAX_SIZE

PAGING: Final = (
    Parameter(
        name="page",
        schema={"type": "integer", "minimum": 1, "default": 1},
        description="Number of the page, from 1.",
        component="page",
    ),
    Parameter(
        name="page_size",
        schema={"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": 20},
        description=f"Entries of a page, at most {MAX_SIZE}.",
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
