"""Telling the outside: signed webhooks of apps, and messages to destinations, delivered by background jobs.

Who has something to tell calls `publish`, or `notify`.
"""

from penstock.notifications import feeds, jobs, letters, operations, routes
from penstock.notifications.destinations import jobs as destination_jobs
from penstock.notifications.destinations import routes as destination_routes
from penstock.notifications.destinations.models import Destination, Message, Mood, Sent
from penstock.notifications.destinations.schemas import SentOut
from penstock.notifications.destinations.service import find as find_destination
from penstock.notifications.destinations.service import notify, refuse
from penstock.notifications.destinations.store import by_id as destinations_by_id
from penstock.notifications.destinations.store import messages
from penstock.notifications.feeds import Begun, TableFeeds
from penstock.notifications.letters import install
from penstock.notifications.models import Follower
from penstock.notifications.service import publish

HANDLERS = (*jobs.HANDLERS, *destination_jobs.HANDLERS, *letters.HANDLERS)
SCHEDULES = (*jobs.SCHEDULES, *destination_jobs.SCHEDULES)
ROUTES = (*routes.ROUTES, *destination_routes.ROUTES)

__all__ = [
    "HANDLERS",
    "ROUTES",
    "SCHEDULES",
    "Begun",
    "Destination",
    "Follower",
    "Message",
    "Mood",
    "Sent",
    "SentOut",
    "TableFeeds",
    "destinations_by_id",
    "feeds",
    "find_destination",
    "install",
    "messages",
    "notify",
    "operations",
    "publish",
    "refuse",
]
