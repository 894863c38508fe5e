"""Orgs of the caller and their members."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.response.base import ASGIResponse

from penstock.identity.access import grant, own
from penstock.identity.models import Principal, Role
from penstock.identity.routes.common import Caller, Conn, answer_list, body, parameters
from penstock.identity.schemas import MemberCreate, MemberPatch, OrgCreate, OrgOut, OrgPatch, UserOut, role_of
from penstock.identity.service import orgs, users
from penstock.identity.store import people
from penstock.kit import errors, http
from penstock.kit.events import Events
from penstock.kit.http import AnyRequest
from penstock.kit.paging import Page

_ORG = "/api/orgs/{org:str}"
_MEMBERS = f"{_ORG}/members"
_MEMBER = f"{_MEMBERS}/{{user:str}}"


@get("/api/orgs")
async def list_orgs(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request, "page", "page_size")
    found = await orgs.orgs_of(conn, principal)

    async def slice_of(page: Page | None) -> tuple[int, list[OrgOut]]:
        shown = [OrgOut.of(one.org, one.role) for one in found]
        return len(shown), shown if page is None else shown[page.offset : page.offset + page.size]

    return await answer_list(request, slice_of, lambda org: org)


@post("/api/orgs")
async def create_org(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Make an org, the caller being its owner; takes a platform admin."""
    parameters(request)
    if not principal.is_platform_admin:
        raise errors.Forbidden
    wanted = await body(request, OrgCreate)
    events = http.context(request).get(Events)
    org = await orgs.create_org(
        conn, events, principal, wanted.slug, wanted.name or wanted.slug, principal.user_id
    )
    return http.json(OrgOut.of(org, Role.OWNER), 201)


@get(_ORG)
async def read_org(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    found = await orgs.org_of(conn, principal, http.segment(request, "org"))
    return http.json(OrgOut.of(found.org, found.role))


@patch(_ORG)
async def update_org(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    allowed = grant(await _inside(request, principal, conn), "org.update", Role.ADMIN)
    org = await orgs.rename_org(conn, allowed, (await body(request, OrgPatch)).name)
    return http.json(OrgOut.of(org, allowed.principal.org_role))


@get(_MEMBERS)
async def list_members(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request, "page", "page_size")
    allowed = own(await _inside(request, principal, conn), "user.read")
    return await answer_list(request, lambda page: users.list_members(conn, allowed, page), UserOut.of)


@post(_MEMBERS)
async def add_member(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Take in a user whose admin the caller is elsewhere; a platform admin, anyone."""
    parameters(request)
    allowed = grant(await _inside(request, principal, conn), "member.add", Role.ADMIN)
    wanted = await body(request, MemberCreate)
    user = await users.find_anywhere(conn, principal, str(wanted.user))
    await users.add_member(conn, allowed, user, role_of(wanted.role))
    member = await people.member(conn, allowed.org_id, user_id=user.id)
    assert member is not None
    return http.json(UserOut.of(member), 201)


@patch(_MEMBER)
async def update_member(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Change the role of a member."""
    parameters(request)
    inside = await _inside(request, principal, conn)
    found = await users.find(conn, own(inside, "user.read"), http.segment(request, "user"), lock=True)
    allowed = grant(inside, "member.role", Role.ADMIN)
    wanted = await body(request, MemberPatch)
    await users.set_role(conn, allowed, found, role_of(wanted.role))
    member = await people.member(conn, allowed.org_id, user_id=found.user.id)
    assert member is not None
    return http.json(UserOut.of(member))


@delete(_MEMBER, status_code=200)
async def remove_member(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Take a member out of the org; anybody may leave."""
    parameters(request)
    inside = await _inside(request, principal, conn)
    found = await users.find(conn, own(inside, "user.read"), http.segment(request, "user"), lock=True)
    itself = found.user.id == principal.user_id and principal.key_id is None
    allowed = own(inside, "member.leave") if itself else grant(inside, "member.remove", Role.ADMIN)
    await users.remove_member(conn, allowed, found)
    return http.empty()


async def _inside(request: AnyRequest, principal: Caller, conn: Conn) -> Principal:
    return await orgs.in_org(conn, principal, http.segment(request, "org"))


ROUTES = (
    list_orgs, create_org, read_org, update_org, list_members, add_member, update_member, remove_member,
)  # fmt: skip
