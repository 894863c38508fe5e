"""What holds in the database whatever a query says: the login of the org, and the sealed word on who reads.

Whoever runs a query, on a connection of `Fence.login` and in a transaction of its own, sends

1. `BEGIN READ ONLY`,
2. `WHO`, whose two values go into `admit`,
3. the statement that `admit` gives,
4. the query, alone, by the extended protocol or as `COPY (…) TO STDOUT`.

After the second no statement can make the transaction write. The policies of tables with row rules believe what
the third says only under its seal, which is of this transaction; without it they show nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from penstock.kit import sql
from penstock.kit.context import Context
from penstock.kit.db import Login
from penstock.queries.models import AuthorizedQuery

WHO = "SELECT pg_backend_pid(), (extract(epoch FROM transaction_timestamp()) * 1000000)::bigint"
BEGIN = "BEGIN READ ONLY"


@dataclass(frozen=True, slots=True)
class Fence:
    """The login of one org, and the key of the seal."""

    login: Login
    key: bytes

    def admit(self, query: AuthorizedQuery, pid: int, began: int) -> str:
        """The statement that says, in one transaction of one connection, who reads and for how long."""
        settings = {"statement_timeout": str(max(1, int(query.timeout * 1000)))}
        if query.reach is not None:
            settings["penstock.reach"] = query.reach
            settings["penstock.seal"] = self._seal(query.reach, pid, began)
        calls = [
            f"set_config({sql.literal(name)}, {sql.literal(value)}, true)" for name, value in settings.items()
        ]
        return f"SELECT {', '.join(calls)}"

    def _seal(self, reach: str, pid: int, began: int) -> str:
        message = "\n".join((self.login.user, str(pid), str(began), reach)).encode()
        return hashlib.sha256(self.key + hashlib.sha256(self.key + message).digest()).hexdigest()


async def fence_of(ctx: Context, org_id: int) -> Fence:
    """The fence around the queries of an org."""
    async with ctx.db.control.transaction() as conn:
        row = await conn.row(
            "SELECT o.database_role, r.password, s.key FROM penstock.orgs o "
            "JOIN penstock.database_roles r ON r.name = o.database_role "
            "CROSS JOIN penstock.reader_seal s WHERE o.id = $1",
            org_id,
        )
    assert row is not None
    role: str = row["database_role"]
    password = ctx.keys.encryption.decrypt(row["password"], context=f"database-role:{role}")
    at = ctx.db.direct
    return Fence(Login(at.host, at.port, role, password, at.database, at.ssl), row["key"])
