"""Pages for people, made of templates: what is not the template's own is escaped, nothing runs or is fetched."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from litestar.response.base import ASGIResponse

if TYPE_CHECKING:
    from jinja2 import Environment

# Pictures and styles are inside the page.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors {framed}"
)
_HTML: Final = "text/html"
_SHARED: Final = frozenset({"style.css", "failure.html"})


@cache
def environment(package: str) -> Environment:
    """The templates of a package, with the style of all pages."""
    from jinja2 import (  # noqa: PLC0415  (most processes never show a page)
        Environment,
        FunctionLoader,
        StrictUndefined,
        select_autoescape,
    )

    def source(name: str) -> str:
        return (files(__name__ if name in _SHARED else package) / name).read_text("utf-8")

    return Environment(
        loader=FunctionLoader(source),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def failure(status: int, message: str) -> str:
    return environment(__name__).get_template("failure.html").render(status=status, message=message)


def answer(body: str, status: int = 200, *, framed: str = "'none'", **headers: str) -> ASGIResponse:
    """A page that nobody keeps, and that tells nobody where its reader came from."""
    return ASGIResponse(
        body=body.encode(),
        media_type=_HTML,
        status_code=status,
        headers={
            "Content-Security-Policy": _POLICY.format(framed=framed),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            **headers,
        },
    )
