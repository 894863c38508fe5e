"""`penstock alerts`: conditions on the results of queries."""

from __future__ import annotations

from typing import Annotated, Any, cast

from cyclopts import App, Parameter

from penstock_sdk.cli._arguments import Data
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit_list, emit_one, say
from penstock_sdk.cli._queries import read_json

app = App(name="alerts", help="Alerts: conditions on the results of queries.")
_COLUMNS = ("id", "name", "state", "rearm", "last_triggered_at")
_DELIVERIES = ("id", "about", "state", "attempts", "status_code", "error", "attempted_at")
Number = Annotated[int, Parameter(help="Number of the alert.")]


@app.command(name="list")
def list_alerts(*, options: Options = DEFAULTS) -> None:
    """List alerts with their states."""
    with options.client() as client:
        emit_list(client.alerts.list(), _COLUMNS, as_json=options.json)


@app.command
def show(number: Number, *, options: Options = DEFAULTS) -> None:
    """Print one alert."""
    with options.client() as client:
        emit_one(client.alerts.get(number), as_json=options.json)


@app.command
def create(
    name: str, query: int, condition: Data, *, rearm: int | None = None, options: Options = DEFAULTS
) -> None:
    """Make an alert on a query, and subscribe to it.

    Parameters
    ----------
    name
        What it is called.
    query
        Number of the query.
    condition
        A JSON object such as `{"column": "n", "op": ">", "value": 5}`; `-` reads it from standard input.
    rearm
        Seconds after which it tells again while it stays triggered.
    """
    found = read_json(condition, "The condition")
    if not isinstance(found, dict):
        raise CommandError("The condition is a JSON object.")
    with options.client() as client:
        made = client.alerts.create(name, query, cast("dict[str, Any]", found), rearm=rearm)
        client.alerts.subscribe(made.id)
        emit_one(made, as_json=options.json)


@app.command
def mute(
    number: Number, *, off: Annotated[bool, Parameter(negative=())] = False, options: Options = DEFAULTS
) -> None:
    """Let an alert tell nobody.

    Parameters
    ----------
    off
        Let it tell again.
    """
    with options.client() as client:
        (client.alerts.unmute if off else client.alerts.mute)(number)
    say(f"Alert {number} tells again." if off else f"Alert {number} is muted.")


@app.command(name="eval")
def evaluate(number: Number, *, options: Options = DEFAULTS) -> None:
    """Have an alert look at the newest result now, and print it."""
    with options.client() as client:
        client.alerts.evaluate(number)
        emit_one(client.alerts.get(number), as_json=options.json)


@app.command
def deliveries(number: Number, *, options: Options = DEFAULTS) -> None:
    """List what an alert has sent, the newest first."""
    with options.client() as client:
        emit_list(client.alerts.deliveries(number), _DELIVERIES, as_json=options.json)


@app.command
def delete(number: Number, *, options: Options = DEFAULTS) -> None:
    """Delete an alert and its subscriptions."""
    with options.client() as client:
        client.alerts.delete(number)
    say(f"Alert {number} is deleted.")
