"""Who is believed about client, scheme and host."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.kit.settings import SettingError
from penstock.server.proxies import Origin


def applied(origin: Origin, client: str, **headers: str) -> dict[str, Any]:
    scope: dict[str, Any] = {
        "client": (client, 1),
        "scheme": "http",
        "headers": [(b"host", b"inner")]
        + [(f"x-forwarded-{name}".encode(), value.encode()) for name, value in headers.items()],
    }
    origin.apply(scope)
    return {"client": scope["client"][0], "scheme": scope["scheme"], "host": dict(scope["headers"])[b"host"]}


TRUSTED = Origin(("10.0.0.0/8", "::1"), None)


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("198.51.100.7, 203.0.113.1", "203.0.113.1"),
        ("198.51.100.7, 203.0.113.1, 10.1.1.1", "203.0.113.1"),
        ("203.0.113.1:4711", "203.0.113.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("unknown", "10.0.0.1"),
        ("203.0.113.1, nonsense", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_first_stranger_from_the_right_is_the_client(chain: str, client: str) -> None:
    assert applied(TRUSTED, "10.0.0.1", **{"for": chain})["client"] == client


def test_scheme_and_host() -> None:
    seen = applied(TRUSTED, "::1", proto="http, https", host="a.example, b.example")
    assert (seen["scheme"], seen["host"]) == ("https", b"b.example")
    assert applied(TRUSTED, "::1", proto="gopher")["scheme"] == "http"


def test_strangers_are_not_believed() -> None:
    seen = applied(TRUSTED, "203.0.113.1", proto="https", host="evil.example", **{"for": "1.1.1.1"})
    assert seen == {"client": "203.0.113.1", "scheme": "http", "host": b"inner"}


def test_the_public_url_is_always_used() -> None:
    seen = applied(Origin((), "https://data.example:8443"), "203.0.113.1")
    assert (seen["scheme"], seen["host"]) == ("https", b"data.example:8443")


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(SettingError, match="'proxy' is neither an address nor a network"):
        Origin(("proxy",), None)
