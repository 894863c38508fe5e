# Generated from _async/resources/alerts.py by scripts/async_to_sync.py; change that file instead.

"""Alerts on the results of queries, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock_sdk._alert_models import Alert, AlertDelivery, Destination, DestinationCheck, Subscription
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.base import Resource, given, segment
from penstock_sdk._sync.transport import Transport

# Inside the classes `list` is their method.
_Alerts = list[Alert]
_Subscriptions = list[Subscription]
_Destinations = list[Destination]


class Alerts(Resource):
    """The alerts on queries that the caller may see."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/alerts")

    def list(self) -> _Alerts:
        """All of them."""
        return (self._transport.request("GET", self._path)).as_type(_Alerts)

    def get(self, alert_id: int) -> Alert:
        """One alert. A NotFoundError when there is none."""
        return (self._transport.request("GET", self._of(alert_id))).as_type(Alert)

    def create(
        self, name: str, query_id: int, options: Mapping[str, Any], *, rearm: int | None = None
    ) -> Alert:
        """A new alert; `options` are its condition, such as `{"column": "n", "op": ">", "value": 5}`."""
        body = {"name": name, "query_id": query_id, "options": dict(options), "rearm": rearm}
        return (self._transport.request("POST", self._path, body=body)).as_type(Alert)

    def update(
        self,
        alert_id: int,
        *,
        name: str | None = None,
        query_id: int | None = None,
        options: Mapping[str, Any] | None = None,
        rearm: int | None = None,
    ) -> Alert:
        """Changes what is given."""
        body = given(name=name, query_id=query_id, options=options, rearm=rearm)
        return (self._transport.request("POST", self._of(alert_id), body=body)).as_type(Alert)

    def delete(self, alert_id: int) -> None:
        """Deletes an alert and its subscriptions."""
        self._transport.request("DELETE", self._of(alert_id))

    def mute(self, alert_id: int) -> None:
        """Lets it tell nobody."""
        self._transport.request("POST", f"{self._of(alert_id)}/mute", body={})

    def unmute(self, alert_id: int) -> None:
        """Lets it tell again."""
        self._transport.request("DELETE", f"{self._of(alert_id)}/mute")

    def evaluate(self, alert_id: int) -> None:
        """Looks at the newest result now."""
        self._transport.request("POST", f"{self._of(alert_id)}/eval", body={})

    def deliveries(self, alert_id: int, *, page_size: int = 100) -> Pager[AlertDelivery]:
        """What was sent, newest first, and whether it arrived."""
        return self._pager(f"{self._of(alert_id)}/deliveries", AlertDelivery, page_size)

    def subscriptions(self, alert_id: int) -> _Subscriptions:
        """Who is told."""
        return (self._transport.request("GET", f"{self._of(alert_id)}/subscriptions")).as_type(_Subscriptions)

    def subscribe(self, alert_id: int, destination_id: int | None = None) -> Subscription:
        """Has a destination told, or the caller by e-mail."""
        body = given(alert_id=alert_id, destination_id=destination_id)
        answer = self._transport.request("POST", f"{self._of(alert_id)}/subscriptions", body=body)
        return answer.as_type(Subscription)

    def unsubscribe(self, alert_id: int, subscription_id: int) -> None:
        """Ends a subscription."""
        self._transport.request("DELETE", f"{self._of(alert_id)}/subscriptions/{segment(subscription_id)}")

    def _of(self, alert_id: int) -> str:
        return f"{self._path}/{segment(alert_id)}"


class Destinations(Resource):
    """Where alerts may be told; admins make and change them."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/destinations")

    def list(self) -> _Destinations:
        """All of them, without their options."""
        return (self._transport.request("GET", self._path)).as_type(_Destinations)

    def get(self, destination_id: int) -> Destination:
        """One with its options, of which secrets are masked."""
        return (self._transport.request("GET", self._of(destination_id))).as_type(Destination)

    def create(self, name: str, type: str, options: Mapping[str, Any]) -> Destination:
        """A new one; `type` is `email`, `webhook`, `slack` or another."""
        body = {"name": name, "type": type, "options": dict(options)}
        return (self._transport.request("POST", self._path, body=body)).as_type(Destination)

    def update(
        self,
        destination_id: int,
        *,
        name: str | None = None,
        type: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Destination:
        """Changes what is given; a masked secret stays what it is."""
        body = given(name=name, type=type, options=options)
        return (self._transport.request("POST", self._of(destination_id), body=body)).as_type(Destination)

    def delete(self, destination_id: int) -> None:
        """Deletes a destination."""
        self._transport.request("DELETE", self._of(destination_id))

    def test(self, destination_id: int) -> DestinationCheck:
        """Sends it a message now."""
        return (self._transport.request("POST", f"{self._of(destination_id)}/test")).as_type(DestinationCheck)

    def deliveries(
        self, destination_id: int, *, state: str | None = None, page_size: int = 100
    ) -> Pager[AlertDelivery]:
        """What was sent there, newest first; only `pending`, `succeeded` or `failed` messages with `state`."""
        filters = [("state", state)] if state else None
        return self._pager(f"{self._of(destination_id)}/deliveries", AlertDelivery, page_size, filters)

    def _of(self, destination_id: int) -> str:
        return f"{self._path}/{segment(destination_id)}"
