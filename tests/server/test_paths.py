"""Normalisation of the raw path."""

import pytest

from penstock.kit.http import SLASH
from penstock.server.paths import addressed, in_org, normalise


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", "/"),
        (b"", "/"),
        (b"//", "/"),
        (b"/api/apps", "/api/apps"),
        (b"/api/apps/", "/api/apps"),
        (b"///api//apps///", "/api/apps"),
        (b"/a%20b", "/a b"),
        (b"/%61pi", "/api"),
        (b"/a%2Fb/c", f"/a{SLASH}b/c"),
        (b"/a%2fb//c/", f"/a{SLASH}b/c"),
        (b"/%2F", f"/{SLASH}"),
        (b"/%C3%A9", "/é"),
        ("/é".encode(), "/é"),
        (b"/a%252Fb", "/a%2Fb"),
        (b"/100%", "/100%"),
        (b"/a/../b", "/a/../b"),
    ],
)
def test_normalises(raw: bytes, path: str) -> None:
    assert normalise(raw) == path


@pytest.mark.parametrize("raw", [b"/%ff", b"/%00", b"/a\0b", b"/\xff", b"/%C3", b"/%ED%B0%AF"])
def test_refuses_what_is_not_text(raw: bytes) -> None:
    assert normalise(raw) is None


@pytest.mark.parametrize(
    ("path", "org", "rest"),
    [
        ("/main/api/queries/7", "main", "/api/queries/7"),
        ("/api/api/x", None, "/api/api/x"),
        ("/api/queries", None, "/api/queries"),
        ("/e/api/x", None, "/e/api/x"),
        ("/Main/api/x", None, "/Main/api/x"),
        ("/main/other", None, "/main/other"),
        ("/main/api", None, "/main/api"),
    ],
)
def test_an_org_before_the_path(path: str, org: str | None, rest: str) -> None:
    assert in_org(path) == (org, rest)


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        ("/queries", None, "/api/queries"),
        ("/queries/7/results", "*/*", "/api/queries/7/results"),
        ("/jobs/3", "application/json", "/api/jobs/3"),
        ("/queries/7", "text/html,application/xhtml+xml,*/*;q=0.8", "/queries/7"),
        ("/queriesx", None, "/queriesx"),
        ("/api/queries", None, "/api/queries"),
        ("/metrics", None, "/metrics"),
        ("/", None, "/"),
    ],
)
def test_programs_may_leave_api_out(path: str, accept: str | None, expected: str) -> None:
    assert addressed(path, [(b"accept", accept.encode())] if accept else []) == expected
