# Generated from _async/resources/access.py by scripts/async_to_sync.py; change that file instead.

"""Roles held on an app, a data source or a table."""

from __future__ import annotations

from penstock_sdk._models import RoleHolder
from penstock_sdk._sync.resources.base import Resource, given


class Access(Resource):
    """Who holds a role on one app, data source or table, for its admins.

    Whom a call is about is exactly one of `user` (username or id), `key` (id of a service key), `team` (slug or id)
    and `org` (every member of it).
    """

    def list(self) -> list[RoleHolder]:
        """Who holds a role here, and which."""
        return (self._transport.request("GET", self._path)).as_type(list[RoleHolder])

    def give(
        self,
        role: str,
        *,
        user: str | int | None = None,
        key: int | None = None,
        team: str | int | None = None,
        org: bool = False,
    ) -> RoleHolder:
        """Gives a role, `collaborator`, `operator`, `admin` or `owner`, in the place of the one held before."""
        body = given(role=role, user=user, key=key, team=team, org=org or None)
        return (self._transport.request("POST", self._path, body=body)).as_type(RoleHolder)

    def take(
        self,
        *,
        user: str | int | None = None,
        key: int | None = None,
        team: str | int | None = None,
        org: bool = False,
    ) -> None:
        """Takes the role away that is held here."""
        named = given(user=user, key=key, team=team, org="true" if org else None)
        params = [(name, str(value)) for name, value in named.items()]
        self._transport.request("DELETE", self._path, params=params)
