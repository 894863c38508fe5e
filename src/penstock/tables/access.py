"""What may be done with an app and what it contains, and the least role that each action asks for.

Roles are held on a table, its data source, its app or its org, and the highest of them counts. Who holds one on a table
or source alone sees what contains it as a container: that it is there, what it is called, and nothing beside the way.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from penstock.identity import Grant, Place, Principal, Role, grant
from penstock.tables.models import App, DataSource, DataTable

# The kinds of places where roles are held.
APP: Final = "app"
SOURCE: Final = "data_source"
TABLE: Final = "data_table"

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
        "source.share": Role.ADMIN,
        "table.read": Role.COLLABORATOR,
        "table.create": Role.ADMIN,
        "table.alter": Role.ADMIN,
        "table.delete": Role.OWNER,
        "table.share": Role.ADMIN,
        "record.read": Role.COLLABORATOR,
        "record.export": Role.COLLABORATOR,
        "record.write": Role.OPERATOR,
    }
)
# What is seen of a container on the way to what it contains.
_ON_THE_WAY: Final = frozenset({"app.read", "source.read", "table.read"})


def authorize(principal: Principal, action: str, app: App, *inside: Place) -> Grant:
    """`inside` are the places in the app that the action is on.

    Raises `NotFound` for who holds no role there, `Forbidden` for who holds too low a one. The place of the grant is
    the app, in which whatever it is about is looked up.
    """
    return grant(principal, action, ACTIONS[action], (APP, app.id), *inside)


def authorize_org(principal: Principal, action: str) -> Grant:
    """For actions that no app contains, such as creating one."""
    return grant(principal, action, ACTIONS[action])


def authorize_table(principal: Principal, action: str, table: DataTable) -> Grant:
    """As `authorize`, for a table that is at hand."""
    return grant(principal, action, ACTIONS[action], *places_of(table))


def pass_through(principal: Principal, action: str, app: App) -> Grant | None:
    """The permission to see an app or source as a container, for who holds a role on something in it."""
    if action not in _ON_THE_WAY:
        return None
    return Grant(principal, action, Role.COLLABORATOR, (APP, app.id))


def holds_inside(principal: Principal) -> bool:
    """True for who holds a role on some table or source, of whatever app."""
    return any(kind in (SOURCE, TABLE) for kind, _ in principal.roles)


def places_of(table: DataTable) -> tuple[Place, ...]:
    """Where roles on a table are held."""
    return ((APP, table.app_id), (SOURCE, table.data_source_id), (TABLE, table.id))


def role_on(principal: Principal, table: DataTable) -> Role | None:
    """The role that counts on a table; None for who does not see it."""
    return principal.role_on(*places_of(table))


def sees_app(principal: Principal, app_id: int) -> bool:
    """False for who sees an app only as a container."""
    return principal.role_on((APP, app_id)) is not None


def sees_source(principal: Principal, source: DataSource) -> bool:
    """False for who sees a data source only as a container."""
    return principal.role_on((APP, source.app_id), (SOURCE, source.id)) is not None
