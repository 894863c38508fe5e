"""What may be done with credentials, and the least role in the org that each action asks for."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from penstock.identity import Grant, Principal, Role, grant

# A new action is one row here and one in docs/reference/credentials.md.
ACTIONS: Final = MappingProxyType(
    {
        "credential.read": Role.ADMIN,
        "credential.create": Role.ADMIN,
        "credential.alter": Role.ADMIN,
        "credential.delete": Role.ADMIN,
        "credential.check": Role.ADMIN,
    }
)


def authorize(principal: Principal, action: str) -> Grant:
    """Raises `Forbidden` for who holds too low a role in the org."""
    return grant(principal, action, ACTIONS[action])
