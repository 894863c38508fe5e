"""What may be done with queries, and the least role that each action asks for: on the data source, or what contains it.

Who made a query may change it, whatever their role there. A dashboard belongs to the org as a whole: who made it may
change and share it, and so may admins of the org; what it shows to whom goes by the queries on it. Both may let single
people see, change or archive a query or a dashboard.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from penstock.identity import Grant, Principal, Role
from penstock.kit import errors
from penstock.tables import NumberedSource

# A new action is one row here and one in docs/reference/queries.md.
ACTIONS: Final = MappingProxyType(
    {
        "query.read": Role.COLLABORATOR,
        "query.run": Role.OPERATOR,
        "query.create": Role.OPERATOR,
        "query.alter": Role.ADMIN,
        "query.delete": Role.ADMIN,
        "dashboard.read": Role.COLLABORATOR,
        "dashboard.create": Role.OPERATOR,
        "dashboard.alter": Role.ADMIN,
        "dashboard.share": Role.ADMIN,
    }
)


def authorize(principal: Principal, action: str, source: NumberedSource | None) -> Grant:
    """For a query on this data source; without one, for SQL that names its tables in full.

    Raises `Forbidden` for who holds too low a role.
    """
    role = role_at(principal, source)
    if role is None or role < ACTIONS[action]:
        raise errors.Forbidden
    return Grant(principal, action, role, None if source is None else ("data_source", source.id))


def role_at(principal: Principal, source: NumberedSource | None) -> Role | None:
    """The role that counts for SQL there: what a query may read is said table by table besides."""
    if source is None or source.role is None:
        held = [*principal.roles.values(), *(() if principal.org_role is None else (principal.org_role,))]
        return max(held, default=None)
    return source.role
