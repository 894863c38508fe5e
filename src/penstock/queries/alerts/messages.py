"""What an alert says: by its own templates, or in words of ours."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from penstock.kit.context import Context
from penstock.kit.links import Links
from penstock.notifications import Message, Mood
from penstock.queries.alerts import templates
from penstock.queries.alerts.models import Alert, Outcome, Selector, State
from penstock.queries.alerts.options import condition_of, text_of
from penstock.queries.results.instants import Instants
from penstock.queries.results.models import Result
from penstock.queries.saved import SavedQuery
from penstock.queries.service import reading

_ROWS: Final = 100
_MOODS: Final = {State.OK: Mood.GOOD, State.TRIGGERED: Mood.BAD, State.UNKNOWN: Mood.NEUTRAL}
# Numbers with all their digits.
_rows: Final = msgspec.json.Decoder(list[dict[str, Any]], float_hook=Decimal)
_WORDS: Final = {
    Selector.FIRST: "The first value of `{column}`",
    Selector.MAX: "The greatest value of `{column}`",
    Selector.MIN: "The least value of `{column}`",
    Selector.SUM: "The sum of `{column}`",
    Selector.MEAN: "The mean of `{column}`",
    Selector.COUNT: "The number of rows",
    Selector.ANY: "A value of `{column}`",
}


async def message_of(
    ctx: Context, alert: Alert, query: SavedQuery, result: Result, outcome: Outcome
) -> Message:
    links = ctx.get(Links)
    raw = await reading.page(ctx, result, 0, _ROWS, Instants.DASHBOARD)
    rows = _rows.decode(b"[" + raw + b"]")
    columns = [one.name for one in result.file.columns]
    values = _values(alert, query, outcome, rows, columns, links)
    link = values["ALERT_URL"]
    title = _own(alert, "custom_subject", values, escape=False)
    title = " ".join((title or f"({outcome.state.upper()}) {alert.name}").split())
    body = _own(alert, "custom_body", values | {"QUERY_RESULT_TABLE": _lines(rows, columns)}, escape=False)
    text = body or _text(alert, query, outcome, link)
    page = _own(alert, "custom_body", values | {"QUERY_RESULT_TABLE": _table(rows, columns)}, escape=True)
    return Message(
        event="alert_state_change",
        title=title,
        text=text,
        html=page or "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines()),
        link=link,
        mood=_MOODS[outcome.state],
        data=_data(alert, outcome, title, text, links),
    )


def _own(alert: Alert, name: str, values: Mapping[str, Any], *, escape: bool) -> str | None:
    """By a template of the alert's; None when it has none."""
    text = alert.options.get(name)
    if not isinstance(text, str) or not text.strip():
        return None
    return templates.render(templates.parse(text), values, escape=escape)


def _values(
    alert: Alert,
    query: SavedQuery,
    outcome: Outcome,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    links: Links,
) -> dict[str, Any]:
    condition = condition_of(alert.options)
    return {
        "ALERT_STATUS": outcome.state.upper(),
        "ALERT_SELECTOR": condition.selector.value,
        "ALERT_CONDITION": alert.options["op"],
        "ALERT_THRESHOLD": text_of(condition.threshold),
        "ALERT_NAME": alert.name,
        "ALERT_URL": links.to("api", "alerts", alert.id),
        "QUERY_NAME": query.name,
        "QUERY_URL": links.to("api", "queries", query.id),
        "QUERY_RESULT_VALUE": outcome.value,
        "QUERY_RESULT_ROWS": list(rows),
        "QUERY_RESULT_COLS": [{"name": name, "friendly_name": name} for name in columns],
    }


def _text(alert: Alert, query: SavedQuery, outcome: Outcome, link: str) -> str:
    condition = condition_of(alert.options)
    what = _WORDS[condition.selector].format(column=condition.column)
    wanted = f"{condition.op} {text_of(condition.threshold)}"
    said = outcome.reason or f"{what} is {outcome.value}."
    watched = f"It is triggered by {what[:1].lower()}{what[1:]} being {wanted}."
    return "\n".join((said, watched, f"Query: {query.name}", f"Alert: {link}"))


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_cell(row.get(name)))}</td>" for name in columns) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _lines(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """The same without HTML."""
    cells = [columns, *([_cell(row.get(name)) for name in columns] for row in rows)]
    return "\n".join(" | ".join(line) for line in cells)


def _cell(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _data(alert: Alert, outcome: Outcome, title: str, text: str, links: Links) -> dict[str, Any]:
    shown = {
        "id": alert.id,
        "name": alert.name,
        "options": dict(alert.options),
        "state": outcome.state.value,
        "value": outcome.value,
        "reason": outcome.reason,
        "query_id": alert.query_id,
        "user_id": alert.user_id,
        "rearm": alert.rearm,
        "title": title,
        "description": text,
    }
    return {"event": "alert_state_change", "alert": shown, "url_base": links.base, "metadata": {}}
