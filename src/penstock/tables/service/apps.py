"""The verbs on apps."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables import events, naming, store
from penstock.tables.access import APP
from penstock.tables.models import App


async def create_app(conn: Connection, grant: Grant, name: str, slug: str | None, description: str) -> App:
    """The slug is derived from the name unless given. Raises `Invalid` for one that is taken."""
    app = await naming.insert_with_slug(
        slug,
        naming.slug_of(name, "app"),
        lambda base: store.slugs_like(conn, grant, base),
        lambda free: store.insert_app(conn, grant, name, free, description),
    )
    await events.changed(conn, grant, app.id, (APP, app.id, app.slug))
    return app


async def update_app(conn: Connection, grant: Grant, app: App, changes: Mapping[str, str]) -> App:
    """`changes` may name `name` and `description`; a slug, when sent, must be the one the app has."""
    keep_slug(app.slug, changes.get("slug"))
    new = {name: value for name, value in changes.items() if name != "slug" and getattr(app, name) != value}
    if not new:
        return app
    changed = await store.update_app(conn, grant, new)
    await events.changed(conn, grant, app.id, (APP, app.id, app.slug), {"changed": sorted(new)})
    return changed


async def delete_app(conn: Connection, grant: Grant, app: App) -> None:
    """Hides the app and everything in it; the records stay, and `restore_app` brings all of it back."""
    await store.deactivate_app(conn, grant)
    await events.changed(conn, grant, app.id, (APP, app.id, app.slug))


async def restore_app(conn: Connection, grant: Grant, app: App) -> None:
    """Revives the app and what its deletion hid; sources and tables deleted on their own stay deleted."""
    if app.is_active:
        return
    await store.reactivate_app(conn, grant)
    await events.changed(conn, grant, app.id, (APP, app.id, app.slug))


def keep_slug(current: str, sent: str | None) -> None:
    """Slugs are in addresses that others have written down, so they never change."""
    if sent is not None and sent != current:
        raise errors.Invalid({"slug": [f"A slug does not change; this one is '{current}'."]})
