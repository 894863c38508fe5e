"""The verbs on data sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock import connectors
from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables import events, naming, store
from penstock.tables.models import DataSource, ProviderType
from penstock.tables.providers import check_config
from penstock.tables.service.apps import keep_slug

KIND = "data_source"
DEFAULT = "Default"


async def create_source(
    conn: Connection,
    grant: Grant,
    *,
    app_id: int,
    name: str,
    slug: str | None = None,
    provider_type: str = ProviderType.FLAT_TABLE,
    provider_config: Mapping[str, Any] | None = None,
    description: str = "",
) -> DataSource:
    """The slug is derived from the name unless given. Raises `Invalid` for what a field may not hold."""
    provider = provider_of(provider_type)
    config = await check_config(conn, provider, provider_config or {})
    _authorize_credential(grant, {}, config)
    source = await naming.insert_with_slug(
        slug,
        naming.slug_of(name, "source"),
        lambda base: store.source_slugs_like(conn, grant, base),
        lambda free: store.insert_source(
            conn,
            grant,
            name=name,
            slug=free,
            provider_type=provider,
            provider_config=config,
            description=description,
        ),
    )
    await events.changed(conn, grant, app_id, (KIND, source.id, source.slug))
    return source


async def update_source(
    conn: Connection, grant: Grant, source: DataSource, changes: Mapping[str, Any]
) -> DataSource:
    """Slug and provider, when sent, must be the ones the source has."""
    keep_slug(source.slug, changes.get("slug"))
    if provider_of(changes.get("provider_type", source.provider_type)) is not source.provider_type:
        message = f"The provider of a data source does not change; this one is '{source.provider_type}'."
        raise errors.Invalid({"provider_type": [message]})
    new = {name: changes[name] for name in ("name", "description", "provider_config") if name in changes}
    if "provider_config" in new:
        new["provider_config"] = await check_config(conn, source.provider_type, new["provider_config"])
        _authorize_credential(grant, source.provider_config, new["provider_config"])
    new = {name: value for name, value in new.items() if getattr(source, name) != value}
    if not new:
        return source
    changed = await store.update_source(conn, grant, source.id, new)
    await events.changed(conn, grant, source.app_id, (KIND, source.id, source.slug), {"changed": sorted(new)})
    return changed


async def delete_source(conn: Connection, grant: Grant, source: DataSource, *, force: bool = False) -> None:
    """Hides the source and its tables. Raises `Conflict` while tables of other sources refer to them."""
    names = await store.names_in_source(conn, grant, source.id)
    children = await store.children_of(conn, grant, names, outside_source=source.id)
    if children and not force:
        raise errors.Conflict(
            f"Tables outside this data source refer to its tables: {', '.join(children[:10])}.",
            hint="Delete those first, or repeat the request with ?force=true.",
        )
    await store.deactivate_source(conn, grant, source.id)
    await events.changed(conn, grant, source.app_id, (KIND, source.id, source.slug), {"tables": len(names)})


async def default_source(conn: Connection, grant: Grant, app_id: int) -> DataSource:
    """The oldest source of the app; an app without one is given one."""
    found = await store.first_source(conn, grant)
    return found or await create_source(conn, grant, app_id=app_id, name=DEFAULT)


def _authorize_credential(grant: Grant, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raises `Forbidden` for who may not see credentials of the org, and would have one used."""
    if new.get("credential") is not None and new != old:
        connectors.authorize(grant.principal, "credential.read")


def provider_of(name: str) -> ProviderType:
    """Raises `Invalid` for field `provider_type`."""
    try:
        return ProviderType(name)
    except ValueError:
        known = [one.value for one in ProviderType]
        message = f"'{name[:40]}' is not a provider; providers are: {', '.join(known)}."
        raise errors.Invalid({"provider_type": [message]}, hint=errors.nearest(name, known)) from None
