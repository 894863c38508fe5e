"""Who there is and what they may do: orgs, users, keys, the principal of a request and its grants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

# A place where a role can be held: the kind of a resource and its id, such as ("app", 3).
Place = tuple[str, int]
# What a key may say of whoever holds it.
Claim = str | int | float | bool


class Role(IntEnum):
    """What may be done, each level including those below (design section 6)."""

    COLLABORATOR = 1
    OPERATOR = 2
    ADMIN = 3
    OWNER = 4

    @property
    def label(self) -> str:
        """The name on the wire."""
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> Role:
        """The role of a name on the wire; KeyError for any other text."""
        return cls[label.upper()]


class PrincipalKind(StrEnum):
    """By what kind of credential a caller came."""

    USER = "user"
    USER_KEY = "user_key"
    SERVICE_KEY = "service_key"
    BOUND_KEY = "bound_key"


class KeyKind(StrEnum):
    """A user key acts for its user, a service key for nobody but itself; a bound key is for one thing alone."""

    USER = "user"
    SERVICE = "service"
    BOUND = "bound"


class SubjectKind(StrEnum):
    """Who holds a role on a resource: a user, a service key, a team, or every member of the org."""

    USER = "user"
    KEY = "key"
    TEAM = "team"
    ORG = "org"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. `roles` are those held on single resources; `org_role` holds everywhere in the org."""

    org_id: int
    org_slug: str
    kind: PrincipalKind
    user_id: int | None
    key_id: int | None
    username: str
    email: str | None
    org_role: Role | None
    roles: Mapping[Place, Role] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    expires_at: datetime | None = None
    # May create orgs.
    is_platform_admin: bool = False
    # The login this came by (tokens of one login share a family); None for keys.
    family: str | None = None
    # Teams of the org that the user belongs to, in order.
    team_ids: tuple[int, ...] = ()
    # What was written into the key when it was made.
    claims: Mapping[str, Claim] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    # Came by a key that holds less than its user.
    narrowed: bool = False
    # Came by a key that is for this alone, such as ("query", 7); all else here is of who stands behind the key.
    bound: Place | None = None

    def role_on(self, *places: Place) -> Role | None:
        """The highest of the org role and the roles held on these places."""
        best = self.org_role
        if self.roles:
            for place in places:
                held = self.roles.get(place)
                if held is not None and (best is None or held > best):
                    best = held
        return best


@dataclass(frozen=True, slots=True)
class Grant:
    """A decision: this principal may do this action, there. Stores accept nothing else."""

    principal: Principal
    action: str
    role: Role
    place: Place | None = None

    @property
    def org_id(self) -> int:
        return self.principal.org_id


@dataclass(frozen=True, slots=True)
class Org:
    """A tenant. User tables live in `database_schema`; user SQL logs in as `database_role`."""

    id: int
    slug: str
    name: str
    database_schema: str
    database_role: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person. `token_version` is part of every access token: raising it ends them all."""

    id: int
    username: str
    email: str | None
    first_name: str
    last_name: str
    is_active: bool
    is_platform_admin: bool
    token_version: int
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None
    is_email_verified: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """A user in an org; a member without a role sees only what is shared with them."""

    org: Org
    role: Role | None


@dataclass(frozen=True, slots=True)
class Member:
    """A user as one org sees them."""

    user: User
    role: Role | None
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """A member with their teams (id and name); `is_pending` is who has neither a password nor ever signed in."""

    member: Member
    teams: tuple[tuple[int, str], ...]
    is_pending: bool


@dataclass(frozen=True, slots=True)
class Team:
    """Users of an org who hold roles together."""

    id: int
    org_id: int
    slug: str
    name: str
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TeamMember:
    """A user in a team; an admin of the team says who belongs to it."""

    user_id: int
    username: str
    email: str | None
    is_admin: bool
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret. `restricted` limits a user key to the resources it was given."""

    id: int
    org_id: int
    kind: KeyKind
    user_id: int | None
    name: str
    prefix: str
    role: Role | None
    restricted: bool
    created_by: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    requests_per_minute: int | None
    claims: Mapping[str, Claim] = field(default_factory=lambda: MappingProxyType({}), hash=False)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; the only moment its secret is known."""

    key: ApiKey
    secret: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role held on one resource. `subject_name` is the username, the name of the key, or the slug of team or org."""

    place: Place
    subject_kind: SubjectKind
    subject_id: int
    subject_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login gives; `refresh` and `session` are shown once. Lifetimes are in seconds."""

    access: str
    access_seconds: int
    refresh: str
    session: str | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change, as it was recorded in the transaction that made it."""

    id: int
    at: datetime
    actor_kind: str
    actor_id: int | None
    actor_name: str
    action: str
    resource_kind: str
    resource_id: str | None
    resource_name: str | None
    detail: Mapping[str, Any]
    request_id: str | None


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What the first start made. `password` and `key` are set when generated, to be printed once."""

    org_slug: str
    email: str
    password: str | None
    key: str | None
