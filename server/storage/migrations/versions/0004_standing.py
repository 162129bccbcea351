"""An index of those who are not guests, so that a new guest's name is compared with theirs alone."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(
        "ix_people_standing",
        "people",
        ["skeleton", "role"],
        unique=False,
        sqlite_where=sa.text("role != 'guest'"),
        postgresql_where=sa.text("role != 'guest'"),
    )
