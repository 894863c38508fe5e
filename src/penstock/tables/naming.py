"""Which names and slugs apps, sources and tables may have, and how a slug is made of a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable
from typing import TypeVar

from penstock.kit import errors, ids

T = TypeVar("T")
SLUG_LENGTH = 63
TABLE_NAME_LENGTH = 50
# The last segment of routes that stand beside the tables of an app.
RESERVED = ("stats", "create_schema")
EDGES = "_edges"

# As JSON Schema reads them.
SLUG_PATTERN = "^[a-z0-9]+(-[a-z0-9]+)*$"
TABLE_NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME_BYTES = 63
_TRIES = 20


def check_slug(slug: str) -> str:
    """Raises `Invalid` for field `slug`."""
    if not _SLUG.fullmatch(slug) or len(slug) > SLUG_LENGTH:
        raise errors.Invalid(
            {
                "slug": [
                    f"'{slug[:80]}' is not a slug: lower-case letters and digits in groups joined by "
                    f"single hyphens, at most {SLUG_LENGTH} characters."
                ]
            }
        )
    return slug


def check_table_name(name: str) -> str:
    """Raises `Invalid` for field `name`."""
    if not _TABLE_NAME.fullmatch(name) or len(name) > TABLE_NAME_LENGTH:
        reason = (
            f"'{name[:80]}' cannot name a table: a name begins with a letter or underscore, has letters, "
            f"digits and underscores (ASCII), and at most {TABLE_NAME_LENGTH} characters."
        )
    elif name.lower() in RESERVED:
        reason = f"'{name}' is reserved; tables cannot be named {' or '.join(RESERVED)}."
    else:
        return name
    raise errors.Invalid({"name": [reason]})


def slug_of(name: str, fallback: str) -> str:
    """`E-Commerce Platform` gives `e-commerce-platform`; without Latin letters or digits, the fallback."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    joined = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return joined[:SLUG_LENGTH].rstrip("-") or fallback


def free_slug(base: str, taken: set[str]) -> str:
    """`base`, or the first of `base-2`, `base-3`, … that is free."""
    slug, number = base, 1
    while slug in taken:
        number += 1
        tail = f"-{number}"
        slug = base[: SLUG_LENGTH - len(tail)].rstrip("-") + tail
    return slug


async def insert_with_slug(
    explicit: str | None,
    base: str,
    taken: Callable[[str], Awaitable[set[str]]],
    insert: Callable[[str], Awaitable[T | None]],
) -> T:
    """Insert under the slug that was asked for (400 when it is taken), or under the first free one of `base`.

    `insert` answers None when another request took the slug meanwhile.
    """
    if explicit is not None:
        made = await insert(check_slug(explicit))
        if made is None:
            raise errors.Invalid({"slug": [f"The slug '{explicit}' is taken."]})
        return made
    known: set[str] = set()
    for _ in range(_TRIES):
        known |= await taken(base)
        slug = free_slug(base, known)
        made = await insert(slug)
        if made is not None:
            return made
        known.add(slug)
    raise errors.Conflict("Other requests keep taking the slugs of this name; try again.")


def physical_name(table_name: str) -> str:
    """What a table is called in the database: never given twice, and opaque to callers."""
    return f"{ids.lower(8)}_{table_name}"[:_NAME_BYTES]
