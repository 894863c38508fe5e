# Generated from _async/client.py by scripts/async_to_sync.py; change that file instead.

"""The client: one server, one credential, and the resources of the API."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import httpx2

from penstock_sdk._config import login_of_environment, resolve
from penstock_sdk._errors import ConfigurationError
from penstock_sdk._models import Health
from penstock_sdk._retry import RetryPolicy
from penstock_sdk._sync.auth import Credential, KeyCredential, PasswordCredential
from penstock_sdk._sync.resources.alerts import Alerts, Destinations
from penstock_sdk._sync.resources.apps import AppHandle, Apps
from penstock_sdk._sync.resources.audit import Audit
from penstock_sdk._sync.resources.credentials import Credentials
from penstock_sdk._sync.resources.dashboards import Dashboards
from penstock_sdk._sync.resources.data_sources import DataSources
from penstock_sdk._sync.resources.identity import Auth, Keys
from penstock_sdk._sync.resources.jobs import Jobs
from penstock_sdk._sync.resources.queries import Queries
from penstock_sdk._sync.resources.results import QueryResults
from penstock_sdk._sync.resources.snippets import Snippets
from penstock_sdk._sync.resources.teams import Teams
from penstock_sdk._sync.resources.users import Groups, Users
from penstock_sdk._sync.resources.visualizations import Visualizations
from penstock_sdk._sync.transport import Transport

DEFAULT_TIMEOUT = httpx2.Timeout(60.0, connect=10.0)


class Client:
    """A Penstock server and who is calling it.

    Without `base_url` the address comes from PENSTOCK_URL, else from the profile that `penstock login` saved,
    else it is http://127.0.0.1:5001. Without `key` or `email` and `password` the key comes from PENSTOCK_KEY,
    else from the profile of that address, else PENSTOCK_EMAIL and PENSTOCK_PASSWORD log in.

    `org` chooses one of a user's orgs at login. `timeout` is in seconds. `retries` is the number of
    repetitions of a request that may be repeated, or a RetryPolicy. With `decimals` numbers with a fraction
    arrive as Decimal with all their digits, else as float. Use it as a context manager, or call `close`.
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
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        if (email is None) != (password is None):
            raise ConfigurationError("A login needs both email and password.")
        if key is not None and email is not None:
            raise ConfigurationError("Give either a key or email and password, not both.")
        target = resolve(base_url, key, profile)
        login = (email, password) if email is not None and password is not None else None
        if login is None and target.key is None:
            login = login_of_environment()
        credential = Credential()
        if login is not None:
            credential = PasswordCredential(*login, org or os.environ.get("PENSTOCK_ORG"))
        elif target.key is not None:
            credential = KeyCredential(target.key)
        policy = retries if isinstance(retries, RetryPolicy) else RetryPolicy(attempts=retries)
        self._transport = Transport(
            target.url,
            credential,
            timeout=timeout,
            retries=policy,
            decimals=decimals,
            verify=verify,
            connections=transport,
        )
        self.apps = Apps(self._transport)
        self.credentials = Credentials(self._transport)
        self.users = Users(self._transport)
        self.groups = Groups(self._transport)
        self.keys = Keys(self._transport)
        self.teams = Teams(self._transport)
        self.audit = Audit(self._transport)
        self.auth = Auth(self._transport)
        self.queries = Queries(self._transport)
        self.query_results = QueryResults(self._transport)
        self.jobs = Jobs(self._transport)
        self.data_sources = DataSources(self._transport)
        self.snippets = Snippets(self._transport)
        self.visualizations = Visualizations(self._transport)
        self.dashboards = Dashboards(self._transport)
        self.alerts = Alerts(self._transport)
        self.destinations = Destinations(self._transport)

    @property
    def base_url(self) -> str:
        """The address of the server, without a trailing slash."""
        return self._transport.base_url

    def app(self, slug: str) -> AppHandle:
        """One app by its slug, without asking the server."""
        return AppHandle(self._transport, slug)

    def health(self) -> Health:
        """The server's word on itself; needs no credential."""
        return (self._transport.request("GET", "/api/health", anonymous=True)).as_type(Health)

    def request(
        self, method: str, path: str, *, params: list[tuple[str, str]] | None = None, body: Any = None
    ) -> Any:
        """Any other route of the server, such as `/api/apps/`; gives the decoded answer."""
        return (self._transport.request(method, path, params=params or (), body=body)).json()

    def stream(self, path: str, *, params: list[tuple[str, str]] | None = None) -> Iterator[bytes]:
        """What any other route answers to GET, piece by piece."""
        with self._transport.stream("GET", path, params=params or ()) as answer:
            yield from answer.iter_bytes()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
