from __future__ import annotations

import pytest

from penstock.identity import SubjectKind, assign_role, find_subject, grant, list_roles, remove_role
from penstock.identity.models import KeyKind, Role
from penstock.kit import errors

pytestmark = pytest.mark.anyio
HERE = ("app", 7)


async def test_roles_are_given_listed_and_taken(world) -> None:
    service = await world.key("owner", kind=KeyKind.SERVICE)
    allowed = grant(world.principal("manager"), "app.share", Role.ADMIN, HERE)
    async with world.ctx.db.control.transaction() as conn:
        for kind, ident, role in (
            (SubjectKind.USER, "nobody", Role.OPERATOR),
            (SubjectKind.USER, str(world.users["operator"].id), Role.ADMIN),
            (SubjectKind.KEY, str(service.key.id), Role.COLLABORATOR),
            (SubjectKind.ORG, "", Role.COLLABORATOR),
        ):
            await assign_role(conn, allowed, await find_subject(conn, allowed, kind, ident), role, "shop")
        subject = await find_subject(conn, allowed, SubjectKind.USER, "nobody")
        await assign_role(conn, allowed, subject, Role.COLLABORATOR)
        held = [
            (one.subject_kind.value, one.subject_name, one.role.label)
            for one in await list_roles(conn, allowed)
        ]
        assert held == [
            ("user", "operator", "admin"),
            ("key", "one more", "collaborator"),
            ("org", "main", "collaborator"),
            ("user", "nobody", "collaborator"),
        ]
        await remove_role(conn, allowed, subject)
        with pytest.raises(errors.NotFound):
            await remove_role(conn, allowed, subject)
        elsewhere = grant(world.principal("owner2"), "app.share", Role.ADMIN, HERE)
        assert await list_roles(conn, elsewhere) == []


async def test_nobody_gives_or_takes_more_than_they_hold(world) -> None:
    owner = grant(world.principal("owner"), "app.share", Role.ADMIN, HERE)
    manager = grant(world.principal("manager"), "app.share", Role.ADMIN, HERE)
    async with world.ctx.db.control.transaction() as conn:
        subject = await find_subject(conn, owner, SubjectKind.USER, "nobody")
        with pytest.raises(errors.Forbidden):
            await assign_role(conn, manager, subject, Role.OWNER)
        await assign_role(conn, owner, subject, Role.OWNER)
        with pytest.raises(errors.Forbidden):
            await assign_role(conn, manager, subject, Role.ADMIN)
        with pytest.raises(errors.Forbidden):
            await remove_role(conn, manager, subject)


async def test_subjects_that_are_not_there(world) -> None:
    allowed = grant(world.principal("owner"), "app.share", Role.ADMIN, HERE)
    own_key = str(world.keys["operator"].key.id)
    async with world.ctx.db.control.transaction() as conn:
        for kind, ident in (
            (SubjectKind.USER, "operator2"),
            (SubjectKind.USER, str(world.users["operator2"].id)),
            (SubjectKind.USER, "9" * 40),
            (SubjectKind.USER, "a\0"),
            (SubjectKind.KEY, own_key),
            (SubjectKind.KEY, "x"),
            (SubjectKind.KEY, "9" * 40),
        ):
            with pytest.raises(errors.Invalid):
                await find_subject(conn, allowed, kind, ident)
