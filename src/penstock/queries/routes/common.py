"""What the routes of the dashboard dialect share: bodies, pages, and errors in the shape of a job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, cast

import msgspec
from litestar.response.base import ASGIResponse

from penstock.kit import clock, errors, http
from penstock.kit.http import AnyRequest

# The answer of who has nothing to say; clients parse it.
NULL: Final = b"null\n"
PAGE_SIZE: Final = 25
LONGEST_NAME: Final = 255
_MOST: Final = 250
_FARTHEST: Final = 10**15  # pages, whose rows can still be counted in 64 bits
_DIGITS: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_DEEPEST: Final = 32


@dataclass(frozen=True, slots=True)
class DashPage:
    """A page of a list, as it counts."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


def number_of(text: str) -> int | None:
    """An id; None for what can be none."""
    return int(text) if _DIGITS.fullmatch(text) else None


def page_of(request: AnyRequest) -> DashPage:
    """What is no number counts as not given. Raises `BadRequest` in the words of the dialect."""
    given = dict(http.query(request))
    number, size = _number(given.get("page"), 1), _number(given.get("page_size"), PAGE_SIZE)
    if number < 1:
        raise errors.BadRequest("Page must be positive integer.")
    if number > _FARTHEST:
        raise errors.BadRequest("Page is out of range.")
    if not 1 <= size <= _MOST:
        raise errors.BadRequest(f"Page size is out of range (1-{_MOST}).")
    return DashPage(number, size)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and _INTEGER.fullmatch(text.strip()) else otherwise


def answer_page(page: DashPage, total: int, results: list[Any]) -> ASGIResponse:
    if total and page.offset >= total:
        raise errors.BadRequest("Page is out of range.")
    return http.json({"count": total, "page": page.number, "page_size": page.size, "results": results})


async def object_body(request: AnyRequest) -> dict[str, Any]:
    """The body as an object; an empty one is `{}`. Raises `BadRequest`."""
    raw = await http.body(request)
    if not raw.strip():
        return {}
    found = http.decode(raw, dict[str, Any])
    if not sound(found):
        raise errors.BadRequest("The body has a NUL character, or is nested too deeply.")
    return found


def sound(value: Any) -> bool:
    """False for JSON that is nested too deeply, or has what PostgreSQL cannot hold in text."""
    return not _unsound(value, 0)


def _unsound(value: Any, depth: int) -> bool:
    if depth > _DEEPEST:
        return True
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        return any("\0" in name or _unsound(one, depth + 1) for name, one in named.items())
    if isinstance(value, list):
        return any(_unsound(one, depth + 1) for one in cast("list[Any]", value))
    return False


def in_job(error: errors.PenstockError) -> errors.PenstockError:
    """The error, with the shape of a failed job besides."""
    error.more.setdefault("job", {"status": 4, "error": error.message})
    return error


@lru_cache(1024)  # every page of a result has the same
def moment(value: datetime | None) -> str | None:
    """In UTC, in milliseconds where there is a fraction."""
    if value is None:
        return None
    text = clock.iso(value.replace(microsecond=value.microsecond // 1000 * 1000))
    head, dot, fraction = text.rstrip("Z").partition(".")
    return f"{head}{dot}{fraction[:3]}Z"


def text_of(body: Mapping[str, Any], name: str, longest: int = 1_000_000) -> str:
    """Raises `Invalid` for what is missing or no text."""
    value = body.get(name)
    if not isinstance(value, str):
        raise errors.Invalid({name: ["It must be a string."] if name in body else ["It is missing."]})
    if len(value) > longest:
        raise errors.Invalid({name: [f"It must have at most {longest:,} characters."]})
    return value


def flag_of(body: Mapping[str, Any], name: str) -> bool:
    """Raises `Invalid` for what is no truth value."""
    if not isinstance(body[name], bool):
        raise errors.Invalid({name: ["It must be true or false."]})
    return body[name]


def object_of(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Raises `Invalid` for what is no object; null is an empty one."""
    found: Any = dict[str, Any]() if body[name] is None else body[name]
    if not isinstance(found, dict):
        raise errors.Invalid({name: ["It must be an object."]})
    return cast("dict[str, Any]", found)


def tags_of(body: Mapping[str, Any]) -> list[str]:
    """Each once, without empty ones."""
    given: Any = body["tags"] or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in cast("list[Any]", given)):
        raise errors.Invalid({"tags": ["It must be a list of strings."]})
    kept = [one.strip()[:LONGEST_NAME] for one in cast("list[str]", given)]
    return list(dict.fromkeys(one for one in kept if one))


def integer_of(body: Mapping[str, Any], name: str) -> int:
    """A number, or the text of one."""
    value = body.get(name)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
        raise errors.Invalid({name: ["It must be an integer."] if name in body else ["It is missing."]})
    return value


def seconds_of(body: Mapping[str, Any]) -> float | None:
    """`max_age`: None is any age; what is below 0, but for -1, never matches and is as good as 0."""
    value = body.get("max_age")
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e15:
        raise errors.Invalid({"max_age": ["It must be a number of seconds."]})
    whole = int(value)
    return None if whole == -1 else float(max(whole, 0))


def null() -> ASGIResponse:
    return http.raw_json(NULL)


def encode(content: Any) -> bytes:
    return msgspec.json.encode(content)
