from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import BigInteger, column

from penstock.identity import Principal, PrincipalKind, Role, grant, visible
from penstock.kit import errors
from penstock.kit.db import _compiled

NOBODY = Principal(1, "main", PrincipalKind.USER, 5, None, "ann", None, None)
HERE, THERE, WITHIN = ("app", 3), ("app", 4), ("source", 9)


def test_the_highest_role_counts() -> None:
    one = replace(NOBODY, roles={HERE: Role.OPERATOR, WITHIN: Role.ADMIN})
    assert one.role_on(HERE) is Role.OPERATOR
    assert one.role_on(WITHIN, HERE) is Role.ADMIN
    assert one.role_on(THERE) is None
    assert replace(one, org_role=Role.COLLABORATOR).role_on(THERE) is Role.COLLABORATOR
    assert replace(one, org_role=Role.OWNER).role_on(HERE) is Role.OWNER


def test_grants() -> None:
    one = replace(NOBODY, roles={HERE: Role.OPERATOR})
    given = grant(one, "record.write", Role.OPERATOR, HERE)
    assert (given.org_id, given.role, given.place, given.action) == (1, Role.OPERATOR, HERE, "record.write")
    with pytest.raises(errors.Forbidden) as refused:
        grant(one, "app.alter", Role.ADMIN, HERE)
    assert refused.value.message == "You do not have permission to perform this action."
    with pytest.raises(errors.NotFound):
        grant(one, "record.read", Role.COLLABORATOR, THERE)
    with pytest.raises(errors.Forbidden):
        grant(one, "app.create", Role.COLLABORATOR)


@pytest.mark.parametrize(
    ("principal", "sql", "values"),
    [
        (replace(NOBODY, org_role=Role.COLLABORATOR), "true", ()),
        (NOBODY, "false", ()),
        (replace(NOBODY, roles={WITHIN: Role.OWNER}), "false", ()),
        (replace(NOBODY, roles={HERE: Role.OWNER, THERE: Role.OWNER}), "id = ANY ($1::BIGINT[])", ([3, 4],)),
    ],
)
def test_lists(principal: Principal, sql: str, values: tuple) -> None:
    assert _compiled(visible(principal, "app", column("id", BigInteger)), ()) == (sql, values)


def test_roles_have_names() -> None:
    assert [role.label for role in Role] == ["collaborator", "operator", "admin", "owner"]
    assert Role.of("admin") is Role.ADMIN
    with pytest.raises(KeyError):
        Role.of("king")
