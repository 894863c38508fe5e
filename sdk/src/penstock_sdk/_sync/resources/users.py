# Generated from _async/resources/users.py by scripts/async_to_sync.py; change that file instead.

"""Users of the org: inviting them, letting them in again, and their groups."""

from __future__ import annotations

import msgspec

from penstock_sdk._models import Account, Group, User
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.base import Resource, given, segment
from penstock_sdk._sync.transport import Transport

# Inside a class `list` is its method.
_Groups = list[Group]
_Accounts = list[Account]


class Users(Resource):
    """Users; for changes of others one has to be an admin."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/users")

    def me(self) -> User:
        """The caller."""
        body = (self._transport.request("GET", f"{self._path}/me")).json()
        return msgspec.convert(body.get("data", body), User)

    def list(
        self,
        *,
        q: str | None = None,
        disabled: bool | None = None,
        pending: bool | None = None,
        order: str | None = None,
        page_size: int = 100,
    ) -> Pager[Account]:
        """Users by name; `order` is `name`, `active_at`, `created_at` or `groups`, `-name` is descending."""
        flags = {
            name: str(value).lower() for name, value in given(disabled=disabled, pending=pending).items()
        }
        return self._counted(
            self._path, Account, page_size, [*given(q=q, order=order).items(), *flags.items()]
        )

    def get(self, user: int | str) -> Account:
        """One by id or username. A NotFoundError when there is none."""
        return (self._transport.request("GET", self._of(user))).as_type(Account)

    def create(self, name: str, email: str, *, mail: bool = True) -> Account:
        """Invites somebody: by mail, or by the `invite_link` of the answer where none is sent, or wanted."""
        params = [] if mail else [("no_invite", "1")]
        body = {"name": name, "email": email}
        return (self._transport.request("POST", self._path, params=params, body=body)).as_type(Account)

    def update(self, user: int | str, *, name: str | None = None, email: str | None = None) -> Account:
        """Changes what is given."""
        body = given(name=name, email=email)
        return (self._transport.request("POST", self._of(user), body=body)).as_type(Account)

    def invite(self, user: int | str) -> Account:
        """Invites once more who has not come yet."""
        return (self._transport.request("POST", f"{self._of(user)}/invite", body={})).as_type(Account)

    def reset_link(self, user: int | str) -> str:
        """A link by which the user sets another password."""
        answer = self._transport.request("POST", f"{self._of(user)}/reset_password", body={})
        return str(answer.json()["reset_link"])

    def disable(self, user: int | str) -> Account:
        """They come in no more, and their keys are none."""
        return (self._transport.request("POST", f"{self._of(user)}/disable", body={})).as_type(Account)

    def enable(self, user: int | str) -> Account:
        """They come in again."""
        return (self._transport.request("DELETE", f"{self._of(user)}/disable")).as_type(Account)

    def remove(self, user: int | str) -> None:
        """Takes a user out of the org."""
        self._transport.request("DELETE", self._of(user))

    def _of(self, user: int | str) -> str:
        return f"{self._path}/{segment(user)}"


class Groups(Resource):
    """Groups as the dashboard dialect knows them; `client.teams` are the same people with more to say."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/groups")

    def list(self) -> _Groups:
        """All for admins, one's own for others."""
        return (self._transport.request("GET", self._path)).as_type(_Groups)

    def create(self, name: str) -> Group:
        """A new one."""
        return (self._transport.request("POST", self._path, body={"name": name})).as_type(Group)

    def rename(self, group: int, name: str) -> Group:
        """Another name for a group that is not built in."""
        return (self._transport.request("POST", self._of(group), body={"name": name})).as_type(Group)

    def delete(self, group: int) -> None:
        """Deletes a group that is not built in, with the roles that it holds."""
        self._transport.request("DELETE", self._of(group))

    def members(self, group: int) -> _Accounts:
        """Who is in it."""
        return (self._transport.request("GET", f"{self._of(group)}/members")).as_type(_Accounts)

    def add(self, group: int, user_id: int) -> Account:
        """Takes somebody in."""
        body = {"user_id": user_id}
        answer = self._transport.request("POST", f"{self._of(group)}/members", body=body)
        return answer.as_type(Account)

    def remove(self, group: int, user_id: int) -> None:
        """Takes somebody out."""
        self._transport.request("DELETE", f"{self._of(group)}/members/{segment(user_id)}")

    def _of(self, group: int) -> str:
        return f"{self._path}/{segment(group)}"
