"""The client: one server, one credential, and the resources of the API."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import httpx2

from penstock_sdk._async.auth import AsyncCredential, AsyncKeyCredential, AsyncPasswordCredential
from penstock_sdk._async.resources.alerts import AsyncAlerts, AsyncDestinations
from penstock_sdk._async.resources.apps import AsyncAppHandle, AsyncApps
from penstock_sdk._async.resources.audit import AsyncAudit
from penstock_sdk._async.resources.credentials import AsyncCredentials
from penstock_sdk._async.resources.dashboards import AsyncDashboards
from penstock_sdk._async.resources.data_sources import AsyncDataSources
from penstock_sdk._async.resources.identity import AsyncAuth, AsyncKeys
from penstock_sdk._async.resources.jobs import AsyncJobs
from penstock_sdk._async.resources.queries import AsyncQueries
from penstock_sdk._async.resources.results import AsyncQueryResults
from penstock_sdk._async.resources.snippets import AsyncSnippets
from penstock_sdk._async.resources.teams import AsyncTeams
from penstock_sdk._async.resources.users import AsyncGroups, AsyncUsers
from penstock_sdk._async.resources.visualizations import AsyncVisualizations
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._config import login_of_environment, resolve
from penstock_sdk._errors import ConfigurationError
from penstock_sdk._models import Health
from penstock_sdk._retry import RetryPolicy

DEFAULT_TIMEOUT = httpx2.Timeout(60.0, connect=10.0)


class AsyncClient:
    """A Penstock server and who is calling it.

    Without `base_url` the address comes from PENSTOCK_URL, else from the profile that `penstock login` saved,
    else it is http://127.0.0.1:5001. Without `key` or `email` and `password` the key comes from PENSTOCK_KEY,
    else from the profile of that address, else PENSTOCK_EMAIL and PENSTOCK_PASSWORD log in.

    `org` chooses one of a user's orgs at login. `timeout` is in seconds. `retries` is the number of
    repetitions of a request that may be repeated, or a RetryPolicy. With `decimals` numbers with a fraction
    arrive as Decimal with all their digits, else as float. Use it as a context manager, or call `aclose`.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        key: str | None = None,
        email: str | None = None,
        password: str | None = None,
        org: str | None = None,
        profile: str | None = None,
        timeout: float | httpx2.Timeout = DEFAULT_TIMEOUT,
        retries: int | RetryPolicy = 3,
        decimals: bool = False,
        verify: ssl.SSLContext | bool = True,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        if (email is None) != (password is None):
            raise ConfigurationError("A login needs both email and password.")
        if key is not None and email is not None:
            raise ConfigurationError("Give either a key or email and password, not both.")
        target = resolve(base_url, key, profile)
        login = (email, password) if email is not None and password is not None else None
        if login is None and target.key is None:
            login = login_of_environment()
        credential = AsyncCredential()
        if login is not None:
            credential = AsyncPasswordCredential(*login, org or os.environ.get("PENSTOCK_ORG"))
        elif target.key is not None:
            credential = AsyncKeyCredential(target.key)
        policy = retries if isinstance(retries, RetryPolicy) else RetryPolicy(attempts=retries)
        self._transport = AsyncTransport(
            target.url,
            credential,
            timeout=timeout,
            retries=policy,
            decimals=decimals,
            verify=verify,
            connections=transport,
        )
        self.apps = AsyncApps(self._transport)
        self.credentials = AsyncCredentials(self._transport)
        self.users = AsyncUsers(self._transport)
        self.groups = AsyncGroups(self._transport)
        self.keys = AsyncKeys(self._transport)
        self.teams = AsyncTeams(self._transport)
        self.audit = AsyncAudit(self._transport)
        self.auth = AsyncAuth(self._transport)
        self.queries = AsyncQueries(self._transport)
        self.query_results = AsyncQueryResults(self._transport)
        self.jobs = AsyncJobs(self._transport)
        self.data_sources = AsyncDataSources(self._transport)
        self.snippets = AsyncSnippets(self._transport)
        self.visualizations = AsyncVisualizations(self._transport)
        self.dashboards = AsyncDashboards(self._transport)
        self.alerts = AsyncAlerts(self._transport)
        self.destinations = AsyncDestinations(self._transport)

    @property
    def base_url(self) -> str:
        """The address of the server, without a trailing slash."""
        return self._transport.base_url

    def app(self, slug: str) -> AsyncAppHandle:
        """One app by its slug, without asking the server."""
        return AsyncAppHandle(self._transport, slug)

    async def health(self) -> Health:
        """The server's word on itself; needs no credential."""
        return (await self._transport.request("GET", "/api/health", anonymous=True)).as_type(Health)

    async def request(
        self, method: str, path: str, *, params: list[tuple[str, str]] | None = None, body: Any = None
    ) -> Any:
        """Any other route of the server, such as `/api/apps/`; gives the decoded answer."""
        return (await self._transport.request(method, path, params=params or (), body=body)).json()

    async def stream(self, path: str, *, params: list[tuple[str, str]] | None = None) -> AsyncIterator[bytes]:
        """What any other route answers to GET, piece by piece."""
        async with self._transport.stream("GET", path, params=params or ()) as answer:
            async for piece in answer.aiter_bytes():
                yield piece

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
