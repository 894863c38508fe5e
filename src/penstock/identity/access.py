"""Deciding: `grant` for one resource, `visible` for a list. Other domains' `access.py` build on these two."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, any_, bindparam, false, true
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT

from penstock.identity.models import Grant, Place, Principal, Role
from penstock.kit import errors


def grant(principal: Principal, action: str, least: Role, *places: Place) -> Grant:
    """The permission for `action`, which asks for `least` on one of `places`: a resource and its containers.

    Raises `NotFound` when the caller holds no role there, so the resource stays invisible, and `Forbidden`
    when the role is too low. Without places the org itself is meant, which its members always see.
    """
    role = principal.role_on(*places)
    if role is None:
        raise errors.NotFound if places else errors.Forbidden
    if role < least:
        raise errors.Forbidden
    return Grant(principal, action, role, places[0] if places else None)


def visible(principal: Principal, kind: str, id_column: ColumnElement[Any]) -> ColumnElement[bool]:
    """The predicate of a list: everything in the org for who holds a role on it, else what is held singly."""
    if principal.org_role is not None:
        return true()
    held = sorted(place[1] for place in principal.roles if place[0] == kind)
    if not held:
        return false()
    return id_column == any_(bindparam(None, held, type_=ARRAY(BIGINT)))


def own(principal: Principal, action: str) -> Grant:
    """The permission of any member for what concerns themself."""
    return Grant(principal, action, principal.org_role or Role.COLLABORATOR)
