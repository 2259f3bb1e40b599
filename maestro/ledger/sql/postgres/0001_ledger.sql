-- Times are Unix seconds. A session's row is the index of its events: every column but seen_at and
-- the lease can be told from them.

CREATE TABLE sessions (
    session_id   text PRIMARY KEY,
    owner        text NOT NULL,
    handshake_id text,
    head         integer NOT NULL,
    decision     integer NOT NULL DEFAULT 0,
    attempt      integer NOT NULL DEFAULT 0,
    lost         integer NOT NULL DEFAULT 0,
    open_calls   integer NOT NULL DEFAULT 0,
    epoch        integer NOT NULL,
    journal_id   text,
    attached     boolean NOT NULL,
    seen_at      double precision NOT NULL,
    due_at       double precision,
    lease_by     text,
    lease_until  double precision NOT NULL DEFAULT 0,
    title        text NOT NULL,
    status       text NOT NULL,
    created_at   double precision NOT NULL,
    updated_at   double precision NOT NULL,
    UNIQUE (owner, handshake_id)
) WITH (fillfactor = 70);  -- room to update a row where it is

CREATE INDEX sessions_due ON sessions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX sessions_leased ON sessions (lease_by) WHERE lease_by IS NOT NULL;
CREATE INDEX sessions_attached ON sessions (session_id) WHERE attached;

CREATE TABLE events (
    session_id text NOT NULL REFERENCES sessions ON DELETE CASCADE,
    seq        integer NOT NULL,
    key        text NOT NULL,
    kind       text NOT NULL,
    version    integer NOT NULL,
    body       text NOT NULL,
    at         double precision NOT NULL,
    PRIMARY KEY (session_id, seq),
    UNIQUE (session_id, key)
);

-- Which call may still be answered, by whom. `seq` is the ToolAsked that issued it.
CREATE TABLE calls (
    session_id    text NOT NULL REFERENCES sessions ON DELETE CASCADE,
    tool_id       text NOT NULL,
    generation_id text NOT NULL,
    bound_to      text,
    state         text NOT NULL CHECK (state IN ('open', 'cancelled', 'closed')),
    seq           integer NOT NULL,
    PRIMARY KEY (session_id, tool_id)
);

CREATE TABLE accounts (
    owner      text PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    token_hash text NOT NULL UNIQUE,
    created_at double precision NOT NULL,
    expires_at double precision,
    revoked_at double precision
);
