-- The clock is extract(epoch FROM statement_timestamp())::float8.

-- name: row
SELECT *, extract(epoch FROM statement_timestamp())::float8 AS now
FROM sessions
WHERE session_id = $1 AND ($2::text IS NULL OR owner = $2)

-- name: before
-- $1 session, $2 owner or null, $3 key, $4 JSON array of the tool_ids that the append names; null:
-- of all calls that an executor was asked to make and that are not closed
SELECT s.*, extract(epoch FROM statement_timestamp())::float8 AS now,
    e.seq AS found_seq, e.kind AS found_kind, e.version AS found_version, e.body AS found_body,
    (SELECT json_agg(json_build_array(c.tool_id, c.generation_id, c.bound_to, c.state, c.seq))
     FROM calls c
     WHERE c.session_id = s.session_id
        AND c.tool_id IN (SELECT json_array_elements_text(coalesce($4::json, (
            SELECT json_agg(tool_id) FROM calls WHERE session_id = $1 AND state <> 'closed'
        ))))
    ) AS calls
FROM sessions s LEFT JOIN events e ON e.session_id = s.session_id AND e.key = $3
WHERE s.session_id = $1 AND ($2::text IS NULL OR s.owner = $2)

-- name: events
-- $1 session, $2 after, $3 up to, $4 rows, $5 bytes: one row always comes
WITH sizes AS (
    SELECT seq, octet_length(body) AS size FROM events
    WHERE session_id = $1 AND seq > $2 AND seq <= $3
    ORDER BY seq
    LIMIT $4
), running AS (
    SELECT seq, sum(size) OVER (ORDER BY seq) - size AS size_before FROM sizes
)
SELECT e.seq, e.key, e.kind, e.version, e.body, e.at
FROM running r JOIN events e ON e.session_id = $1 AND e.seq = r.seq
WHERE r.size_before < $5
ORDER BY e.seq

-- name: open_calls
SELECT e.seq, e.key, e.kind, e.version, e.body, e.at
FROM calls c
JOIN sessions s ON s.session_id = c.session_id
JOIN events e ON e.session_id = c.session_id AND e.seq = c.seq
WHERE c.session_id = $1 AND c.state = 'open' AND c.bound_to IS NOT DISTINCT FROM s.journal_id
ORDER BY c.seq

-- name: find_handshake
-- Always one row
SELECT extract(epoch FROM statement_timestamp())::float8 AS now,
    (SELECT session_id FROM sessions WHERE owner = $1 AND handshake_id = $2) AS session_id

-- name: create_session
INSERT INTO sessions
    (session_id, owner, handshake_id, head, epoch, journal_id, attached, seen_at, due_at,
     title, status, created_at, updated_at)
SELECT $1, $2, $3, 0, 0, NULL, false, now, now, $4, 'idle', now, now
FROM (SELECT extract(epoch FROM statement_timestamp())::float8 AS now) AS clock
ON CONFLICT DO NOTHING
RETURNING session_id

-- name: change
-- Compare-and-set on head, decision and attempt: what the plan has read. `changed` or `claimed` ends
-- the statement
WITH moved AS (
    UPDATE sessions SET
        head = $5,
        decision = $6,
        attempt = $7,
        lost = $8,
        open_calls = $9,
        epoch = $10,
        journal_id = $11,
        attached = $12,
        status = $13,
        seen_at = CASE WHEN $15 THEN $14 ELSE seen_at END,
        due_at = CASE WHEN $16 THEN $17 ELSE due_at END,
        lease_by = CASE WHEN $18 THEN NULL ELSE lease_by END,
        lease_until = CASE WHEN $18 THEN 0 ELSE lease_until END,
        updated_at = $14
    WHERE session_id = $1 AND head = $2 AND decision = $3 AND attempt = $4
    RETURNING session_id, owner
), written AS (
    INSERT INTO events (session_id, seq, key, kind, version, body, at)
    SELECT moved.session_id, r.seq, r.key, r.kind, r.version, r.body, $14
    FROM moved, unnest($19::int[], $20::text[], $21::text[], $22::int[], $23::text[])
        AS r (seq, key, kind, version, body)
), closed AS (
    UPDATE calls SET state = 'closed'
    FROM moved
    WHERE $24 AND calls.session_id = moved.session_id AND state <> 'closed'
        AND calls.tool_id <> ALL ($25::text[])
), put AS (
    INSERT INTO calls (session_id, tool_id, generation_id, bound_to, state, seq)
    SELECT moved.session_id, c.tool_id, c.generation_id, c.bound_to, c.state, c.seq
    FROM moved, unnest($25::text[], $26::text[], $27::text[], $28::text[], $29::int[])
        AS c (tool_id, generation_id, bound_to, state, seq)
    ON CONFLICT (session_id, tool_id) DO UPDATE SET state = excluded.state
), spent AS (
    INSERT INTO spending AS p (owner, day, tokens)
    SELECT owner, floor($14::float8 / 86400)::int, $30::bigint FROM moved WHERE $30::bigint > 0
    ON CONFLICT (owner, day) DO UPDATE SET tokens = p.tokens + excluded.tokens
)

-- name: changed
SELECT session_id FROM moved

-- name: claimed
-- $31 worker, $32 seconds, $33 and $34: the person's bounds, or null. The function sees the row as
-- `moved` left it. It waits for its turn among the person's claims, and whoever has that may wait for
-- this row: so where the turn is not free there is no claim
SELECT claimed.decision, claimed.attempt, claimed.lost
FROM moved LEFT JOIN LATERAL claim_generation(
    CASE WHEN ($33::bigint IS NULL AND $34::bigint IS NULL)
        OR pg_try_advisory_xact_lock(hashtextextended(moved.owner, 0))
    THEN moved.session_id END,
    $31::text, $6::int, $32::float8, $33::bigint, $34::bigint
) AS claimed ON true

-- name: rest
UPDATE sessions SET due_at = $3 WHERE session_id = $1 AND head = $2 RETURNING head

-- name: claim
-- $1 session, $2 worker, $3 decision, $4 seconds, $5 and $6: the person's bounds, or null
SELECT decision, attempt, lost
FROM claim_generation($1, $2, $3, $4::float8, $5::bigint, $6::bigint)

-- name: spent
-- What stands against a claim
SELECT clock.now, coalesce(p.tokens, 0) AS tokens,
    (SELECT count(*) FROM sessions o
     WHERE o.lease_by IS NOT NULL AND o.owner = s.owner AND o.lease_until > clock.now
        AND o.session_id <> s.session_id
    ) AS running
FROM sessions s
CROSS JOIN (SELECT extract(epoch FROM statement_timestamp())::float8 AS now) AS clock
LEFT JOIN spending p ON p.owner = s.owner AND p.day = floor(clock.now / 86400)
WHERE s.session_id = $1

-- name: reattempt
UPDATE sessions SET
    attempt = attempt + 1,
    lease_until = extract(epoch FROM statement_timestamp())::float8 + $5::float8
WHERE session_id = $1 AND lease_by = $2 AND decision = $3 AND attempt = $4
RETURNING decision, attempt, lost

-- name: renew
-- Rows are locked in one order, here and in `touch`: else the two could wait for each other
WITH mine AS (
    SELECT session_id FROM sessions WHERE lease_by = $1 ORDER BY session_id FOR NO KEY UPDATE
)
UPDATE sessions SET lease_until = extract(epoch FROM statement_timestamp())::float8 + $2::float8
FROM mine
WHERE sessions.session_id = mine.session_id
RETURNING sessions.session_id, decision, attempt

-- name: release
UPDATE sessions SET lease_by = NULL, lease_until = 0
WHERE session_id = $1 AND lease_by = $2 AND decision = $3 AND attempt = $4

-- name: due
-- $1 rows, $2 worker, $3 seconds that a lease may still run
SELECT session_id,
    CASE WHEN lease_by = $2 THEN 0 ELSE greatest(
        0, lease_until - extract(epoch FROM statement_timestamp())::float8
    ) END AS seconds
FROM sessions
WHERE due_at <= extract(epoch FROM statement_timestamp())::float8
    AND (
        lease_until < extract(epoch FROM statement_timestamp())::float8 + $3::float8
        OR lease_by = $2
    )
ORDER BY due_at
LIMIT $1

-- name: heads
SELECT session_id, head, epoch FROM sessions
WHERE session_id IN (SELECT json_array_elements_text($1::json))

-- name: touch
WITH seen AS (
    SELECT s.session_id
    FROM sessions s JOIN json_each_text($1::json) AS e
        ON s.session_id = e.key AND s.epoch = e.value::int
    ORDER BY s.session_id
    FOR NO KEY UPDATE OF s
)
UPDATE sessions SET seen_at = extract(epoch FROM statement_timestamp())::float8
FROM seen
WHERE sessions.session_id = seen.session_id

-- name: lost_executors
SELECT owner, session_id, epoch
FROM sessions
WHERE attached AND seen_at < extract(epoch FROM statement_timestamp())::float8 - $1::float8
LIMIT $2

-- name: list_sessions
SELECT session_id, title, status, created_at, updated_at, head, attached
FROM sessions
WHERE owner = $1 AND ($2::float8 IS NULL OR updated_at < $2)
ORDER BY updated_at DESC, session_id
LIMIT $3

-- name: summary
SELECT session_id, title, status, created_at, updated_at, head, attached
FROM sessions
WHERE owner = $1 AND session_id = $2

-- name: run_number
-- The last run that has ended; one more goes on where something was said that its end had not read
WITH ended AS (
    SELECT (body::json ->> 'run')::int AS run, (body::json ->> 'basis')::int AS basis
    FROM events
    WHERE session_id = $1 AND kind = 'run_ended'
    ORDER BY seq DESC
    LIMIT 1
)
SELECT coalesce((SELECT run FROM ended), 0) + CASE WHEN EXISTS (
    SELECT 1 FROM events
    WHERE session_id = $1 AND kind = 'user_said'
        AND seq > coalesce((SELECT basis FROM ended), 0)
) THEN 1 ELSE 0 END AS number

-- name: turn_end
-- $1 session, $2 up to, $3 rewinds up to: the last turn that ended and was not taken back, or 0
SELECT coalesce((
    SELECT max(e.seq) FROM events e
    WHERE e.session_id = $1 AND e.kind = 'run_ended' AND e.seq <= $2 AND NOT EXISTS (
        SELECT 1 FROM events r
        WHERE r.session_id = $1 AND r.kind = 'rewound' AND r.seq > e.seq AND r.seq <= $3
            AND (r.body::json ->> 'to_seq')::int < e.seq
    )
), 0) AS seq, EXISTS (
    SELECT 1 FROM events
    WHERE session_id = $1 AND kind = 'user_said' AND seq > coalesce((
        SELECT (body::json ->> 'basis')::int FROM events
        WHERE session_id = $1 AND kind = 'run_ended'
        ORDER BY seq DESC
        LIMIT 1
    ), 0)
) AS run_open

-- name: copy_session
-- $1 to $4 the new session, $5 the source, $6 its last row
WITH made AS (
    INSERT INTO sessions
        (session_id, owner, handshake_id, head, decision, epoch, journal_id, attached, seen_at,
         due_at, title, status, created_at, updated_at)
    SELECT $1, $2, $3, $6, decision, epoch, NULL, false, now, NULL, $4, 'idle', now, now
    FROM sessions, (SELECT extract(epoch FROM statement_timestamp())::float8 AS now) AS clock
    WHERE sessions.session_id = $5 AND sessions.owner = $2
    ON CONFLICT DO NOTHING
    RETURNING session_id
), rows AS (
    INSERT INTO events (session_id, seq, key, kind, version, body, at)
    SELECT made.session_id, e.seq, e.key, e.kind, e.version, e.body, e.at
    FROM made, events e WHERE e.session_id = $5 AND e.seq <= $6
), closed AS (
    INSERT INTO calls (session_id, tool_id, generation_id, bound_to, state, seq)
    SELECT made.session_id, c.tool_id, c.generation_id, c.bound_to, 'closed', c.seq
    FROM made, calls c WHERE c.session_id = $5 AND c.seq <= $6
)
SELECT session_id FROM made

-- name: delete_session
DELETE FROM sessions WHERE owner = $1 AND session_id = $2 RETURNING session_id

-- name: create_account
INSERT INTO accounts (owner, name, token_hash, created_at, expires_at)
SELECT $1, $2, $3, now, now + $4::float8
FROM (SELECT extract(epoch FROM statement_timestamp())::float8 AS now) AS clock
ON CONFLICT (name) DO NOTHING
RETURNING owner

-- name: create_key
INSERT INTO keys (key_id, owner, token_hash, created_at, expires_at)
SELECT left($2, 12), owner, $2, now, now + $3::float8
FROM accounts, (SELECT extract(epoch FROM statement_timestamp())::float8 AS now) AS clock
WHERE name = $1
ON CONFLICT DO NOTHING
RETURNING key_id

-- name: list_keys
SELECT key_id, name, k.created_at, k.expires_at, k.revoked_at,
    extract(epoch FROM statement_timestamp())::float8 AS now
FROM keys k JOIN accounts a ON a.owner = k.owner
ORDER BY name, k.created_at, key_id
LIMIT $1

-- name: revoke_key
UPDATE keys SET revoked_at = coalesce(revoked_at, extract(epoch FROM statement_timestamp())::float8)
WHERE key_id = $1
RETURNING token_hash

-- name: revoke_first_key
-- Where the release before looks
UPDATE accounts SET revoked_at = coalesce(revoked_at, extract(epoch FROM statement_timestamp())::float8)
WHERE token_hash = $1

-- name: valid_keys
SELECT key_id
FROM keys, (SELECT extract(epoch FROM statement_timestamp())::float8 AS now) AS clock
WHERE key_id IN (SELECT json_array_elements_text($1::json))
    AND (expires_at IS NULL OR expires_at > now) AND (revoked_at IS NULL OR revoked_at > now)

-- name: authenticate
SELECT a.owner, name, key_id
FROM keys k JOIN accounts a ON a.owner = k.owner,
    (SELECT extract(epoch FROM statement_timestamp())::float8 AS now) AS clock
WHERE k.token_hash = $1
    AND (k.expires_at IS NULL OR k.expires_at > now)
    AND (k.revoked_at IS NULL OR k.revoked_at > now)

-- name: any_account
SELECT 1 FROM accounts LIMIT 1

-- name: has_schema
SELECT to_regclass('migrations') IS NOT NULL AS made,
    current_setting('transaction_read_only') = 'on' AS read_only

-- name: schema
SELECT coalesce(max(number), 0) AS number FROM migrations
