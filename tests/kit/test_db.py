"""What the driver raises, as errors of ours."""

from __future__ import annotations

import asyncpg
import pytest

from penstock.kit import db, errors


@pytest.mark.parametrize(
    ("raised", "answered"),
    [
        (asyncpg.InternalClientError("cannot switch to state 12"), errors.Unavailable),
        (asyncpg.InterfaceError("connection is closed"), errors.Unavailable),
        (ConnectionRefusedError(), errors.Unavailable),
        (asyncpg.QueryCanceledError("canceled"), errors.GatewayTimeout),
        (asyncpg.DeadlockDetectedError("deadlock"), errors.Contended),
        (asyncpg.DivisionByZeroError("division by zero"), errors.BadRequest),
        (asyncpg.UndefinedTableError("no such table"), errors.Outdated),
    ],
)
def test_errors_of_the_driver(raised: Exception, answered: type[errors.PenstockError]) -> None:
    assert type(db.translate(raised)) is answered
