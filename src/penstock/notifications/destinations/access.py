"""What may be done with destinations, and the least role in the org that each action asks for."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from penstock.identity import Grant, Principal, Role, grant

# A new action is one row here and one in docs/reference/alerts.md.
ACTIONS: Final = MappingProxyType(
    {
        "destination.list": Role.COLLABORATOR,
        "destination.read": Role.ADMIN,
        "destination.create": Role.ADMIN,
        "destination.alter": Role.ADMIN,
        "destination.delete": Role.ADMIN,
        "destination.test": Role.ADMIN,
    }
)


def authorize(principal: Principal, action: str) -> Grant:
    """Raises `Forbidden` for who holds too low a role; whoever holds one anywhere in the org may list."""
    if action == "destination.list" and principal.org_role is None and principal.roles:
        return Grant(principal, action, max(principal.roles.values()))
    return grant(principal, action, ACTIONS[action])
