"""Links in letters: accepting an invitation, another password, confirming an address, and asking for a link.

Browsers get pages and send forms; programs get and send JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import get, post
from litestar.response.base import ASGIResponse

from penstock.identity import audit, letters, pages
from penstock.identity.access import grant, own
from penstock.identity.letters import Opened
from penstock.identity.links import Purpose
from penstock.identity.models import Member, Principal, Role
from penstock.identity.routes.accounts import account
from penstock.identity.routes.common import Caller, Conn, address, parameters
from penstock.identity.schemas import Forgot, PasswordSet, pair
from penstock.identity.service import users
from penstock.identity.settings import IdentitySettings
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest

T = TypeVar("T", bound=msgspec.Struct)
_USER: Final = "/api/users/{user:str}"
_SENT: Final = "If an account has this address, a letter with a link is on its way to it."
_UNKEPT: Final = {"Cache-Control": "no-store"}
_TITLES: Final = {Purpose.INVITE: "Welcome", Purpose.RESET: "Another password"}


@get("/invite/{token:str}")
async def show_invitation(request: AnyRequest) -> ASGIResponse:
    return await _shown(request, Purpose.INVITE)


@post("/invite/{token:str}", status_code=200)
async def accept_invitation(request: AnyRequest) -> ASGIResponse:
    """Set the first password, and sign in."""
    return await _set(request, Purpose.INVITE)


@get("/reset/{token:str}")
async def show_reset(request: AnyRequest) -> ASGIResponse:
    return await _shown(request, Purpose.RESET)


@post("/reset/{token:str}", status_code=200)
async def reset_password(request: AnyRequest) -> ASGIResponse:
    """Set another password, and sign in; every login there was ends."""
    return await _set(request, Purpose.RESET)


@get("/verify/{token:str}")
async def verify_address(request: AnyRequest) -> ASGIResponse:
    async def confirmed() -> ASGIResponse:
        parameters(request)
        found = await letters.confirm(http.context(request), http.segment(request, "token"))
        if _is_browser(request):
            return pages.show("Thank you", f"{found.member.user.email} is confirmed.")
        return http.json(_described(found), headers=_UNKEPT)

    return await _answered(request, "Confirm your address", confirmed)


@get("/forgot")
async def show_forgot(request: AnyRequest) -> ASGIResponse:
    parameters(request)
    if _is_browser(request):
        return pages.show("Forgotten password", "A link to set another one is sent by e-mail.", pages.EMAIL)
    return http.json({"sends_mail": letters.sends_mail(http.context(request))})


@post("/forgot", status_code=200)
async def forgot(request: AnyRequest) -> ASGIResponse:
    async def asked() -> ASGIResponse:
        parameters(request)
        wanted = await _given(request, Forgot)
        if "\0" in wanted.email:
            raise errors.Invalid({"email": ["Text has no NUL character."]})
        await letters.forgot(http.context(request), wanted.email, address(request))
        if _is_browser(request):
            return pages.show("Thank you", _SENT)
        return http.json({"message": _SENT})

    return await _answered(request, "Forgotten password", asked, pages.EMAIL)


@post(f"{_USER}/invite", status_code=200)
async def invite_again(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """By mail where mail is sent, else with the link in the answer."""
    parameters(request)
    member = await _member(request, conn, principal)
    allowed = grant(principal, "user.invite", Role.ADMIN)
    await letters.check_invited(conn, allowed, member)
    shown = await account(request, conn, principal, member.user.id)
    shown.invite_link = await invited(request, conn, principal, member, mailed=True) or msgspec.UNSET
    return http.json(shown)


@post(f"{_USER}/reset_password", status_code=200)
async def give_reset_link(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """A link by which the user sets another password; a letter with one goes to them, too."""
    parameters(request)
    member = await _member(request, conn, principal)
    allowed = grant(principal, "user.update", Role.ADMIN)
    await letters.check_reset(conn, allowed, member)
    ctx = http.context(request)
    await _spend(request, conn, member)
    if letters.sends_mail(ctx) and member.user.email is not None:
        await letters.send(ctx, conn, Purpose.RESET, principal.org_id, member.user.id)
    await audit.record(conn, principal, "user.reset", "user", member.user.id, member.user.username)
    return http.json({"reset_link": await _link(request, conn, Purpose.RESET, principal, member)})


async def invited(
    request: AnyRequest, conn: Connection, principal: Principal, member: Member, *, mailed: bool
) -> str | None:
    """Send an invitation, or give the link for who sends none."""
    ctx = http.context(request)
    await audit.record(conn, principal, "user.invite", "user", member.user.id, member.user.username)
    if mailed and letters.sends_mail(ctx) and member.user.email is not None:
        await _spend(request, conn, member)
        await letters.send(ctx, conn, Purpose.INVITE, principal.org_id, member.user.id)
        return None
    return await _link(request, conn, Purpose.INVITE, principal, member)


async def _link(
    request: AnyRequest, conn: Connection, purpose: Purpose, principal: Principal, member: Member
) -> str:
    token = await letters.token_of(http.context(request), conn, purpose, member, principal.org_id)
    return f"{str(request.base_url).rstrip('/')}/{purpose.value}/{token}"


async def _member(request: AnyRequest, conn: Connection, principal: Principal) -> Member:
    return await users.find(conn, own(principal, "user.read"), http.segment(request, "user"), lock=True)


async def _spend(request: AnyRequest, conn: Connection, member: Member) -> None:
    most = http.context(request).settings(IdentitySettings).password_letters_per_hour
    await letters.spend(conn, f"letters:{member.user.id}", most)


async def _shown(request: AnyRequest, purpose: Purpose) -> ASGIResponse:
    async def shown() -> ASGIResponse:
        parameters(request)
        found = await letters.opened(http.context(request), purpose, http.segment(request, "token"))
        if not _is_browser(request):
            return http.json(_described(found), headers=_UNKEPT)
        who = found.member.user.email or found.member.user.username
        return pages.show(
            _TITLES[purpose], f"Choose a password for {who} in {found.org.name}.", pages.PASSWORD
        )

    return await _answered(request, _TITLES[purpose], shown)


async def _set(request: AnyRequest, purpose: Purpose) -> ASGIResponse:
    async def done() -> ASGIResponse:
        parameters(request)
        wanted = await _given(request, PasswordSet)
        ctx = http.context(request)
        signed = await letters.set_password(ctx, purpose, http.segment(request, "token"), wanted.password)
        if _is_browser(request):
            return pages.show("Thank you", f"The password of {signed.user.username} is set; sign in with it.")
        return http.json({**pair(signed.tokens), "org": signed.org.slug}, headers=_UNKEPT)

    return await _answered(request, _TITLES[purpose], done, pages.PASSWORD)


async def _answered(
    request: AnyRequest,
    title: str,
    work: Callable[[], Awaitable[ASGIResponse]],
    field: pages.Field | None = None,
) -> ASGIResponse:
    """People are told what went wrong by a page, with the form again if another entry may do."""
    try:
        return await work()
    except errors.PenstockError as error:
        if error.status >= 500 or not _is_browser(request):
            raise
        complaints = [said for each in (error.errors or {}).values() for said in each] or [error.message]
        again = field if isinstance(error, errors.Invalid) else None
        page = pages.show(title, "", again, complaint=" ".join(complaints), status=error.status)
        for name, value in error.headers.items():
            page.headers[name] = value
        return page


async def _given(request: AnyRequest, kind: type[T]) -> T:
    """The fields of a form, or of a JSON object."""
    media = (http.header(request, b"content-type") or "").partition(";")[0].strip().lower()
    if media != "application/x-www-form-urlencoded":
        return await http.parse(request, kind)
    try:
        text = (await http.body(request)).decode()
        fields: dict[str, Any] = dict(
            parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=20)
        )
    except ValueError as error:
        raise errors.BadRequest("The form is not URL-encoded UTF-8, or has more than 20 fields.") from error
    return http.decode(http.encode(fields), kind)


def _is_browser(request: AnyRequest) -> bool:
    return (http.header(request, b"accept") or "").partition(",")[0].strip().startswith("text/html")


def _described(found: Opened) -> dict[str, Any]:
    user = found.member.user
    name = f"{user.first_name} {user.last_name}".strip() or user.username
    return {
        "purpose": found.link.purpose.value,
        "username": user.username,
        "name": name,
        "email": user.email,
        "org": found.org.slug,
    }


ROUTES = (
    show_invitation, accept_invitation, show_reset, reset_password, verify_address, show_forgot, forgot,
    invite_again, give_reset_link,
)  # fmt: skip
