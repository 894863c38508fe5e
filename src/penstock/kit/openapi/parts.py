"""Parameters and answers that operations of every domain have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.kit.openapi.declare import Access, Body, Operation, Parameter, Reply
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


@dataclass(frozen=True, slots=True)
class One:
    """One thing of a kind, and the operations on it: they have its address in common, and answer it."""

    path: str
    tag: str
    parameters: Sequence[Parameter]
    reply: Reply
    # What is answered when it is gone.
    removed: Reply = GONE

    def read(self, id: str, summary: str, access: Access) -> Operation:
        return Operation(
            id=id,
            method="get",
            path=self.path,
            summary=summary,
            tag=self.tag,
            access=access,
            parameters=self.parameters,
            replies=(self.reply,),
        )

    def change(
        self,
        id: str,
        summary: str,
        access: Access,
        body: Body,
        *,
        method: str = "patch",
        description: str = "",
        errors: Sequence[int] = (),
    ) -> Operation:
        return Operation(
            id=id,
            method=method,
            path=self.path,
            summary=summary,
            description=description,
            tag=self.tag,
            access=access,
            parameters=self.parameters,
            body=body,
            replies=(self.reply,),
            errors=errors,
        )

    def delete(
        self, id: str, summary: str, access: Access, *, description: str = "", errors: Sequence[int] = ()
    ) -> Operation:
        return Operation(
            id=id,
            method="delete",
            path=self.path,
            summary=summary,
            description=description,
            tag=self.tag,
            access=access,
            parameters=self.parameters,
            replies=(self.removed,),
            errors=errors,
        )

    def act(
        self,
        id: str,
        tail: str,
        summary: str,
        access: Access,
        *,
        method: str = "post",
        description: str = "",
        parameters: Sequence[Parameter] = (),
        body: Body | None = None,
        reply: Reply | None = None,
        errors: Sequence[int] = (),
    ) -> Operation:
        """Something else that is done with it, below its address."""
        return Operation(
            id=id,
            method=method,
            path=f"{self.path}{tail}",
            summary=summary,
            description=description,
            tag=self.tag,
            access=access,
            parameters=(*self.parameters, *parameters),
            body=body,
            replies=(self.reply if reply is None else reply,),
            errors=errors,
        )
