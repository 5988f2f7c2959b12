"""What a program told of itself with its last heartbeat."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make room for it; of programs that were heard before it is not known."""
    op.add_column("senders", sa.Column("told", sa.Text(), nullable=True))
