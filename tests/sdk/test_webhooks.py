from __future__ import annotations

import pytest

from penstock_sdk import AppHandle, ConflictError, NotFoundError, ValidationError
from tests.sdk.conftest import SCHEMA


def test_webhooks_of_an_app(app: AppHandle) -> None:
    made = app.webhooks.create("http://127.0.0.1:1/hook", ["table.created"], description="d")
    assert made.secret.startswith("whsec_")
    assert made.id in [one.id for one in app.webhooks.list()]
    assert app.webhooks.rotate(made.id).secret != made.secret
    source = app.sources.create("Hooked").slug
    app.tables.create(source, "hooked", SCHEMA)
    (delivery,) = app.webhooks.deliveries(made.id)
    assert delivery.event == "table.created" and delivery.payload["data"]["table"] == "hooked"
    assert delivery.id in [one.id for one in app.webhooks.deliveries(made.id, state="pending")]
    with pytest.raises(ConflictError):
        app.webhooks.redeliver(made.id, delivery.id)
    assert not app.webhooks.update(made.id, is_active=False).is_active
    app.webhooks.delete(made.id)
    with pytest.raises(NotFoundError):
        app.webhooks.get(made.id)


def test_a_webhook_of_records(app: AppHandle) -> None:
    app.tables.create("main", "hooked_rows", {**SCHEMA, "changes": True}, materialize=True)
    made = app.webhooks.create(
        "http://127.0.0.1:1/hook", ["record.created"], table="hooked_rows", filter={"age__gt": 3}
    )
    found = app.webhooks.get(made.id)
    assert (found.table, found.filter) == ("hooked_rows", {"age__gt": 3})
    with pytest.raises(ValidationError, match="table"):
        app.webhooks.create("http://127.0.0.1:1/hook", ["record.created"])
