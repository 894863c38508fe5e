"""The same request to each provider; the answers must be the same, but for what servers make up."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx2

from penstock.tables.models import ProviderType
from penstock.tables.providers import Feature, capabilities
from tests.acceptance.test_oracle import text_of

# Refusals that name a value and so are sentences of their own.
_SENTENCES = {
    Feature.LONG_NUMBERS: re.compile(r"digits; MongoDB keeps|digits, and MongoDB would round it"),
}
# When something was done is nobody's business here, nor how the next page is called.
_MADE_UP = ("created_at", "updated_at", "next_cursor", "seconds", "request_id")
_NOW = re.compile(r"20(?:2[5-9]|[3-9]\d)-\d\d-\d\dT[\d:.]+Z")
_PAGES = 40
LARGE = 10**9


@dataclass(frozen=True)
class Request:
    """`edge`, for `{edge}` in the path, and `edge_ids` in the body count edges in the order in which they were made.

    `if_match` is a tag, or `current` for the record's own; the `revision_id` may be `newest`. A request with the
    parameter `after` goes on to the end. Of one that is compared `by_status` the answers may differ.
    """

    method: str
    table: str = ""
    path: str = "/data"
    params: Sequence[tuple[str, str]] = ()
    body: Any = None
    text: str | None = None
    if_match: str | None = None
    edge: int = 0
    by_status: bool = False


@dataclass
class Tally:
    """What became of the requests of a run."""

    asked: int = 0
    statuses: Counter[int] = field(default_factory=Counter[int])
    refused: Counter[tuple[str, Feature]] = field(default_factory=Counter[tuple[str, Feature]])

    def __str__(self) -> str:
        refused = ", ".join(f"{provider} {one.name} {n}" for (provider, one), n in self.refused.most_common())
        statuses = ", ".join(f"{status} {n}" for status, n in sorted(self.statuses.items()))
        return f"{self.asked} requests ({statuses}); refused: {refused or 'none'}"


class Refused(Exception):
    """The provider declares that it cannot do this."""

    def __init__(self, feature: Feature) -> None:
        super().__init__(feature)
        self.feature = feature


@dataclass
class Side:
    """One provider's part of a session: an app of its own."""

    provider: str
    client: httpx2.Client
    app: str
    edges: dict[int, int] = field(default_factory=dict[int, int])

    def url(self, request: Request) -> str:
        table = f"/datatables/{request.table}" if request.table else ""
        path = request.path.replace("{edge}", str(self._real(request.edge)))
        return f"/api/apps/{self.app}{table}{path}"

    def ask(self, request: Request) -> Any:
        """Status and what is compared. Raises `Refused`."""
        if any(name == "after" for name, _ in request.params):
            return self._walked(request)
        status, shown = self._shown(self._send(request, request.params))
        return status, None if request.by_status else shown

    def _send(self, request: Request, params: Sequence[tuple[str, str]]) -> httpx2.Response:
        headers: dict[str, str] = {}
        if request.if_match == "current":
            found = self.client.get(self.url(request))
            headers["If-Match"] = found.headers.get("etag", '"none"')
        elif request.if_match:
            headers["If-Match"] = request.if_match
        content = text_of(self._sent(request)) if request.body is not None else request.text
        return self.client.request(
            request.method,
            self.url(request),
            params=list(params),
            content=None if content is None else content.encode(),
            headers=headers,
        )

    def _walked(self, request: Request) -> Any:
        params, pages = list(request.params), list[Any]()
        while len(pages) < _PAGES:
            answer = self._send(request, params)
            pages.append(self._shown(answer))
            cursor = answer.json().get("next_cursor") if answer.status_code == 200 else None
            if cursor is None:
                break
            params = [(name, cursor if name == "after" else value) for name, value in request.params]
        return pages[0][0], pages

    def _shown(self, answer: httpx2.Response) -> tuple[int, Any]:
        assert answer.status_code < 500, answer.text
        body: Any = _NOW.sub("made up", answer.text)
        if answer.headers.get("content-type", "").startswith("application/json"):
            body = self._compared(json.loads(answer.text, parse_float=Decimal))
        self._recognise(answer)
        return answer.status_code, (body, "etag" in answer.headers)

    def _recognise(self, answer: httpx2.Response) -> None:
        """Refused with the reason that the provider declares, or for a value that it cannot hold."""
        if answer.status_code != 400:
            return
        told = answer.json()["detail"]
        for feature, reason in capabilities(ProviderType(self.provider)).refused.items():
            sentence = _SENTENCES.get(feature)
            if f"provider '{self.provider}': {reason}" in told or (sentence and sentence.search(told)):
                raise Refused(feature)

    def _sent(self, request: Request) -> Any:
        """The body with edges and revisions as this provider calls them."""
        body = request.body
        if not isinstance(body, Mapping):
            return body
        if isinstance(labels := body.get("edge_ids"), list):
            return {**body, "edge_ids": [self._real(one) for one in labels]}
        if body.get("revision_id") == "newest":
            url = f"/api/apps/{self.app}/datatables/{request.table}/operation-history"
            done = self.client.get(url).json()["data"]
            return {"revision_id": done[0]["id"] if done else LARGE}
        return body

    def _real(self, label: Any) -> Any:
        return next((real for real, given in self.edges.items() if given == label), LARGE)

    def _compared(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._compared(one) for one in value]
        if not isinstance(value, dict):
            return value
        found = {
            name: "made up" if name in _MADE_UP and one is not None else self._compared(one)
            for name, one in value.items()
        }
        if "type" in found and ({"from_id", "to_id"} <= found.keys() or {"from", "to"} <= found.keys()):
            found["id"] = self.edges.setdefault(value["id"], len(self.edges) + 1)
        return found


def ask(sides: Sequence[Side], request: Request, tally: Tally) -> list[Side]:
    """All that do not refuse it answer the same; gives those that still have the same records."""
    answers: dict[str, Any] = {}
    tally.asked += 1
    left: list[Side] = []
    for side in sides:
        try:
            answers[side.provider] = side.ask(request)
            left.append(side)
        except Refused as refused:
            tally.refused[side.provider, refused.feature] += 1
    tally.statuses.update({one[0] for one in answers.values()})
    expected = next(iter(answers.values()), None)
    assert all(one == expected for one in answers.values()), (request, answers)
    changed = request.method != "GET" and expected is not None and expected[0] < 300
    return left if changed else list(sides)
