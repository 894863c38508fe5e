"""Messages to chats that take JSON at an address of their own, which is as good as a password."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from penstock.notifications.destinations.kinds.base import Envelope, Kind, Option, web_address
from penstock.notifications.destinations.models import Message, Mood
from penstock.notifications.sending import post

_COLORS: Final = {Mood.GOOD: "#27ae60", Mood.BAD: "#c0392b", Mood.NEUTRAL: "#888888"}
_TEAMS_COLORS: Final = {Mood.GOOD: "Good", Mood.BAD: "Attention", Mood.NEUTRAL: "Default"}
# What these take of a text, or a little less.
_TITLE, _TEXT, _DISCORD = 250, 3000, 4000


def _sender(
    shaped: Callable[[Mapping[str, Any], Message], dict[str, Any]],
) -> Callable[[Mapping[str, Any], Envelope], Any]:
    async def send(options: Mapping[str, Any], envelope: Envelope) -> int | None:
        body = msgspec.json.encode(shaped(options, envelope.message))
        return await post(
            options["url"], body, {}, seconds=envelope.settings.webhook_timeout, limits=envelope.limits
        )

    return send


def _slack(options: Mapping[str, Any], message: Message) -> dict[str, Any]:
    title, text = _marked_up(message.title), _marked_up(message.text)
    attachment: dict[str, Any] = {
        "fallback": title,
        "title": title,
        "text": text,
        "color": _COLORS[message.mood],
        "mrkdwn_in": [],
    }
    if message.link:
        attachment["title_link"] = message.link
    return {"text": title, "attachments": [attachment]}


def _marked_up(text: str) -> str:
    """These three are all that is special there: names of people and channels begin with one of them."""
    text = text[:_TEXT].replace("&", "&amp;")
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _mattermost(options: Mapping[str, Any], message: Message) -> dict[str, Any]:
    shown = _slack(options, message)
    chosen = {name: options[name] for name in ("username", "icon_url", "channel") if options.get(name)}
    return {**shown, **chosen}


def _discord(options: Mapping[str, Any], message: Message) -> dict[str, Any]:
    embed: dict[str, Any] = {
        "title": message.title[:_TITLE],
        "description": message.text[:_DISCORD],
        "color": int(_COLORS[message.mood][1:], 16),
    }
    if message.link:
        embed["url"] = message.link
    # Nobody is called by what stands in somebody's data.
    return {"content": message.title[:_TITLE], "embeds": [embed], "allowed_mentions": {"parse": []}}


def _teams(options: Mapping[str, Any], message: Message) -> dict[str, Any]:
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {
                "type": "TextBlock",
                "text": message.title[:_TITLE],
                "weight": "Bolder",
                "size": "Medium",
                "color": _TEAMS_COLORS[message.mood],
                "wrap": True,
            },
            {"type": "TextBlock", "text": message.text[:_TEXT], "wrap": True},
        ],
    }
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": message.link}]
    kind = "application/vnd.microsoft.card.adaptive"
    return {
        "type": "message",
        "attachments": [{"contentType": kind, "contentUrl": None, "content": card}],
    }


def _google_chat(options: Mapping[str, Any], message: Message) -> dict[str, Any]:
    text = f"*{_marked_up(message.title)}*\n{_marked_up(message.text)}"
    return {"text": f"{text}\n{message.link}" if message.link else text}


_URL: Final = Option("url", "Address of the incoming webhook", required=True, secret=True, check=web_address)
SLACK: Final = Kind("slack", "Slack", "fa-slack", (_URL,), _sender(_slack))
MATTERMOST: Final = Kind(
    "mattermost",
    "Mattermost",
    "fa-bolt",
    (
        _URL,
        Option("username", "User name"),
        Option("icon_url", "Address of a picture"),
        Option("channel", "Channel"),
    ),
    _sender(_mattermost),
)
DISCORD: Final = Kind("discord", "Discord", "fa-bolt", (_URL,), _sender(_discord))
TEAMS: Final = Kind("microsoft_teams_webhook", "Microsoft Teams", "fa-bolt", (_URL,), _sender(_teams))
GOOGLE_CHAT: Final = Kind("hangouts_chat", "Google Chat", "fa-bolt", (_URL,), _sender(_google_chat))
