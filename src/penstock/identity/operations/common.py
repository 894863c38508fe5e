"""What operations share: who may call, paging, and the two shapes of lists."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity.models import Place, Principal, Role
from penstock.kit.openapi import Access, Parameter, Reply, described, nullable
from penstock.kit.paging import MAX_SIZE

PUBLIC: Final = Access("Needs no credentials.", lambda principal: True, is_public=True)
CALLER: Final = Access("For any caller with credentials.", lambda principal: principal is not None)
PLATFORM: Final = Access(
    "Takes a platform admin.", lambda principal: principal is not None and principal.is_platform_admin
)


def in_org(role: Role) -> Access:
    """For who holds at least this role in the org."""

    def allows(principal: Principal | None) -> bool:
        return principal is not None and (principal.org_role or 0) >= role

    return Access(f"Takes the role `{role.label}` in the org.", allows)


def in_place(role: Role, words: str) -> Access:
    """For who holds at least this role in the org, or on any resource of it."""

    def allows(principal: Principal | None) -> bool:
        return principal is not None and max(_held(principal), default=0) >= role

    return Access(words, allows)


def _held(principal: Principal) -> list[int]:
    held: dict[Place, Role] = dict(principal.roles)
    return [*held.values(), principal.org_role or 0]


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
TEXT: Final = {"type": "string"}
MOMENT: Final = {"type": "string", "format": "date-time"}
ROLE: Final = {"enum": [role.label for role in Role]}
NO_ROLE: Final = nullable(ROLE)


def envelope(items: Any) -> dict[str, Any]:
    """A page of a management list."""
    return described(
        {
            "count": {"type": "integer", "minimum": 0, "description": "Entries of all pages."},
            "next": {"type": ["string", "null"], "description": "Address of the next page."},
            "previous": {"type": ["string", "null"], "description": "Address of the page before."},
            "results": {"type": "array", "items": items},
        }
    )


def in_either_shape(items: Any) -> dict[str, Any]:
    """A list: bare, or the envelope when `page` or `page_size` is given."""
    return {"anyOf": [{"type": "array", "items": items}, envelope(items)]}


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


GONE: Final = Reply(status=204, description="Done.")
