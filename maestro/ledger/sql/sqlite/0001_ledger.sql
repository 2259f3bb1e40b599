-- Times are Unix seconds. A session's row is the index of its events: every column but seen_at and
-- the lease can be told from them.

CREATE TABLE sessions (
    session_id   TEXT PRIMARY KEY,
    owner        TEXT NOT NULL,
    handshake_id TEXT,
    head         INTEGER NOT NULL,
    decision     INTEGER NOT NULL DEFAULT 0,
    attempt      INTEGER NOT NULL DEFAULT 0,
    lost         INTEGER NOT NULL DEFAULT 0,
    open_calls   INTEGER NOT NULL DEFAULT 0,
    epoch        INTEGER NOT NULL,
    journal_id   TEXT,
    attached     INTEGER NOT NULL,
    seen_at      REAL NOT NULL,
    due_at       REAL,
    lease_by     TEXT,
    lease_until  REAL NOT NULL DEFAULT 0,
    title        TEXT NOT NULL,
    status       TEXT NOT NULL,
    created_at   REAL NOT NULL,
    updated_at   REAL NOT NULL,
    UNIQUE (owner, handshake_id)
) STRICT;

CREATE INDEX sessions_due ON sessions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX sessions_leased ON sessions (lease_by) WHERE lease_by IS NOT NULL;
CREATE INDEX sessions_attached ON sessions (session_id) WHERE attached;

CREATE TABLE events (
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    key        TEXT NOT NULL,
    kind       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    body       TEXT NOT NULL,
    at         REAL NOT NULL,
    PRIMARY KEY (session_id, seq),
    UNIQUE (session_id, key)
) STRICT;

-- Which call may still be answered, by whom. `seq` is the ToolAsked that issued it.
CREATE TABLE calls (
    session_id    TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    tool_id       TEXT NOT NULL,
    generation_id TEXT NOT NULL,
    bound_to      TEXT,
    state         TEXT NOT NULL CHECK (state IN ('open', 'cancelled', 'closed')),
    seq           INTEGER NOT NULL,
    PRIMARY KEY (session_id, tool_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    owner      TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    token_hash TEXT NOT NULL UNIQUE,
    created_at REAL NOT NULL,
    expires_at REAL,
    revoked_at REAL
) STRICT;
