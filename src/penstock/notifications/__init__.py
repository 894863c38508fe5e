"""Telling the outside: signed webhooks, delivered by background jobs. Who has something to tell calls `publish`."""

from penstock.notifications import feeds, operations
from penstock.notifications.feeds import Begun, TableFeeds
from penstock.notifications.jobs import HANDLERS, SCHEDULES
from penstock.notifications.models import Follower
from penstock.notifications.routes import ROUTES
from penstock.notifications.service import publish

__all__ = [
    "HANDLERS",
    "ROUTES",
    "SCHEDULES",
    "Begun",
    "Follower",
    "TableFeeds",
    "feeds",
    "operations",
    "publish",
]
