"""Pages from their templates: everything that is not the template's own is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from penstock.queries.dashboards import Dashboard
from penstock.queries.pages.cards import Card, Field

if TYPE_CHECKING:
    from jinja2 import Environment

# Pictures and styles are inside the page; nothing runs, and nothing is fetched.
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors {framed}"
)


@cache
def _environment() -> Environment:
    # For the few who look at a page: it is large.
    from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FunctionLoader(lambda name: (files("penstock.queries.pages") / name).read_text("utf-8")),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def dashboard(shown: Dashboard, cards: Sequence[Card], fields: Sequence[Field], key: str | None) -> str:
    """`key` came with the address, and must stay there when parameters are set."""
    template = _environment().get_template("dashboard.html")
    return template.render(dashboard=shown, cards=cards, fields=fields, key=key)


def failure(status: int, message: str) -> str:
    return _environment().get_template("failure.html").render(status=status, message=message)
