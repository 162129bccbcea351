"""Votes, and what they have not yet added to the public scores."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("articles", sa.Column("scored_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "votes",
        sa.Column("comment_id", _Id, nullable=False),
        sa.Column("person_id", _Id, nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_votes_comment_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_votes_person_id")),
        sa.PrimaryKeyConstraint("comment_id", "person_id", name=op.f("pk_votes")),
    )
    op.create_index("ix_votes_person_id", "votes", ["person_id", "comment_id"], unique=False)
    op.create_table(
        "vote_marks",
        sa.Column("comment_id", _Id, nullable=False),
        sa.Column("article_id", _Id, nullable=False),
        sa.Column("up", sa.Integer(), nullable=False),
        sa.Column("down", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_vote_marks_article_id")),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_vote_marks_comment_id")),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_vote_marks")),
    )
    op.create_index("ix_vote_marks_article_id", "vote_marks", ["article_id", "comment_id"], unique=False)
