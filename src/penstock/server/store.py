"""Tables that describe the installation itself: its identity, and the database roles it made."""

from sqlalchemy import CheckConstraint, Column, LargeBinary, SmallInteger, Table, Uuid, text

from penstock.kit.metadata import TEXT, created_column, metadata

installation = Table(
    "installation",
    metadata,
    # One row only: a database holds one installation.
    Column("one", SmallInteger, primary_key=True, autoincrement=False, server_default="1"),
    Column("id", Uuid, nullable=False),
    Column("role_prefix", TEXT, nullable=False),
    # What the last start found in place; equal to what a start would do means there is nothing to do.
    Column("stamp", TEXT, nullable=False, server_default=""),
    created_column(),
    CheckConstraint("one = 1", name="single"),
)

database_roles = Table(
    "database_roles",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("purpose", TEXT, nullable=False),
    # Encrypted with the installation's keys, bound to the role's name.
    Column("password", TEXT, nullable=False),
    created_column(),
    CheckConstraint("purpose IN ('owner', 'records', 'reader')", name="purpose"),
)

# By this key the policies know what the server itself tells them of the reader of a query; see `queries.run.fence`.
reader_seal = Table(
    "reader_seal",
    metadata,
    Column("one", SmallInteger, primary_key=True, autoincrement=False, server_default="1"),
    Column(
        "key",
        LargeBinary,
        nullable=False,
        server_default=text("uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"),
    ),
    CheckConstraint("one = 1", name="single"),
)
