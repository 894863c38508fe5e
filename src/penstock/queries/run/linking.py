"""Ways to a PostgreSQL for a query: our own, inside the fence of the org, or that of a foreign data source."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from penstock import connectors
from penstock.connectors import CheckFailed
from penstock.identity import Grant
from penstock.kit import errors, sql
from penstock.kit.context import Context
from penstock.queries.models import AuthorizedQuery
from penstock.queries.run.address import APPLICATION, OPTIONS, address
from penstock.queries.run.fence import fence_of
from penstock.tables import NumberedSource


@dataclass(frozen=True, slots=True)
class Link:
    """`url` is libpq's, `arguments` asyncpg's, who cancels by it; `admit` is what a transaction says first.

    It is given the process and the beginning of the transaction.
    """

    url: str
    arguments: Mapping[str, Any]
    admit: Callable[[int, int], str]


async def own_link(ctx: Context, query: AuthorizedQuery) -> Link:
    """To our own, as the org's login, which says who reads."""
    fence = await fence_of(ctx, query.org_id)
    return Link(address(fence.login), fence.login.arguments(), partial(fence.admit, query))


async def opened(ctx: Context, grant: Grant, source: NumberedSource) -> tuple[Any, Any]:
    """The settings and secrets of a foreign system. Raises `Terminal`."""
    if source.credential_id is None:
        raise errors.Terminal(f"'{source.name}' has no credential any more.")
    try:
        async with ctx.db.control.transaction() as conn:
            credential = await connectors.find_credential(conn, grant, source.credential_id)
            return await connectors.opened(conn, grant, ctx.keys.encryption, credential)
    except errors.PenstockError as error:
        raise errors.Terminal(f"'{source.name}' cannot be opened: {error.message}") from error


async def foreign_link(ctx: Context, grant: Grant, source: NumberedSource, seconds: float) -> Link:
    """To the PostgreSQL of a data source. Raises `Terminal` or `Transient`."""
    settings, secrets = await opened(ctx, grant, source)
    try:
        found = await connectors.postgresql.address_of(
            settings, secrets, connectors.reach_of(ctx, grant.principal)
        )
    except CheckFailed as error:
        raise errors.Terminal(str(error)) from error
    given: dict[str, Any] = {
        "host": found.host,
        # Where the name leads was looked at.
        "hostaddr": found.addresses[0],
        "port": found.port,
        "connect_timeout": 10,
        "application_name": APPLICATION,
        "options": OPTIONS,
        "sslmode": found.sslmode,
    }
    if found.sslmode == "verify-full":
        given["sslrootcert"] = _authorities()
    who = f"{quote(found.user, safe='')}:{quote(found.password, safe='')}"
    url = f"postgresql://{who}@/{quote(found.database, safe='')}?{urlencode(given, quote_via=quote)}"
    limit = sql.literal(str(max(1, int(seconds * 1000))))
    said = f"SELECT pg_catalog.set_config('statement_timeout', {limit}, true)"
    return Link(url, found.arguments(), lambda pid, began: said)


def _authorities() -> str:
    """The certificates of authorities that this machine trusts."""
    paths = ssl.get_default_verify_paths()
    for one in (paths.cafile, paths.openssl_cafile):
        if one and Path(one).is_file():
            return one
    return "system"
