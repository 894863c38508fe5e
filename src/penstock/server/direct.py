"""Requests for records, past the framework: the path is split, the handler called, its answer sent.

Most of what a server is asked is to read and write records, and the framework's routing, state and injection would
take a quarter of the time of each. It still has the same routes, and answers whatever is not plainly one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import Empty

from penstock.kit import errors, http
from penstock.kit.context import Context
from penstock.server import answers

_HEAD: Final = ["", "api", "apps"]
_MIDDLE: Final = "datatables"
_TAIL: Final = "data"


class Direct:
    """An ASGI application before the framework's, for `/api/apps/{app}/datatables/{table}/data[/{key}]`."""

    def __init__(self, framework: Litestar, context: Context) -> None:
        """Every request is given `context`, also those that the framework answers."""
        self.framework = framework
        self._context = context
        self._lists: dict[str, tuple[HTTPRouteHandler, str]] = {}
        self._details: dict[str, tuple[HTTPRouteHandler, str]] = {}
        # Names below `data` that may mean something else than a record.
        self._names: set[str] = set()
        for route in framework.routes:
            parts = route.path.split("/")
            if len(parts) not in (7, 8) or parts[6] != _TAIL or parts[4] != _MIDDLE:
                continue
            handlers: Iterable[Any] = getattr(route, "route_handlers", ())
            if len(parts) == 8 and not parts[7].startswith("{"):
                self._names.add(parts[7])
                continue
            table = self._lists if len(parts) == 7 else self._details
            for handler in handlers:
                # OPTIONS is the framework's own.
                methods = handler.http_methods - {"OPTIONS"}
                table |= dict.fromkeys(methods, (handler, route.path_format))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[http.CONTEXT] = self._context
        found = self._find(scope)
        if found is None:
            await self.framework(scope, receive, send)
            return
        (handler, scope["path_template"]), scope["path_params"] = found
        scope["litestar_app"] = self.framework
        scope["route_handler"] = handler
        request = _Request(scope, receive, send)
        try:
            answer = await handler.fn(request)
        except Exception as error:
            known, body = answers.answered(scope, error)
            answer = http.raw_json(body, known.status, known.headers)
        await answer(scope, receive, send)

    def _find(self, scope: Any) -> tuple[tuple[HTTPRouteHandler, str], dict[str, str]] | None:
        if scope["type"] != "http":
            return None
        parts = scope["path"].split("/")
        count = len(parts)
        if count not in (7, 8) or parts[6] != _TAIL or parts[4] != _MIDDLE or parts[:3] != _HEAD:
            return None
        if count == 7:
            handler = self._lists.get(scope["method"])
            return handler and (handler, {"app": parts[3], "table": parts[5]})
        if parts[7] in self._names:
            return None
        handler = self._details.get(scope["method"])
        return handler and (handler, {"app": parts[3], "table": parts[5], "key": parts[7]})


class _Request(Request[Any, Any, Any]):
    """The framework's request, without the state that the framework keeps for hooks and guards."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self._body = Empty

    def __getattr__(self, name: str) -> Any:
        """What handlers of records rarely ask for is made when one does."""
        body = self._body
        super().__init__(self.scope, self.receive, self.send)
        self._body = body
        return object.__getattribute__(self, name)

    async def body(self) -> bytes:
        if self._body is Empty:
            message = await self.receive()
            parts = [_part(message)]
            while message.get("more_body"):
                message = await self.receive()
                parts.append(_part(message))
            self._body = parts[0] if len(parts) == 1 else b"".join(parts)
        return self._body


def _part(message: Any) -> bytes:
    if message["type"] == "http.disconnect":
        raise errors.BadRequest("The connection ended before the body did.")
    return message.get("body", b"")
