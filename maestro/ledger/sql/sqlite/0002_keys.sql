-- A person has any number of keys; what generations cost is summed up by person and day.
-- An account's first key stays in its own row too, where the release before looks for it.

CREATE TABLE keys (
    key_id     TEXT PRIMARY KEY,
    owner      TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    created_at REAL NOT NULL,
    expires_at REAL,
    revoked_at REAL
) STRICT;

CREATE INDEX keys_owner ON keys (owner);

-- Accounts that the release before makes while both serve have their key here as well.
CREATE TRIGGER accounts_first_key AFTER INSERT ON accounts
BEGIN
    INSERT INTO keys (key_id, owner, token_hash, created_at, expires_at, revoked_at)
    VALUES (substr(NEW.token_hash, 1, 12), NEW.owner, NEW.token_hash, NEW.created_at,
        NEW.expires_at, NEW.revoked_at);
END;

INSERT INTO keys (key_id, owner, token_hash, created_at, expires_at, revoked_at)
SELECT substr(token_hash, 1, 12), owner, token_hash, created_at, expires_at, revoked_at
FROM accounts;

-- `day` counts from 1970-01-01, UTC.
CREATE TABLE spending (
    owner  TEXT NOT NULL,
    day    INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (owner, day)
) STRICT, WITHOUT ROWID;
