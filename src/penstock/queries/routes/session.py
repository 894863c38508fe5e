"""HTTP for who calls and how a client of the dashboard dialect is to show things (contract section 3)."""

from __future__ import annotations

from typing import Any, Final

from litestar import get
from litestar.response.base import ASGIResponse

from penstock import __version__, identity
from penstock.identity import Principal, Role
from penstock.kit import errors, http
from penstock.kit.http import AnyRequest
from penstock.notifications.settings import NotificationsSettings
from penstock.queries import preferences, store
from penstock.queries.routes import shapes
from penstock.queries.routes.saved import caller, reader
from penstock.queries.settings import QueriesSettings
from penstock.queries.store.preferences import find_preferences

# What each role may do, as the dialect calls it; the higher have what the lower have.
_PERMISSIONS: Final = {
    Role.COLLABORATOR: ("view_query", "list_users", "list_data_sources", "list_dashboards", "list_alerts"),
    Role.OPERATOR: (
        "create_query",
        "edit_query",
        "execute_query",
        "view_source",
        "create_dashboard",
        "edit_dashboard",
        "schedule_query",
    ),
    Role.ADMIN: ("admin",),
}
_CONFIG: Final[dict[str, Any]] = {
    "version": __version__,
    "newVersionAvailable": False,
    "basePath": "/",
    "dateFormatList": list(preferences.DATES),
    "timeFormatList": list(preferences.TIMES),
    "pageSize": 20,
    "pageSizeOptions": [5, 10, 20, 50, 100],
    "queryRefreshIntervals": [60, 300, 600, 900, 1800, 3600, 21_600, 43_200, 86_400, 604_800],
    "dashboardRefreshIntervals": [],
    "tableCellMaxJSONSize": 50_000,
    "multiByteSearchEnabled": True,
    "allowScriptsInUserInput": False,
    "allowCustomJSVisualizations": False,
    "autoPublishNamedQueries": False,
    "extendedAlertOptions": True,
    "googleLoginEnabled": False,
    "ldapLoginEnabled": False,
}


async def _config(request: AnyRequest, principal: Principal | None) -> dict[str, Any]:
    """As the org of the caller wants it; for who is nobody, as orgs have it that have said nothing."""
    ctx = http.context(request)
    wanted = preferences.UNSAID
    if principal is not None:
        async with ctx.db.control.transaction() as conn:
            wanted = await find_preferences(conn, principal.org_id)
    mail = ctx.settings(NotificationsSettings)
    public = ctx.settings(QueriesSettings).public_dashboards and not wanted.value("disable_public_urls")
    return {
        **_CONFIG,
        "dateFormat": wanted.value("date_format"),
        "dateTimeFormat": f"{wanted.value('date_format')} {wanted.value('time_format')}",
        "integerFormat": wanted.value("integer_format"),
        "floatFormat": wanted.value("float_format"),
        "thousandsSeparator": wanted.value("thousands_separator"),
        "decimalSeparator": wanted.value("decimal_separator"),
        "nullValue": wanted.value("null_value"),
        "showPermissionsControl": wanted.value("feature_show_permissions_control"),
        "hidePlotlyModeBar": wanted.value("hide_plotly_mode_bar"),
        "disablePublicUrls": not public,
        "mailSettingsMissing": not (mail.mail_host and mail.mail_from),
    }


@get("/api/session")
async def read_session(request: AnyRequest) -> ASGIResponse:
    principal = await reader(request)
    user, messages = await _user(request, principal)
    return http.json(
        {
            "user": user,
            "messages": messages,
            "org_slug": principal.org_slug,
            "client_config": await _config(request, principal),
        }
    )


async def _user(request: AnyRequest, principal: Principal) -> tuple[dict[str, Any], list[str]]:
    """Who calls, and what they are to be told."""
    if principal.bound is not None:
        return await _api_user(request, principal), []
    held = [*principal.roles.values(), principal.org_role or Role.COLLABORATOR]
    permissions = [name for role, names in _PERMISSIONS.items() if role <= max(held) for name in names]
    if principal.is_platform_admin:
        permissions.append("super_admin")
    groups = identity.groups_of(principal.org_role, principal.team_ids)
    shown: dict[str, Any] = {"groups": groups, "permissions": permissions, "profile_image_url": None}
    if principal.user_id is None:
        return {"id": None, "name": principal.username, "email": None, **shown}, []
    async with http.context(request).db.control.transaction() as conn:
        found = await identity.members_by_id(conn, principal.org_id, [principal.user_id])
    member = found[principal.user_id]
    person = shapes.person(member)
    messages = [] if member.user.is_email_verified else ["email-not-verified"]
    return {**{name: person[name] for name in ("id", "name", "email")}, **shown}, messages


async def _api_user(request: AnyRequest, principal: Principal) -> dict[str, Any]:
    """The key of a query as a client knows it that was made with it."""
    assert principal.bound is not None
    kind, number = principal.bound
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        found = await identity.bound_secrets(conn, ctx.keys.encryption, principal.org_id, kind, [number])
    return {"permissions": [], "apiKey": found.get(number)}


@get("/api/organization/status")
async def read_org_status(request: AnyRequest) -> ASGIResponse:
    """For who has a role in the org, which what is counted is in the reach of."""
    principal = await caller(request)
    if principal.org_role is None:
        raise errors.Forbidden
    async with http.context(request).db.control.transaction() as conn:
        return http.json({"object_counters": await store.counted(conn, principal.org_id)})


@get("/api/config")
async def read_config(request: AnyRequest) -> ASGIResponse:
    """How to show things; needs no key."""
    principal = await reader(request) if identity.presented(request.scope) else None
    slug = None if principal is None else principal.org_slug
    return http.json({"org_slug": slug, "client_config": await _config(request, principal)})


ROUTES = (read_session, read_org_status, read_config)
