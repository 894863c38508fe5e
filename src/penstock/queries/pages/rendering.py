"""Dashboards as pages, from their template."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.kit import pages
from penstock.queries.dashboards import Dashboard
from penstock.queries.pages.cards import Card, Field


def dashboard(shown: Dashboard, cards: Sequence[Card], fields: Sequence[Field], key: str | None) -> str:
    """`key` came with the address, and must stay there when parameters are set."""
    template = pages.environment("penstock.queries.pages").get_template("dashboard.html")
    return template.render(dashboard=shown, cards=cards, fields=fields, key=key)
