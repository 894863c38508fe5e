"""Requests for records and for rows of results, past the framework: the handler is called, its answer sent.

They are most of what a server is asked, and the framework's routing, state and injection would take a quarter of the
time of each. It still has the same routes, and answers whatever is not plainly one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import Empty

from penstock.kit import errors, http
from penstock.kit.context import Context
from penstock.server import answers

_RECORDS: Final = "/api/apps/{app}/datatables/{table}/data"
_PATHS: Final = (
    _RECORDS,
    f"{_RECORDS}/{{key}}",
    "/api/query_results/{file}",
    "/api/queries/{query_id}/results",
)


class _Shape:
    """The paths of a route: which of their parts say so, and which are its parameters."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.parts = path.split("/")
        fixed = [at for at, part in enumerate(self.parts) if part and not _is_parameter(part)]
        self._own = itemgetter(*fixed)
        self._fixed = self._own(self.parts)
        self._parameters = [(at, part[1:-1]) for at, part in enumerate(self.parts) if _is_parameter(part)]
        # Names in the place of a parameter that mean something else.
        self._names: dict[int, set[str]] = {at: set() for at, _ in self._parameters}
        self.handlers: dict[str, HTTPRouteHandler] = {}

    def leave_out(self, other: Sequence[str]) -> None:
        """Leave to the framework what may be of this route."""
        both = list(zip(self.parts, other, strict=False))
        if len(other) != len(self.parts) or any(
            mine != theirs and not _is_parameter(mine) and not _is_parameter(theirs) for mine, theirs in both
        ):
            return
        for at, (mine, theirs) in enumerate(both):
            if _is_parameter(mine) and not _is_parameter(theirs):
                self._names[at].add(theirs)

    def parameters(self, parts: Sequence[str]) -> dict[str, str] | None:
        """Those of this path; None when it may be of another route."""
        if self._own(parts) != self._fixed:
            return None
        found: dict[str, str] = {}
        for at, name in self._parameters:
            if parts[at] in self._names[at]:
                return None
            found[name] = parts[at]
        return found


class Direct:
    """An ASGI application before the framework's, for what is asked most."""

    def __init__(self, framework: Litestar, context: Context) -> None:
        """Every request is given `context`, also those that the framework answers."""
        self.framework = framework
        self._context = context
        shapes = [_Shape(path) for path in _PATHS]
        # By the number of their parts.
        self._shapes: dict[int, list[_Shape]] = {}
        for shape in shapes:
            self._shapes.setdefault(len(shape.parts), []).append(shape)
        for route in framework.routes:
            handlers: Iterable[Any] = getattr(route, "route_handlers", ())
            for shape in shapes:
                shape.leave_out(route.path_format.split("/"))
                for handler in handlers if route.path_format == shape.path else ():
                    # OPTIONS is the framework's own.
                    shape.handlers |= dict.fromkeys(handler.http_methods - {"OPTIONS"}, handler)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[http.CONTEXT] = self._context
        found = self._find(scope)
        if found is None:
            await self.framework(scope, receive, send)
            return
        handler, scope["path_template"], scope["path_params"] = found
        scope["litestar_app"] = self.framework
        scope["route_handler"] = handler
        request = _Request(scope, receive, send)
        try:
            answer = await handler.fn(request)
        except Exception as error:
            known, body = answers.answered(scope, error)
            answer = http.raw_json(body, known.status, known.headers)
        await answer(scope, receive, send)

    def _find(self, scope: Any) -> tuple[HTTPRouteHandler, str, dict[str, str]] | None:
        if scope["type"] != "http":
            return None
        parts = scope["path"].split("/")
        for shape in self._shapes.get(len(parts), ()):
            parameters = shape.parameters(parts)
            if parameters is not None:
                handler = shape.handlers.get(scope["method"])
                return handler and (handler, shape.path, parameters)
        return None


def _is_parameter(part: str) -> bool:
    return part.startswith("{")


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
