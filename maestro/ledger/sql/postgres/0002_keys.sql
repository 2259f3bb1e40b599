-- A person has any number of keys; what generations cost is summed up by person and day.
-- An account's first key stays in its own row too, where the release before looks for it.

CREATE TABLE keys (
    key_id     text PRIMARY KEY,
    owner      text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    token_hash text NOT NULL UNIQUE,
    created_at double precision NOT NULL,
    expires_at double precision,
    revoked_at double precision
);

CREATE INDEX keys_owner ON keys (owner);

-- Accounts that the release before makes while both serve have their key here as well.
CREATE FUNCTION copy_first_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO keys (key_id, owner, token_hash, created_at, expires_at, revoked_at)
    VALUES (left(NEW.token_hash, 12), NEW.owner, NEW.token_hash, NEW.created_at, NEW.expires_at,
        NEW.revoked_at);
    RETURN NULL;
END $$;

CREATE TRIGGER accounts_first_key AFTER INSERT ON accounts
FOR EACH ROW EXECUTE FUNCTION copy_first_key();

INSERT INTO keys (key_id, owner, token_hash, created_at, expires_at, revoked_at)
SELECT left(token_hash, 12), owner, token_hash, created_at, expires_at, revoked_at FROM accounts;

-- `day` counts from 1970-01-01, UTC.
CREATE TABLE spending (
    owner  text NOT NULL,
    day    integer NOT NULL,
    tokens bigint NOT NULL,
    PRIMARY KEY (owner, day)
);

-- Claims of one person take turns, so that no two of them take the last place: each statement in
-- here sees what was committed before it. A null bound does not bind. A worker takes its own lease
-- again: the answer to its first try was lost.
CREATE FUNCTION claim_generation(
    claimed text, worker text, at_decision integer, lease double precision,
    most_running bigint, most_tokens bigint
) RETURNS TABLE (decision integer, attempt integer, lost integer) LANGUAGE plpgsql AS $$
DECLARE
    person text;
    clock double precision;
BEGIN
    SELECT s.owner INTO person FROM sessions s WHERE s.session_id = claimed;
    IF person IS NULL THEN
        RETURN;
    END IF;
    IF most_running IS NOT NULL OR most_tokens IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(person, 0));
    END IF;
    clock := extract(epoch FROM clock_timestamp());
    IF most_running <= (
        SELECT count(*) FROM sessions s
        WHERE s.lease_by IS NOT NULL AND s.owner = person AND s.lease_until > clock
            AND s.session_id <> claimed
    ) OR most_tokens <= (
        SELECT p.tokens FROM spending p WHERE p.owner = person AND p.day = floor(clock / 86400)
    ) THEN
        RETURN;
    END IF;
    RETURN QUERY UPDATE sessions AS s SET
        attempt = s.attempt + 1,
        lost = s.lost + (s.lease_by IS NOT NULL AND s.lease_by <> worker)::int,
        lease_by = worker,
        lease_until = clock + lease
    WHERE s.session_id = claimed AND s.decision = at_decision
        AND (s.lease_until < clock OR s.lease_by = worker)
    RETURNING s.decision, s.attempt, s.lost;
END $$;
