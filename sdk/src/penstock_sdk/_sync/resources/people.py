# Generated from _async/resources/people.py by scripts/async_to_sync.py; change that file instead.

"""What single people may do with a query or a dashboard, whatever their role."""

from __future__ import annotations

from typing import Literal

from penstock_sdk._query_models import Person
from penstock_sdk._sync.resources.base import Resource, segment

Right = Literal["view", "modify", "delete"]


class OpenToPeople(Resource):
    """A part of the API whose objects are opened to single people."""

    def rights(self, number: int) -> dict[str, list[Person]]:
        """Who may `view`, `modify` or `delete` it."""
        return (self._transport.request("GET", self._acl(number))).as_type(dict[str, list[Person]])

    def allow(self, number: int, user_id: int, right: Right = "modify") -> None:
        """Lets somebody see, change or archive it."""
        body = {"user_id": user_id, "access_type": right}
        self._transport.request("POST", self._acl(number), body=body)

    def disallow(self, number: int, user_id: int, right: Right = "modify") -> None:
        """Takes the right; nothing happens when there is none."""
        body = {"user_id": user_id, "access_type": right}
        self._transport.request("DELETE", self._acl(number), body=body)

    def _acl(self, number: int) -> str:
        return f"{self._path}/{segment(number)}/acl"
