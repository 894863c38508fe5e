"""/docs works without the internet."""

from __future__ import annotations

import re

import httpx2
import pytest

pytestmark = pytest.mark.anyio


async def test_the_page_and_everything_it_loads(anonymous: httpx2.AsyncClient) -> None:
    page = await anonymous.get("/docs/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {"/docs/swagger-ui-bundle.js", "/docs/page.js"} <= set(loaded)
    for address in loaded:
        if address.startswith("data:"):
            continue
        assert address.startswith("/docs/")
        answer = await anonymous.get(address)
        assert answer.status_code == 200
        again = await anonymous.get(address, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_nothing_inline_and_nothing_from_elsewhere(anonymous: httpx2.AsyncClient) -> None:
    page = await anonymous.get("/docs")
    assert "<script>" not in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "http://" not in page.text + policy
    assert "https://" not in page.text + policy


async def test_a_reader_of_openapi_3_1_is_installed(anonymous: httpx2.AsyncClient) -> None:
    script = (await anonymous.get("/docs/swagger-ui-bundle.js")).text
    version = re.search(r'PACKAGE_VERSION:"(\d+)\.', script)
    assert version
    assert int(version[1]) >= 5


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fsettings.py", "page.htm"])
async def test_no_other_file(anonymous: httpx2.AsyncClient, name: str) -> None:
    assert (await anonymous.get(f"/docs/{name}")).status_code == 404
