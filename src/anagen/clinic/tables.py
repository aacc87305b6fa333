"""The tables. ``entries`` is the record; all else is derived from it or kept beside it.

Times are text in ISO 8601, UTC, with microseconds, so that they sort, read and hash the same in
every database. Bodies are the exact text that was hashed.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# Revision of the tables below; `anagen.clinic.migrations` leads from every earlier one to it.
REVISION = "0001"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = String(64)
_TIME = String(32)
_DIGEST = String(64)

# Every version of everything, in the order in which it was written; only ever added to.
entries = Table(
    "entries",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("id", _ID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("person", _ID, nullable=True),
    Column("at", _TIME, nullable=False),
    Column("author", _ID, nullable=False),
    Column("reason", Text, nullable=False),
    Column("retracted", Boolean, nullable=False),
    Column("day", String(10), nullable=True),
    Column("body", Text, nullable=True),
    Column("body_digest", _DIGEST, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    UniqueConstraint("kind", "id", "version"),
    Index("ix_entries_person", "person", "seq"),
)

# The version that stands, of each thing.
heads = Table(
    "heads",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("id", _ID, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("seq", BigInteger, ForeignKey("entries.seq"), nullable=False),
    Column("person", _ID, nullable=True),
    Column("day", String(10), nullable=True),
    Column("retracted", Boolean, nullable=False),
    Index("ix_heads_person", "person", "kind", "day", "id"),
    Index("ix_heads_kind_day", "kind", "day", "id"),
)

# One row: the end of the chain of entries, and that of the access log.
chains = Table(
    "chains",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("digest", _DIGEST, nullable=False),
)

# Who looked at or changed what; only ever added to.
accesses = Table(
    "accesses",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", _TIME, nullable=False),
    Column("account", _ID, nullable=True),
    Column("token", _ID, nullable=True),
    Column("action", String(160), nullable=False),
    Column("person", _ID, nullable=True),
    Column("outcome", Integer, nullable=False),
    Column("request", String(40), nullable=False),
    Column("address", String(64), nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Index("ix_accesses_person", "person", "seq"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", _ID, primary_key=True),
    Column("display_name", String(200), nullable=False),
    Column("roles", String(200), nullable=False),
    Column("password", Text, nullable=False),
    Column("totp", Text, nullable=True),
    Column("totp_last", BigInteger, nullable=True),
    Column("disabled", Boolean, nullable=False),
    Column("created", _TIME, nullable=False),
    Column("changed", _TIME, nullable=False),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("id", _ID, nullable=False, unique=True),
    Column("account", _ID, ForeignKey("accounts.name"), nullable=False),
    Column("created", _TIME, nullable=False),
    Column("seen", _TIME, nullable=False),
    Column("expires", _TIME, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", String(200), nullable=False),
    Index("ix_sign_ins_account", "account"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("id", _ID, nullable=False, unique=True),
    Column("account", _ID, ForeignKey("accounts.name"), nullable=False),
    Column("label", String(200), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created", _TIME, nullable=False),
    Column("expires", _TIME, nullable=False),
    Column("seen", _TIME, nullable=True),
    Column("revoked", Boolean, nullable=False),
    Index("ix_tokens_account", "account"),
)

# Failed attempts to sign in, by account and by address.
throttles = Table(
    "throttles",
    metadata,
    Column("key", _DIGEST, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", _TIME, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("person", _ID, nullable=True),
    Column("account", _ID, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created", _TIME, nullable=False),
    Column("started", _TIME, nullable=True),
    Column("finished", _TIME, nullable=True),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("request", Text, nullable=False),
    Column("result", Text, nullable=True),
    Column("problem", Text, nullable=True),
    Index("ix_jobs_account", "account", "created"),
    Index("ix_jobs_state", "state"),
)
