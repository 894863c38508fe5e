"""What may be done with an app and what it contains, and the least role that each action asks for.

Roles are held on the app or its org; nothing inside an app has roles of its own.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from penstock.identity import Grant, Principal, Role, grant
from penstock.tables.models import App

# The kind of place where roles on an app are held.
APP: Final = "app"

# A new action is one row here and one in docs/reference/tables.md.
ACTIONS: Final = MappingProxyType(
    {
        "app.read": Role.COLLABORATOR,
        "app.create": Role.ADMIN,
        "app.alter": Role.ADMIN,
        "app.delete": Role.OWNER,
        "app.restore": Role.OWNER,
        "app.share": Role.ADMIN,
        "source.read": Role.COLLABORATOR,
        "source.create": Role.ADMIN,
        "source.alter": Role.ADMIN,
        "source.delete": Role.OWNER,
        "table.read": Role.COLLABORATOR,
        "table.create": Role.ADMIN,
        "table.alter": Role.ADMIN,
        "table.delete": Role.OWNER,
        "record.read": Role.COLLABORATOR,
        "record.export": Role.COLLABORATOR,
        "record.write": Role.OPERATOR,
    }
)


def authorize(principal: Principal, action: str, app: App) -> Grant:
    """Raises `NotFound` for who holds no role there, `Forbidden` for who holds too low a one."""
    return grant(principal, action, ACTIONS[action], (APP, app.id))


def authorize_org(principal: Principal, action: str) -> Grant:
    """For actions that no app contains, such as creating one."""
    return grant(principal, action, ACTIONS[action])


def authorize_within(principal: Principal, action: str, app_id: int) -> Grant:
    """As `authorize`, for who has only the id of the app."""
    return grant(principal, action, ACTIONS[action], (APP, app_id))
