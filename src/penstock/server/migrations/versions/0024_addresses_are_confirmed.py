"""Addresses are confirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("is_email_verified", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    op.add_column("users", column, schema="penstock")
