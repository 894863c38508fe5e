"""What operations share: who may call."""

from __future__ import annotations

from typing import Final

from penstock.identity.models import Place, Principal, Role
from penstock.kit.openapi import Access, nullable

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


TEXT: Final = {"type": "string"}
MOMENT: Final = {"type": "string", "format": "date-time"}
ROLE: Final = {"enum": [role.label for role in Role]}
NO_ROLE: Final = nullable(ROLE)
