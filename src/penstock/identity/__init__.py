"""Identity: orgs, users, keys, tokens, roles and audit. What other packages may import."""

from penstock.identity import audit, operations
from penstock.identity.access import grant, visible
from penstock.identity.assembly import install, stop
from penstock.identity.authenticate import (
    Remembered,
    authenticate,
    presented,
    principal,
    recall,
    still_calling,
    transaction,
)
from penstock.identity.events import LetterWanted, OrgCreated
from penstock.identity.jobs import HANDLERS, SCHEDULES
from penstock.identity.letters import Letter, written
from penstock.identity.links import Purpose
from penstock.identity.models import (
    Assignment,
    FirstStart,
    Grant,
    Member,
    Org,
    Place,
    Principal,
    PrincipalKind,
    Role,
    SubjectKind,
)
from penstock.identity.names import resource_id
from penstock.identity.operations.common import CALLER, PLATFORM, PUBLIC, in_org, in_place
from penstock.identity.routes import ROUTES
from penstock.identity.routes.accounts import find_group
from penstock.identity.routes.common import (
    Caller,
    Conn,
    answer_list,
    body,
    enveloped,
    page_or_first,
    parameters,
)
from penstock.identity.schemas import AssignmentOut, groups_of
from penstock.identity.service.bound import bound_secrets, give_bound_key, revoke_bound_key
from penstock.identity.service.first_start import first_start
from penstock.identity.service.keys import Places
from penstock.identity.service.roles import (
    Subject,
    assign_role,
    find_subject,
    list_roles,
    people_of,
    remove_role,
    roles_of_subject,
)
from penstock.identity.settings import IdentitySettings
from penstock.identity.store.people import members_by_id

__all__ = [
    "CALLER",
    "HANDLERS",
    "PLATFORM",
    "PUBLIC",
    "ROUTES",
    "SCHEDULES",
    "Assignment",
    "AssignmentOut",
    "Caller",
    "Conn",
    "FirstStart",
    "Grant",
    "IdentitySettings",
    "Letter",
    "LetterWanted",
    "Member",
    "Org",
    "OrgCreated",
    "Place",
    "Places",
    "Principal",
    "PrincipalKind",
    "Purpose",
    "Remembered",
    "Role",
    "Subject",
    "SubjectKind",
    "answer_list",
    "assign_role",
    "audit",
    "authenticate",
    "body",
    "bound_secrets",
    "enveloped",
    "find_group",
    "find_subject",
    "first_start",
    "give_bound_key",
    "grant",
    "groups_of",
    "in_org",
    "in_place",
    "install",
    "list_roles",
    "members_by_id",
    "operations",
    "page_or_first",
    "parameters",
    "people_of",
    "presented",
    "principal",
    "recall",
    "remove_role",
    "resource_id",
    "revoke_bound_key",
    "roles_of_subject",
    "still_calling",
    "stop",
    "transaction",
    "visible",
    "written",
]
