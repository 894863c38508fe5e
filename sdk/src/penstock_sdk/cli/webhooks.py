"""`penstock webhooks`: signed messages about what happens in an app."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from penstock_sdk._sync.client import Client
from penstock_sdk._sync.resources.webhooks import Webhooks
from penstock_sdk.cli._arguments import AppSlug, Where, repeated
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit_list, emit_one, say
from penstock_sdk.cli._queries import read_json

app = App(name="webhooks", help="Signed messages about what happens in an app.")
_COLUMNS = ("id", "url", "events", "is_active", "disabled_reason")
_DELIVERIES = ("id", "event", "state", "attempts", "status_code", "error", "attempted_at")
Number = Annotated[int, Parameter(help="Id of the webhook.")]


@app.command(name="list")
def list_webhooks(app_slug: AppSlug, *, options: Options = DEFAULTS) -> None:
    """List the webhooks of an app."""
    with options.client() as client:
        emit_list(_of(client, app_slug).list(), _COLUMNS, as_json=options.json)


@app.command
def create(
    app_slug: AppSlug,
    url: str,
    *events: str,
    table: str | None = None,
    where: Where = None,
    description: str | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Make a webhook; its secret is shown this once.

    Parameters
    ----------
    url
        Address that the messages are sent to.
    events
        What it is told of, such as `table.created`, or `record.updated` of a table.
    table
        Table of whose records it is told.
    description
        What it is for.
    """
    if not events:
        raise CommandError("Name the events that it is told of, such as table.created.")
    with options.client() as client:
        webhooks = _of(client, app_slug)
        wanted = None if where is None else read_json(where, "--where")
        made = webhooks.create(url, events, table=table, filter=wanted, description=description)
        emit_one(made, as_json=options.json)


@app.command
def update(
    app_slug: AppSlug,
    number: Number,
    *,
    url: str | None = None,
    event: Annotated[tuple[str, ...], repeated("What it is told of from now on; may be repeated.")] = (),
    description: str | None = None,
    active: bool | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Change what is given.

    Parameters
    ----------
    url
        Address that the messages are sent to.
    description
        What it is for.
    active
        Whether messages are sent.
    """
    with options.client() as client:
        changed = _of(client, app_slug).update(
            number, url=url, events=event or None, description=description, is_active=active
        )
        emit_one(changed, as_json=options.json)


@app.command
def rotate(app_slug: AppSlug, number: Number, *, options: Options = DEFAULTS) -> None:
    """Give a webhook a new secret, which is shown this once; for a day the one before signs too."""
    with options.client() as client:
        emit_one(_of(client, app_slug).rotate(number), as_json=options.json)


@app.command
def delete(app_slug: AppSlug, number: Number, *, options: Options = DEFAULTS) -> None:
    """Delete a webhook and its deliveries."""
    with options.client() as client:
        _of(client, app_slug).delete(number)
    say(f"Webhook {number} is deleted.")


@app.command
def deliveries(
    app_slug: AppSlug, number: Number, *, state: str | None = None, options: Options = DEFAULTS
) -> None:
    """List what was sent, the newest first.

    Parameters
    ----------
    state
        Only `pending`, `succeeded` or `failed` deliveries.
    """
    with options.client() as client:
        emit_list(_of(client, app_slug).deliveries(number, state=state), _DELIVERIES, as_json=options.json)


@app.command
def redeliver(app_slug: AppSlug, number: Number, delivery: int, *, options: Options = DEFAULTS) -> None:
    """Send a delivery once more.

    Parameters
    ----------
    delivery
        Id of the delivery.
    """
    with options.client() as client:
        emit_one(_of(client, app_slug).redeliver(number, delivery), as_json=options.json)


def _of(client: Client, app_slug: str) -> Webhooks:
    return client.app(app_slug).webhooks
