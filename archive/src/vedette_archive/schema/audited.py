"""Tables of the audit: a chain of rows to which a row can be added, and from which none can be taken."""

from sqlalchemy import DDL, CheckConstraint, Column, Integer, Table, Text, event

from .common import Number, metadata

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Number, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""Who did what, when, on which host, about what; `facts` is JSON.

`hash` is the SHA-256 of all the others, and `before` is the hash of the row with the number before.
"""

audit_ends = Table(
    "audit_ends",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cut", Number, nullable=False, server_default="0"),
    Column("cut_hash", Text, nullable=False, server_default=""),
    Column("number", Number, nullable=False, server_default="0"),
    Column("hash", Text, nullable=False, server_default=""),
    CheckConstraint("id = 1", name="one_row"),
)
"""One row: up to which number retention has cut the chain, with the hash of that row; and its last row."""

TRIGGERS = (
    "CREATE TRIGGER audit_in_order BEFORE INSERT ON audit "
    "WHEN new.number IS NOT (SELECT number + 1 FROM audit_ends) "
    "BEGIN SELECT RAISE(ABORT, 'the audit is written in order'); END",
    "CREATE TRIGGER audit_end AFTER INSERT ON audit "
    "BEGIN UPDATE audit_ends SET number = new.number, hash = new.hash; END",
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
    "WHEN old.number > (SELECT cut FROM audit_ends) "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    "CREATE TRIGGER audit_ends_forward BEFORE UPDATE ON audit_ends "
    "WHEN new.number < old.number OR new.cut < old.cut OR new.cut > new.number "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    "CREATE TRIGGER audit_ends_stay BEFORE DELETE ON audit_ends "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
)
"""They keep a slip, and programs of ours, from changing what is there; not who can write the file: a
changed row is found by its hash."""

for _trigger in TRIGGERS:
    event.listen(metadata, "after_create", DDL(_trigger).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
