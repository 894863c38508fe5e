"""What MongoDB refuses or fails at, as errors of ours."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pymongo.errors as driver
from bson.errors import InvalidDocument

from penstock.kit import errors

_DENIED = (13, 18)  # Unauthorized, AuthenticationFailed
_TOO_LATE = (50, 262)  # MaxTimeMSExpired, ExceededTimeLimit
_CONTENDED = (112, 246)  # WriteConflict, SnapshotUnavailable
_INVALID_DOCUMENT = 121
_TOO_LARGE = (10334, 17419, 17420, 4568)  # BSONObjectTooLarge, after an update, of what is looked up
_TOO_MUCH = (146, 292, 16945, 17280)  # ExceededMemoryLimit, NoDiskUse, of $push, KeyTooLong
# NoSuchTransaction, TransactionExceededLifetimeLimitSeconds
ENDED = (251, 290)
_FULL = 388  # TransactionTooLargeForCache
_EXPRESSION = (51091, 51108, 51075, 2)  # a regular expression or a value that cannot be used


class Unfit(errors.BadRequest):
    """MongoDB refuses the record: it does not fit the schema of its collection."""


class Ended(errors.Contended):
    """MongoDB has ended the transaction before it was committed."""


class Unexpected(Exception):
    """A unique index refused a record, and the definition knows of no such index."""


@contextmanager
def translated() -> Generator[None]:
    """Errors of the driver come out as ours. Transactions that may be tried again stay what they are."""
    try:
        yield
    except driver.PyMongoError as error:
        if error.has_error_label("TransientTransactionError"):
            raise
        raise translate(error) from error
    except (InvalidDocument, driver.DocumentTooLarge) as error:
        raise errors.TooLarge("A record is too large for MongoDB, which takes 16 MiB.") from error


def translate(error: driver.PyMongoError) -> errors.PenstockError:  # noqa: PLR0911  (a table, one row a return)
    """The error of ours for one of the driver's, except for violations of indexes, which need the request's words."""
    code = code_of(error)
    if error.timeout or code in _TOO_LATE:
        if isinstance(error, driver.ServerSelectionTimeoutError):
            return errors.Unavailable("MongoDB cannot be reached; try again shortly.")
        return errors.GatewayTimeout(hint="Narrow the request, or index what it filters and sorts by.")
    if isinstance(error, driver.ConnectionFailure):
        return errors.Unavailable("MongoDB cannot be reached; try again shortly.")
    if isinstance(error, driver.DocumentTooLarge) or code in _TOO_LARGE:
        return errors.TooLarge("A record is too large for MongoDB, which takes 16 MiB.")
    if code in _DENIED:
        return errors.Unavailable(
            "MongoDB refuses the login of this data source; its credential must be put right."
        )
    if code in _CONTENDED:
        return errors.Contended()
    if code == _INVALID_DOCUMENT:
        return Unfit()
    if code == _FULL:
        return errors.BadRequest(
            "This is one transaction, and larger than the cache of MongoDB lets one be; nothing was changed.",
            hint="Send it in parts, or give MongoDB a larger cache.",
        )
    if code in _TOO_MUCH:
        return errors.BadRequest("The request needs more memory than MongoDB gives it; narrow it.")
    if code in _EXPRESSION:
        return errors.BadRequest("MongoDB cannot evaluate a condition of this request; use a simpler one.")
    return errors.Internal()


def code_of(error: driver.PyMongoError) -> int | None:
    """What MongoDB says the error is; of a bulk write, what its first record was refused for."""
    if isinstance(error, driver.BulkWriteError):
        details: Any = error.details
        return next((one["code"] for one in details.get("writeErrors", ())), error.code)
    return error.code if isinstance(error, driver.OperationFailure) else None
