"""Capabilities name every provider, and what is missing is refused with its reason."""

import pytest

from penstock.kit import errors
from penstock.tables.models import ProviderType
from penstock.tables.providers import PROVIDERS, Capabilities, Feature, capabilities


def test_every_provider_says_what_it_can_do() -> None:
    assert [one.provider for one in PROVIDERS] == list(ProviderType)
    assert all(capabilities(one).provider is one for one in ProviderType)


def test_what_is_missing_is_refused_with_the_reason() -> None:
    limited = Capabilities(ProviderType.JSONB, "documents", {Feature.GRAPH: "it has no edges."})
    assert not limited.can(Feature.GRAPH)
    assert limited.can(Feature.RECORDS)
    limited.require(Feature.RECORDS, "posts")
    with pytest.raises(errors.BadRequest, match="'posts' has the provider 'jsonb': it has no edges"):
        limited.require(Feature.GRAPH, "posts")
