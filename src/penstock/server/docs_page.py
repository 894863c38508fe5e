"""`/docs`: the API to read and try, from files installed with the server; nothing is fetched from elsewhere."""

from __future__ import annotations

import hashlib
from asyncio import to_thread
from functools import cache
from importlib.resources import files

from litestar import get
from litestar.response.base import ASGIResponse

from penstock.kit import errors, http

# Where each file comes from, and what it is.
_FILES = {
    "page.html": (__package__, "docs", "text/html; charset=utf-8"),
    "page.css": (__package__, "docs", "text/css; charset=utf-8"),
    "page.js": (__package__, "docs", "text/javascript; charset=utf-8"),
    "swagger-ui.css": ("openapi_ui_bundles.swagger_ui", "vendor", "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": ("openapi_ui_bundles.swagger_ui", "vendor", "text/javascript; charset=utf-8"),
}
# Swagger UI sets style attributes; scripts are files only.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@get("/docs")
async def docs(request: http.AnyRequest) -> ASGIResponse:
    return await _answer(request, "page.html")


@get("/docs/{name:str}")
async def docs_file(request: http.AnyRequest) -> ASGIResponse:
    return await _answer(request, http.segment(request, "name"))


async def _answer(request: http.AnyRequest, name: str) -> ASGIResponse:
    if name not in _FILES:
        raise errors.NotFound("There is nothing at this address.")
    kind = _FILES[name][2]
    tag = _tag(name)
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Content-Security-Policy": _POLICY}
    if http.not_modified(request, tag):
        return ASGIResponse(status_code=304, headers=headers)
    return ASGIResponse(body=await to_thread(_read, name), media_type=kind, headers=headers)


@cache
def _tag(name: str) -> str:
    return f'"{hashlib.sha256(_read(name)).hexdigest()[:24]}"'


def _read(name: str) -> bytes:
    package, directory, _ = _FILES[name]
    return (files(package) / directory / name).read_bytes()
