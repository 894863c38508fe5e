"""Identity: orgs, users, keys, tokens, roles and audit. What other packages may import."""

from penstock.identity.access import grant, visible
from penstock.identity.authenticate import Remembered, authenticate, presented, principal, transaction
from penstock.identity.models import Grant, Place, Principal, PrincipalKind, Role
from penstock.identity.settings import IdentitySettings

__all__ = [
    "Grant",
    "IdentitySettings",
    "Place",
    "Principal",
    "PrincipalKind",
    "Remembered",
    "Role",
    "authenticate",
    "grant",
    "presented",
    "principal",
    "transaction",
    "visible",
]
