from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from penstock_sdk import Client, ForbiddenError, UnauthorizedError
from tests.conftest import RunningServer
from tests.databases import ADMIN_EMAIL, ADMIN_PASSWORD


def test_a_login_works_like_a_key(server: RunningServer) -> None:
    with Client(server.url, email=ADMIN_EMAIL, password=ADMIN_PASSWORD) as client:
        me = client.users.me()
        assert (me.email, me.org, me.role) == (ADMIN_EMAIL, "main", "owner")
        assert client.apps.list().all() is not None


def test_a_wrong_password_is_refused(server: RunningServer) -> None:
    with (
        Client(server.url, email=ADMIN_EMAIL, password="wrong-password") as client,
        pytest.raises(UnauthorizedError),
    ):
        client.users.me()


def test_keys_are_shown_once_and_revoked_at_once(server: RunningServer, client: Client) -> None:
    made = client.keys.create("robot", expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert made.key.startswith(made.prefix)
    with Client(server.url, key=made.key) as robot:
        assert robot.users.me().username == client.users.me().username
        assert made.id in [key.id for key in client.keys.list(page_size=1)]
        client.keys.revoke(made.id)
        with pytest.raises(UnauthorizedError):
            robot.users.me()


def test_a_service_key_may_do_what_its_role_allows(server: RunningServer, client: Client) -> None:
    app = client.apps.create("Service").slug
    made = client.keys.create("reader", kind="service", apps={app: "collaborator"})
    with Client(server.url, key=made.key) as reader:
        assert [found.slug for found in reader.apps.list()] == [app]
        assert reader.users.me().id is None
        with pytest.raises(ForbiddenError):
            reader.apps.update(app, name="x")


def test_a_changed_password_keeps_this_client_going(server: RunningServer, client: Client) -> None:
    email, old, new = "kim@example.com", "first-password-1", "second-password-2"
    user = {"username": "kim", "email": email, "password": old, "role": "collaborator"}
    client.request("POST", "/api/users/", body=user)
    with Client(server.url, email=email, password=old) as kim:
        kim.auth.change_password(old, new)
        assert kim.users.me().username == "kim"
    with Client(server.url, email=email, password=old) as late, pytest.raises(UnauthorizedError):
        late.users.me()
