"""What may be done with the webhooks of an app, and the least role that each action asks for."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from penstock.identity import Grant, Principal, Role, grant

APP: Final = "app"
# A new action is one row here and one in docs/reference/webhooks.md.
ACTIONS: Final = MappingProxyType(
    {
        "webhook.read": Role.ADMIN,
        "webhook.create": Role.ADMIN,
        "webhook.alter": Role.ADMIN,
        "webhook.delete": Role.ADMIN,
        "webhook.redeliver": Role.ADMIN,
    }
)


def authorize(principal: Principal, action: str, app_id: int) -> Grant:
    """Raises `NotFound` for who holds no role there, `Forbidden` for who holds too low a one."""
    return grant(principal, action, ACTIONS[action], (APP, app_id))
