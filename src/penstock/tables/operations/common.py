"""What operations of this domain share: the access that actions ask for, and the parameters of paths."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from penstock.identity import in_org, in_place
from penstock.kit.openapi import Access, Parameter
from penstock.tables.access import ACTIONS
from penstock.tables.naming import SLUG_LENGTH, SLUG_PATTERN, TABLE_NAME_LENGTH, TABLE_NAME_PATTERN

SLUG: Final = {"type": "string", "pattern": SLUG_PATTERN, "maxLength": SLUG_LENGTH}
TABLE_NAME: Final = {
    "type": "string",
    "pattern": TABLE_NAME_PATTERN,
    "maxLength": TABLE_NAME_LENGTH,
}
COUNT: Final = {"type": "integer", "minimum": 0}
TAG: Final = {"ETag": "The version of the answer, for `If-Match` and `If-None-Match`."}
IF_MATCH: Final = Parameter(
    name="If-Match",
    place="header",
    schema={"type": "string"},
    description="Do it only if this is still the current `ETag`.",
    component="if_match",
)
IF_NONE_MATCH: Final = Parameter(
    name="If-None-Match",
    place="header",
    schema={"type": "string"},
    description="Answer 304 if this is still the current `ETag`.",
    component="if_none_match",
)
DRY_RUN: Final = Parameter(
    name="dry_run",
    schema={"type": "boolean", "default": False},
    description="Check everything and answer what would be done, and do nothing.",
    component="dry_run",
)


def whole(name: str, description: str, component: str | None = None, **limits: int) -> Parameter:
    """A parameter that is a whole number, from 1 unless told."""
    schema = {"type": "integer", "minimum": 1, **limits}
    return Parameter(name=name, schema=schema, description=description, component=component)


PAGE: Final = whole("page", "Number of the page, from 1.", "page", default=1)


@cache
def access(action: str) -> Access:
    """Who may do this in an app: the least role for it, held on the app or in the org."""
    role = ACTIONS[action]
    return in_place(role, f"Takes the role `{role.label}` on the app or in the org (`{action}`).")


def access_in_org(action: str) -> Access:
    return in_org(ACTIONS[action])


def _path(name: str, schema: dict[str, Any], description: str, example: str) -> Parameter:
    return Parameter(
        name=name,
        place="path",
        schema=schema,
        description=description,
        example=example,
        component=f"in_path_{name}",
    )


APP: Final = _path("app", SLUG, "Slug of the app.", "shop")
SOURCE: Final = _path("source", SLUG, "Slug of the data source.", "main")
TABLE: Final = _path("table", TABLE_NAME, "Name of the table.", "products")
