"""The storage providers as acceptance tests see them: a server that has all of them, and what each refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from penstock.tables.models import ProviderType
from penstock.tables.providers import Feature, capabilities
from tests.conftest import RunningServer, running_server
from tests.databases import Databases

PROVIDERS = tuple(one.value for one in ProviderType)


def slug(provider: str) -> str:
    """What an app is called whose tables are all under it."""
    return provider.replace("_", "-")


def refusal(provider: str, *needs: Feature) -> str | None:
    """Why the provider lacks one of the features; None when it has them all."""
    refused = capabilities(ProviderType(provider)).refused
    return next((refused[one] for one in needs if one in refused), None)


@contextmanager
def server_for(
    provider: str, databases: Databases, directory: Path, request: pytest.FixtureRequest
) -> Iterator[RunningServer]:
    """A server that can keep records under the provider; skips where there is no MongoDB for it."""
    with databases.clone() as cloned:
        environment = dict(cloned.environment)
        if provider == ProviderType.MONGODB:
            environment["PENSTOCK_MONGODB_URL"] = f"{request.getfixturevalue('replica_set')}{directory.name}"
        with running_server(directory, environment) as started:
            yield started
