"""Alerts on the results of queries, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock_sdk._alert_models import Alert, AlertDelivery, Destination, DestinationCheck, Subscription
from penstock_sdk._async.pages import AsyncPager
from penstock_sdk._async.resources.base import AsyncResource, given, segment
from penstock_sdk._async.transport import AsyncTransport

# Inside the classes `list` is their method.
_Alerts = list[Alert]
_Subscriptions = list[Subscription]
_Destinations = list[Destination]


class AsyncAlerts(AsyncResource):
    """The alerts on queries that the caller may see."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/alerts")

    async def list(self) -> _Alerts:
        """All of them."""
        return (await self._transport.request("GET", self._path)).as_type(_Alerts)

    async def get(self, alert_id: int) -> Alert:
        """One alert. A NotFoundError when there is none."""
        return (await self._transport.request("GET", self._of(alert_id))).as_type(Alert)

    async def create(
        self, name: str, query_id: int, options: Mapping[str, Any], *, rearm: int | None = None
    ) -> Alert:
        """A new alert; `options` are its condition, such as `{"column": "n", "op": ">", "value": 5}`."""
        body = {"name": name, "query_id": query_id, "options": dict(options), "rearm": rearm}
        return (await self._transport.request("POST", self._path, body=body)).as_type(Alert)

    async def update(
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
        return (await self._transport.request("POST", self._of(alert_id), body=body)).as_type(Alert)

    async def delete(self, alert_id: int) -> None:
        """Deletes an alert and its subscriptions."""
        await self._transport.request("DELETE", self._of(alert_id))

    async def mute(self, alert_id: int) -> None:
        """Lets it tell nobody."""
        await self._transport.request("POST", f"{self._of(alert_id)}/mute", body={})

    async def unmute(self, alert_id: int) -> None:
        """Lets it tell again."""
        await self._transport.request("DELETE", f"{self._of(alert_id)}/mute")

    async def evaluate(self, alert_id: int) -> None:
        """Looks at the newest result now."""
        await self._transport.request("POST", f"{self._of(alert_id)}/eval", body={})

    def deliveries(self, alert_id: int, *, page_size: int = 100) -> AsyncPager[AlertDelivery]:
        """What was sent, newest first, and whether it arrived."""
        return self._pager(f"{self._of(alert_id)}/deliveries", AlertDelivery, page_size)

    async def subscriptions(self, alert_id: int) -> _Subscriptions:
        """Who is told."""
        return (await self._transport.request("GET", f"{self._of(alert_id)}/subscriptions")).as_type(
            _Subscriptions
        )

    async def subscribe(self, alert_id: int, destination_id: int | None = None) -> Subscription:
        """Has a destination told, or the caller by e-mail."""
        body = given(alert_id=alert_id, destination_id=destination_id)
        answer = await self._transport.request("POST", f"{self._of(alert_id)}/subscriptions", body=body)
        return answer.as_type(Subscription)

    async def unsubscribe(self, alert_id: int, subscription_id: int) -> None:
        """Ends a subscription."""
        await self._transport.request(
            "DELETE", f"{self._of(alert_id)}/subscriptions/{segment(subscription_id)}"
        )

    def _of(self, alert_id: int) -> str:
        return f"{self._path}/{segment(alert_id)}"


class AsyncDestinations(AsyncResource):
    """Where alerts may be told; admins make and change them."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/destinations")

    async def list(self) -> _Destinations:
        """All of them, without their options."""
        return (await self._transport.request("GET", self._path)).as_type(_Destinations)

    async def get(self, destination_id: int) -> Destination:
        """One with its options, of which secrets are masked."""
        return (await self._transport.request("GET", self._of(destination_id))).as_type(Destination)

    async def create(self, name: str, type: str, options: Mapping[str, Any]) -> Destination:
        """A new one; `type` is `email`, `webhook`, `slack` or another."""
        body = {"name": name, "type": type, "options": dict(options)}
        return (await self._transport.request("POST", self._path, body=body)).as_type(Destination)

    async def update(
        self,
        destination_id: int,
        *,
        name: str | None = None,
        type: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Destination:
        """Changes what is given; a masked secret stays what it is."""
        body = given(name=name, type=type, options=options)
        return (await self._transport.request("POST", self._of(destination_id), body=body)).as_type(
            Destination
        )

    async def delete(self, destination_id: int) -> None:
        """Deletes a destination."""
        await self._transport.request("DELETE", self._of(destination_id))

    async def test(self, destination_id: int) -> DestinationCheck:
        """Sends it a message now."""
        return (await self._transport.request("POST", f"{self._of(destination_id)}/test")).as_type(
            DestinationCheck
        )

    def deliveries(
        self, destination_id: int, *, state: str | None = None, page_size: int = 100
    ) -> AsyncPager[AlertDelivery]:
        """What was sent there, newest first; only `pending`, `succeeded` or `failed` messages with `state`."""
        filters = [("state", state)] if state else None
        return self._pager(f"{self._of(destination_id)}/deliveries", AlertDelivery, page_size, filters)

    def _of(self, destination_id: int) -> str:
        return f"{self._path}/{segment(destination_id)}"
