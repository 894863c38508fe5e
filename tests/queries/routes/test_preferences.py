"""Settings of an org, and what they change: what clients are told, files, tables, and whether anything is public."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.queries.routes.conftest import Asking
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
SETTINGS = "/api/settings/organization"


async def say(client: httpx2.AsyncClient, **settings: Any) -> dict[str, Any]:
    answer = await client.post(SETTINGS, json=settings)
    assert answer.status_code == 200, answer.text
    return answer.json()["settings"]


async def test_who_may(shop: httpx2.AsyncClient, callers: Callers) -> None:
    before = (await shop.get(SETTINGS)).json()["settings"]
    assert before["date_format"] == "DD/MM/YY" and before["auth_saml_enabled"] is False
    # What was read can be sent back.
    assert await say(shop, **before) == before
    for name, status in (("operator", 403), ("nobody", 403), ("anonymous", 401)):
        for method in ("GET", "POST"):
            answer = await callers[name].request(method, SETTINGS, json={"null_value": "?"})
            assert answer.status_code == status, (name, method)
    await say(callers["other"], null_value="theirs")
    assert (await shop.get(SETTINGS)).json()["settings"] == before


async def test_what_cannot_be(shop: httpx2.AsyncClient) -> None:
    refused: list[tuple[str, Any, str]] = [
        ("date_format", "DD.MM.YYYY", "DD/MM/YY, MM/DD/YY, YYYY-MM-DD"),
        ("time_format", 7, "HH:mm:ss"),
        ("integer_format", "whatever", "'0,0.00'"),
        ("thousands_separator", ".", "`thousands_separator`"),
        ("decimal_separator", "", "1 to 1"),
        ("null_value", "x" * 21, "0 to 20"),
        ("null_value", "\n", "0 to 20"),
        ("disable_public_urls", 1, "true or false"),
        ("send_email_on_failed_scheduled_queries", True, "/schedule"),
        ("auth_password_login_enabled", False, "password"),
        ("multi_byte_search_enabled", 1, "any script"),
        ("no_such_setting", None, "date_format"),
    ]
    for name, value, told in refused:
        answer = await shop.post(SETTINGS, json={name: value, "hide_plotly_mode_bar": True})
        assert answer.status_code == 400 and told in answer.text, (name, answer.text)
    assert (await shop.get(SETTINGS)).json()["settings"]["hide_plotly_mode_bar"] is False
    # A sentence for each of very many would make a far longer answer of them.
    answer = await shop.post(SETTINGS, json={f"s{n}": None for n in range(1000)})
    assert answer.status_code == 400 and len(answer.content) < 4000 and "names 1,000" in answer.text


async def test_what_they_change(shop: httpx2.AsyncClient, asking: Asking) -> None:
    text = "SELECT 1234567 AS n, 1.5::numeric AS x, DATE '2020-01-31' AS day, NULL::int AS nothing FROM people LIMIT 1"
    query = (await shop.post("/api/queries", json={"data_source_id": 1, "query": text, "name": "One"})).json()
    started = await shop.post(f"/api/queries/{query['id']}/results", json={})
    await asking.end(started.json()["job"]["id"])
    file, picture = (
        f"/api/queries/{query['id']}/results.csv",
        f"/api/visualizations/{query['visualizations'][0]['id']}",
    )
    assert (await shop.get(file)).text == "n,x,day,nothing\r\n1234567,1.5,31/01/20,\r\n"
    plain = (await shop.get(f"{picture}.json")).text
    assert '"1234567"' in plain and '"2020-01-31"' in plain and '"-"' in plain
    settings = await say(
        shop,
        date_format="YYYY-MM-DD",
        time_format="HH:mm:ss",
        integer_format="0,0",
        thousands_separator="'",
        float_format="0.00",
        decimal_separator=",",
        null_value="none",
    )
    assert settings["thousands_separator"] == "'"
    assert (await shop.get(file)).text == "n,x,day,nothing\r\n1234567,1.5,2020-01-31,\r\n"
    shown = (await shop.get(f"{picture}.json")).text
    assert "\"1'234'567\"" in shown and '"1,50"' in shown and '"none"' in shown
    config = (await shop.get("/api/session")).json()["client_config"]
    assert (config["dateTimeFormat"], config["nullValue"]) == ("YYYY-MM-DD HH:mm:ss", "none")
    assert (await shop.get("/api/config")).json()["client_config"]["decimalSeparator"] == ","


async def test_nothing_public(shop: httpx2.AsyncClient, callers: Callers) -> None:
    number = (await shop.post("/api/dashboards", json={"name": "Sales"})).json()["id"]
    token = (await shop.post(f"/api/dashboards/{number}/share")).json()["api_key"]
    public = f"/api/dashboards/public/{token}"
    assert (await callers["anonymous"].get(public)).status_code == 200
    await say(shop, disable_public_urls=True)
    assert (await shop.get("/api/session")).json()["client_config"]["disablePublicUrls"] is True
    for answer in (
        await callers["anonymous"].get(public),
        await callers["anonymous"].get(f"/public/dashboards/{token}"),
        await shop.post(f"/api/dashboards/{number}/share"),
    ):
        assert answer.status_code == 400 and "Public URLs are disabled." in answer.text
    await say(shop, disable_public_urls=False)
    assert (await callers["anonymous"].get(public)).status_code == 200
