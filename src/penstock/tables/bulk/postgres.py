"""Parts into rows of PostgreSQL, each in a savepoint of the one transaction of the import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

import asyncpg

from penstock.kit import db, errors
from penstock.kit.db import Connection
from penstock.tables.bulk import copying
from penstock.tables.bulk.options import Mode
from penstock.tables.bulk.part import Part, PlacedFault, Refusal, refusal
from penstock.tables.records import batch, change, keys
from penstock.tables.records.call import Call, outside
from penstock.tables.records.change import Keys
from penstock.tables.records.codec import Incoming
from penstock.tables.records.execute import Autocommit, InTransaction, write
from penstock.tables.records.upsert import merge
from penstock.tables.records.violations import Refused, explain_here, refused_rows

_ATTEMPTS = 3
# So many parts are tried in vain by COPY before the rest of a file goes in by statements at once.
_VAIN = 3
# What the database says of a value, without saying of which row.
_VALUES = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
_RULES = (errors.RowRefused, asyncpg.InsufficientPrivilegeError)


@dataclass(slots=True)
class PostgresTarget:
    """A table of rows. `unique` are the fields by which an upsert finds records."""

    call: Call
    mode: Mode
    unique: tuple[str, ...]
    vain: int = field(default=0, init=False)

    def lines(self, incoming: Incoming) -> copying.Lines | None:
        table = self.call.table
        if self.mode is Mode.INSERT and self.vain < _VAIN and copying.is_copied(table):
            return copying.lines_of(table, incoming)
        return None

    async def write(self, conn: Connection, part: Part) -> int:
        """Raises `Refusal`."""
        if part.lines is not None and await self._copy(conn, part, part.lines):
            return len(part)
        attempts = 0
        while True:
            try:
                async with conn.savepoint():
                    return await self._attempt(conn, part)
            except Refused as refused:
                await self._refuse(conn, refused)
            except _VALUES as error:
                raise Refusal(db.translate(error), (), is_conflict=False) from error
            except _RULES as error:
                raise Refusal(outside(self.call.table, self.call.limits), (), is_conflict=False) from error
            except asyncpg.DeadlockDetectedError:
                # The savepoint has given its locks back; the other one goes first.
                attempts += 1
                if attempts >= _ATTEMPTS:
                    raise
            except errors.PenstockError as error:
                if error.status not in (400, 404, 409) or isinstance(error, errors.Contended):
                    raise
                raise refusal(error) from error

    async def _copy(self, conn: Connection, part: Part, lines: copying.Lines) -> bool:
        """Whether that stored the rows; where it did not, a statement tells why."""
        assert self.call.grant.action == "record.write"
        try:
            async with conn.savepoint():
                if lines.has_keys:
                    await keys.advance(Autocommit(self.call.pool), self.call.table, part.incoming.rows)
                await copying.copy_in(conn, self.call.table, lines)
        except copying.REFUSED:
            self.vain += 1
            return False
        return True

    async def _attempt(self, conn: Connection, part: Part) -> int:
        """Write these rows; how many of them are new."""
        table, runner = self.call.table, InTransaction(conn)
        # Moving a sequence is for good at once, and its lock must not last as long as this transaction.
        numbering = Autocommit(self.call.pool)
        incoming = part.incoming
        if self.mode is Mode.UPSERT:
            batch.require(
                table, incoming, self.unique, "This field tells records apart here and must be sent."
            )
            _, created = await merge(
                runner, table, self.call.grant, incoming, self.unique, numbering=numbering
            )
            return created
        assert self.call.grant.action == "record.write"
        source = keys.source_of_keys(table, incoming)
        if source is not Keys.GENERATED:
            await keys.advance(numbering, table, incoming.rows)
        group = batch.group(table, incoming, incoming.present[0], range(len(part)))
        await write(runner, group.statement(change.insert_sql(table, source, brief=True)), group=group)
        return len(part)

    async def _refuse(self, conn: Connection, refused: Refused) -> NoReturn:
        """Tell of the rows that a constraint has refused."""
        found = await refused_rows(conn, self.call.table, refused)
        is_conflict = isinstance(refused.error, asyncpg.UniqueViolationError)
        if found is None:
            error = await explain_here(conn, self.call.table, refused, is_list=False)
            raise Refusal(error, (), is_conflict=is_conflict) from refused
        field = found.violation.fields[0]
        faults = [PlacedFault(place, field, found.message) for place in found.rows]
        raise Refusal(None, faults, is_conflict=is_conflict) from refused
