"""Storage providers: what each may be configured with. Records are served from `flat_table` alone so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables.models import ProviderType
from penstock.tables.providers import jsonb, mongodb
from penstock.tables.providers.config import check_document


async def check_config(conn: Connection, provider: ProviderType, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as it is stored, with what is really in effect where that differs.

    Raises `Invalid` for field `provider_config`.
    """
    document = {key: value for key, value in config.items() if key != "effective"}
    check_document(document)
    match provider:
        case ProviderType.FLAT_TABLE:
            return document
        case ProviderType.JSONB:
            return await jsonb.check_config(conn, document)
        case ProviderType.MONGODB:
            return mongodb.check_config(document)


def require_served(provider: ProviderType, table_name: str) -> None:
    """Raises `BadRequest` for a provider that records cannot be stored with yet."""
    if provider is not ProviderType.FLAT_TABLE:
        raise errors.BadRequest(
            f"The data source of '{table_name}' has the provider '{provider}', whose records are not "
            "served yet; definitions can be kept there.",
            hint="Use a data source with the provider 'flat_table'.",
        )
