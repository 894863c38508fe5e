"""What the routes of identity share: bodies without NUL, parameters, and lists in both shapes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec
from litestar.di import NamedDependency
from litestar.response.base import ASGIResponse

from penstock.identity.models import Principal, Role
from penstock.kit import errors, http, paging
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.kit.paging import Page

Caller = NamedDependency[Principal]
Conn = NamedDependency[Connection]
T = TypeVar("T", bound=msgspec.Struct)
Found = TypeVar("Found")
# Who calls may be said in the query of any request.
_ALWAYS = ("api_key",)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


async def body(request: AnyRequest, kind: type[T]) -> T:
    """The body as `kind`. Raises `Invalid` for text that PostgreSQL cannot hold, too."""
    return _sound(await http.parse(request, kind))


async def optional_body(request: AnyRequest, kind: type[T]) -> T:
    """As `body`, an empty one standing for `{}`."""
    return _sound(http.decode(await request.body() or b"{}", kind))


def parameters(request: AnyRequest, *known: str) -> dict[str, str]:
    """The query parameters, the last of repeated ones. Raises `Invalid` for an unknown one."""
    given = dict(http.query(request))
    for name, value in given.items():
        if name not in known and name not in _ALWAYS:
            message = f"This route has no parameter '{name[:80]}'."
            raise errors.Invalid({name[:80]: [message]}, hint=errors.nearest(name, known))
        if "\0" in value:
            raise errors.Invalid({name: ["Text has no NUL character."]})
    return given


def flag(given: Mapping[str, str], name: str) -> bool | None:
    """True or false, or None when it is not given."""
    text = given.get(name)
    if text is None:
        return None
    value = _FLAGS.get(text.lower())
    if value is None:
        raise errors.Invalid({name: [f"'{text[:40]}' is neither true nor false."]})
    return value


def instant(given: Mapping[str, str], name: str) -> datetime | None:
    """An instant with an offset, or None when it is not given."""
    text = given.get(name)
    if text is None:
        return None
    try:
        # A + in a query stands for a space, which no instant has before its offset.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1 < moment.year < 9999:
        example = "2026-01-31T09:30:00Z"
        raise errors.Invalid({name: [f"'{text[:40]}' is not an instant with an offset, such as {example}."]})
    return moment


def role_named(given: Mapping[str, str], *fields: str) -> Role | None:
    for name in fields:
        text = given.get(name)
        if text is not None:
            try:
                return Role.of(text)
            except KeyError:
                raise errors.Invalid({name: [f"'{text[:40]}' is not a role."]}) from None
    return None


def page_or_first(request: AnyRequest) -> Page:
    """The page asked for, or the first: for lists that only come in pages."""
    return paging.requested(http.query(request)) or Page(1, paging.DEFAULT_SIZE)


async def answer_list(
    request: AnyRequest,
    found: Callable[[Page | None], Awaitable[tuple[int, list[Found]]]],
    shown: Callable[[Found], Any],
) -> ASGIResponse:
    """The bare array, or the envelope when a page was asked for."""
    page = paging.requested(http.query(request))
    total, items = await found(page)
    results = [shown(item) for item in items]
    if page is None:
        return http.json(results)
    return http.json(enveloped(request, page, total, results))


def enveloped(request: AnyRequest, page: Page, total: int, results: list[Any]) -> dict[str, Any]:
    url = f"{http.address(request)}/"
    pairs = [pair for pair in http.query(request) if pair[0] not in _ALWAYS]
    return paging.envelope(page, total, results, url, pairs)


def address(request: AnyRequest) -> str:
    """Where the request comes from, proxies that are trusted left out."""
    return request.client.host if request.client else "unknown"


def _sound(value: T) -> T:
    for name, content in cast("dict[str, Any]", msgspec.to_builtins(value)).items():
        if _has_nul(content):
            raise errors.Invalid({name: ["Text has no NUL character."]})
    return value


def _has_nul(content: Any) -> bool:
    if isinstance(content, dict):
        named = cast("dict[str, Any]", content)
        return any(map(_has_nul, named)) or any(map(_has_nul, named.values()))
    if isinstance(content, list):
        return any(map(_has_nul, cast("list[Any]", content)))
    return isinstance(content, str) and "\0" in content
