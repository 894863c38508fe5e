"""Wire shapes of identity, in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from penstock.identity.models import (
    ApiKey,
    Assignment,
    AuditEntry,
    Known,
    Member,
    Membership,
    NewKey,
    Org,
    Principal,
    Role,
    Team,
    TeamMember,
    Tokens,
    User,
)
from penstock.kit import clock

RoleName = Literal["collaborator", "operator", "admin", "owner"]
Name = Annotated[str, Meta(min_length=1, max_length=254)]
Short = Annotated[str, Meta(max_length=150)]
Secret = Annotated[str, Meta(min_length=1, max_length=4096)]
# An instant without an offset could mean any of 24 hours.
Instant = Annotated[datetime, Meta(tz=True)]
# The same as it is answered.
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Rate = Annotated[int, Meta(ge=1, le=10_000_000)]


class _In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A body: fields that nobody knows are refused."""


class LoginIn(_In):
    """Sign in with an e-mail address or a username; `org` is a slug."""

    password: Secret
    email: Name | None = None
    username: Name | None = None
    org: Name | None = None


class RefreshIn(_In):
    refresh: Secret


class SwitchOrgIn(_In):
    org: Name


class PasswordIn(_In):
    """`current_password` and `old_password` are the same."""

    new_password: Annotated[str, Meta(max_length=4096)]
    current_password: Secret | None = None
    old_password: Secret | None = None


class PasswordSet(_In):
    """A password, for whoever has a link to set one."""

    password: Annotated[str, Meta(min_length=1, max_length=4096)]


class Forgot(_In):
    email: Name


class UserCreate(_In):
    """A new user, member of the caller's org; `is_staff` is what other clients call the role admin."""

    username: Name | None = None
    email: Name | None = None
    password: Annotated[str, Meta(max_length=4096)] | None = None
    confirm_password: Annotated[str, Meta(max_length=4096)] | None = None
    first_name: Short = ""
    last_name: Short = ""
    is_active: bool = True
    is_staff: bool = False
    role: RoleName | UnsetType | None = UNSET


class UserPatch(_In):
    """Changes of a user; absent fields stay."""

    username: Name | UnsetType = UNSET
    email: Name | UnsetType | None = UNSET
    password: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    confirm_password: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    first_name: Short | UnsetType = UNSET
    last_name: Short | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_staff: bool | UnsetType = UNSET
    role: RoleName | UnsetType | None = UNSET


class OrgCreate(_In):
    slug: Name
    name: Name | None = None


class OrgPatch(_In):
    name: Name


class MemberCreate(_In):
    """An existing user, by id, username or e-mail address."""

    user: Name | int
    role: RoleName | None = "collaborator"


class MemberPatch(_In):
    role: RoleName | None


ClaimName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
ClaimValue = (
    Annotated[str, Meta(max_length=1000)] | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | float | bool
)


class KeyCreate(_In):
    """A key. `apps` narrows a user key to these; a service key holds `role` in the org, or roles on apps.

    `claims` is what row rules find as `$token.<name>`; admins may set it.
    """

    name: Name
    kind: Literal["user", "service"] = "user"
    role: RoleName | None = None
    apps: Annotated[dict[Name, RoleName], Meta(max_length=1000)] = {}
    expires_at: Instant | None = None
    requests_per_minute: Rate | None = None
    claims: Annotated[dict[ClaimName, ClaimValue], Meta(max_length=50)] = {}


class TeamCreate(_In):
    """A team; its name is its slug unless given."""

    slug: Name
    name: Name | None = None
    description: Annotated[str, Meta(max_length=1000)] = ""


class TeamPatch(_In):
    name: Name | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=1000)] | UnsetType = UNSET


class TeamMemberIn(_In):
    """A member of the org, by id or username."""

    user: Name | int
    is_admin: bool = False


class TeamMemberPatch(_In):
    is_admin: bool


class KeyPatch(_In):
    name: Name | UnsetType = UNSET
    expires_at: Instant | UnsetType | None = UNSET
    requests_per_minute: Rate | UnsetType | None = UNSET


class OrgOut(msgspec.Struct, kw_only=True):
    """An org, with the role of the caller in it."""

    id: int
    slug: str
    name: str
    role: str | None
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, org: Org, role: Role | None) -> OrgOut:
        return cls(
            id=org.id,
            slug=org.slug,
            name=org.name,
            role=role.label if role else None,
            created_at=clock.iso(org.created_at),
            updated_at=clock.iso(org.updated_at),
        )


class UserOut(msgspec.Struct, kw_only=True):
    """A user as their org sees them."""

    id: int
    username: str
    email: str | None
    first_name: str
    last_name: str
    name: str
    is_active: bool
    is_disabled: bool
    role: str | None
    created_at: Moment
    updated_at: Moment
    last_login_at: Moment | None

    @classmethod
    def of(cls, member: Member) -> UserOut:
        user = member.user
        return cls(
            id=user.id,
            username=user.username,
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            name=f"{user.first_name} {user.last_name}".strip() or user.username,
            is_active=user.is_active,
            is_disabled=not user.is_active,
            role=member.role.label if member.role else None,
            created_at=clock.iso(user.created_at),
            updated_at=clock.iso(user.updated_at),
            last_login_at=_instant(user.last_login_at),
        )


# Groups of the dashboard dialect: two that are roles, and the teams, by numbers that no team has otherwise.
ADMINS, EVERYBODY = 1, 2
_BEFORE_TEAMS = 2


def group_of(team_id: int) -> int:
    return team_id + _BEFORE_TEAMS


def team_of(group: int) -> int | None:
    """None for a group that is no team."""
    return group - _BEFORE_TEAMS if group > _BEFORE_TEAMS else None


def groups_of(role: Role | None, team_ids: Sequence[int] = ()) -> list[int]:
    """The numbers of the groups of whoever has this role and is in these teams."""
    builtin = [] if role is None else [ADMINS, EVERYBODY] if role >= Role.ADMIN else [EVERYBODY]
    return [*builtin, *map(group_of, team_ids)]


class AccountOut(UserOut, kw_only=True):
    """A user, with what clients of the dashboard dialect look for.

    `groups` are numbers, in lists objects with `id` and `name`; `api_key` is there for the user and owners of the org.
    """

    profile_image_url: str | None = None
    groups: list[Any]
    disabled_at: Moment | None
    active_at: Moment | None
    is_invitation_pending: bool
    is_email_verified: bool
    auth_type: str = "password"
    api_key: str | UnsetType | None = UNSET
    invite_link: str | UnsetType = UNSET

    @classmethod
    def known(cls, known: Known, *, named: bool = False, **more: Any) -> AccountOut:
        """`named` says the groups with their names."""
        member = known.member
        user, teams = member.user, dict(known.teams)
        groups: list[Any] = groups_of(member.role, list(teams))
        if named:
            names = {ADMINS: "admin", EVERYBODY: "default"} | {group_of(one): teams[one] for one in teams}
            groups = [{"id": one, "name": names[one]} for one in groups]
        return cls(
            **msgspec.structs.asdict(UserOut.of(member)),
            groups=groups,
            disabled_at=None if user.is_active else clock.iso(user.updated_at),
            active_at=_instant(user.last_login_at),
            is_invitation_pending=known.is_pending,
            is_email_verified=user.is_email_verified,
            **more,
        )


class TeamOut(msgspec.Struct, kw_only=True):
    """A team with the number of its members."""

    id: int
    slug: str
    name: str
    description: str
    member_count: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, found: tuple[Team, int]) -> TeamOut:
        team, count = found
        return cls(
            id=team.id,
            slug=team.slug,
            name=team.name,
            description=team.description,
            member_count=count,
            created_at=clock.iso(team.created_at),
            updated_at=clock.iso(team.updated_at),
        )


class TeamMemberOut(msgspec.Struct, kw_only=True):
    """A user in a team."""

    id: int
    username: str
    email: str | None
    is_admin: bool
    joined_at: Moment

    @classmethod
    def of(cls, member: TeamMember) -> TeamMemberOut:
        return cls(
            id=member.user_id,
            username=member.username,
            email=member.email,
            is_admin=member.is_admin,
            joined_at=clock.iso(member.joined_at),
        )


class KeyOut(msgspec.Struct, kw_only=True):
    """A key without its secret."""

    id: int
    kind: str
    name: str
    prefix: str
    user_id: int | None
    role: str | None
    restricted: bool
    requests_per_minute: int | None
    created_by: int | None
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None
    claims: dict[str, Any]

    @classmethod
    def of(cls, key: ApiKey) -> KeyOut:
        return cls(**_key(key))


class NewKeyOut(KeyOut, kw_only=True):
    """A key just made: `key` is its secret, shown this once."""

    key: str

    @classmethod
    def of_new(cls, new: NewKey) -> NewKeyOut:
        return cls(**_key(new.key), key=new.secret)


class AssignmentOut(msgspec.Struct, kw_only=True):
    """Who holds a role on a resource; `subject` is `user`, `key`, `team` or `org`."""

    subject: str
    id: int
    name: str
    role: str

    @classmethod
    def of(cls, assignment: Assignment) -> AssignmentOut:
        return cls(
            subject=assignment.subject_kind.value,
            id=assignment.subject_id,
            name=assignment.subject_name,
            role=assignment.role.label,
        )


class AuditOut(msgspec.Struct, kw_only=True):
    """One change."""

    id: int
    at: Moment
    actor_kind: str
    actor_id: int | None
    actor: str
    action: str
    resource_kind: str
    resource_id: str | None
    resource_name: str | None
    detail: Mapping[str, Any]
    request_id: str | None

    @classmethod
    def of(cls, entry: AuditEntry) -> AuditOut:
        return cls(
            id=entry.id,
            at=clock.iso(entry.at),
            actor_kind=entry.actor_kind,
            actor_id=entry.actor_id,
            actor=entry.actor_name,
            action=entry.action,
            resource_kind=entry.resource_kind,
            resource_id=entry.resource_id,
            resource_name=entry.resource_name,
            detail=entry.detail,
            request_id=entry.request_id,
        )


def me(principal: Principal, user: User | None, orgs: list[Membership]) -> dict[str, Any]:
    """The caller; a service key has no user, so no id."""
    return {
        "id": principal.user_id,
        "username": principal.username,
        "email": principal.email,
        "first_name": user.first_name if user else "",
        "last_name": user.last_name if user else "",
        "kind": principal.kind.value,
        "key_id": principal.key_id,
        "org": principal.org_slug,
        "teams": list(principal.team_ids),
        "role": principal.org_role.label if principal.org_role else None,
        "roles": [
            {"kind": kind, "id": resource_id, "role": role.label}
            for (kind, resource_id), role in sorted(principal.roles.items())
        ],
        "orgs": [
            {"slug": one.org.slug, "name": one.org.name, "role": one.role.label if one.role else None}
            for one in orgs
        ],
        "is_platform_admin": principal.is_platform_admin,
        "expires_at": _instant(principal.expires_at),
    }


def pair(tokens: Tokens) -> dict[str, Any]:
    """The answer of the JWT endpoints."""
    return {
        "access": tokens.access,
        "refresh": tokens.refresh,
        "token_type": "Bearer",
        "expires_in": tokens.access_seconds,
    }


def role_of(name: RoleName | None) -> Role | None:
    return None if name is None else Role.of(name)


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "kind": key.kind.value,
        "name": key.name,
        "prefix": key.prefix,
        "user_id": key.user_id,
        "role": key.role.label if key.role else None,
        "restricted": key.restricted,
        "requests_per_minute": key.requests_per_minute,
        "created_by": key.created_by,
        "created_at": clock.iso(key.created_at),
        "expires_at": _instant(key.expires_at),
        "revoked_at": _instant(key.revoked_at),
        "last_used_at": _instant(key.last_used_at),
        "claims": dict(key.claims),
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else clock.iso(moment)
