-- The clock is (julianday('now') - 2440587.5) * 86400.0: unixepoch('subsec') needs SQLite 3.42.

-- name: row
SELECT *, (julianday('now') - 2440587.5) * 86400.0 AS now
FROM sessions
WHERE session_id = ?1 AND (?2 IS NULL OR owner = ?2)

-- name: before
-- ?1 session, ?2 owner or null, ?3 key, ?4 JSON array of the tool_ids that the append names; null:
-- of all calls that an executor was asked to make and that are not closed
SELECT s.*, (julianday('now') - 2440587.5) * 86400.0 AS now,
    e.seq AS found_seq, e.kind AS found_kind, e.version AS found_version, e.body AS found_body,
    (SELECT json_group_array(json_array(c.tool_id, c.generation_id, c.bound_to, c.state, c.seq))
     FROM calls c
     WHERE c.session_id = s.session_id AND c.tool_id IN (
        SELECT value FROM json_each(coalesce(?4, (
            SELECT json_group_array(tool_id) FROM calls WHERE session_id = ?1 AND state <> 'closed'
        )))
     )
    ) AS calls
FROM sessions s LEFT JOIN events e ON e.session_id = s.session_id AND e.key = ?3
WHERE s.session_id = ?1 AND (?2 IS NULL OR s.owner = ?2)

-- name: events
-- ?1 session, ?2 after, ?3 up to, ?4 rows, ?5 bytes: one row always comes
WITH sizes AS (
    SELECT seq, length(body) AS size FROM events
    WHERE session_id = ?1 AND seq > ?2 AND seq <= ?3
    ORDER BY seq
    LIMIT ?4
), running AS (
    SELECT seq, sum(size) OVER (ORDER BY seq) - size AS size_before FROM sizes
)
SELECT e.seq, e.key, e.kind, e.version, e.body, e.at
FROM running r JOIN events e ON e.session_id = ?1 AND e.seq = r.seq
WHERE r.size_before < ?5
ORDER BY e.seq

-- name: open_calls
SELECT e.seq, e.key, e.kind, e.version, e.body, e.at
FROM calls c
JOIN sessions s ON s.session_id = c.session_id
JOIN events e ON e.session_id = c.session_id AND e.seq = c.seq
WHERE c.session_id = ?1 AND c.state = 'open' AND c.bound_to IS s.journal_id
ORDER BY c.seq

-- name: find_handshake
-- Always one row
SELECT (julianday('now') - 2440587.5) * 86400.0 AS now,
    (SELECT session_id FROM sessions WHERE owner = ?1 AND handshake_id = ?2) AS session_id

-- name: create_session
INSERT INTO sessions
    (session_id, owner, handshake_id, head, epoch, journal_id, attached, seen_at, due_at,
     title, status, created_at, updated_at)
SELECT ?1, ?2, ?3, 0, 0, NULL, 0, now, now, ?4, 'idle', now, now
FROM (SELECT (julianday('now') - 2440587.5) * 86400.0 AS now)
WHERE true
ON CONFLICT DO NOTHING

-- name: move_session
-- Compare-and-set on head, decision and attempt: what the plan has read
UPDATE sessions SET
    head = :new_head,
    decision = :new_decision,
    attempt = :new_attempt,
    lost = :new_lost,
    open_calls = :open_calls,
    epoch = :epoch,
    journal_id = :journal_id,
    attached = :attached,
    status = :status,
    seen_at = CASE WHEN :seen THEN :at ELSE seen_at END,
    due_at = CASE WHEN :moves_due THEN :due_at ELSE due_at END,
    lease_by = CASE WHEN :frees_lease THEN NULL ELSE lease_by END,
    lease_until = CASE WHEN :frees_lease THEN 0 ELSE lease_until END,
    updated_at = :at
WHERE session_id = :session_id
    AND head = :head AND decision = :decision AND attempt = :attempt

-- name: insert_event
INSERT INTO events (session_id, seq, key, kind, version, body, at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)

-- name: put_call
INSERT INTO calls (session_id, tool_id, generation_id, bound_to, state, seq)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (session_id, tool_id) DO UPDATE SET state = excluded.state

-- name: close_calls
UPDATE calls SET state = 'closed' WHERE session_id = ?1 AND state <> 'closed'

-- name: rest
UPDATE sessions SET due_at = ?3 WHERE session_id = ?1 AND head = ?2 RETURNING head

-- name: claim
-- A worker takes its own lease again: the answer to its first try was lost
-- ?5 and ?6: how many the person's sessions may run at once, and the tokens of a day, or null
UPDATE sessions SET
    attempt = attempt + 1,
    lost = lost + (lease_by IS NOT NULL AND lease_by <> ?2),
    lease_by = ?2,
    lease_until = (julianday('now') - 2440587.5) * 86400.0 + ?4
WHERE session_id = ?1 AND decision = ?3
    AND (lease_until < (julianday('now') - 2440587.5) * 86400.0 OR lease_by = ?2)
    AND (?5 IS NULL OR ?5 > (
        SELECT count(*) FROM sessions o
        WHERE o.lease_by IS NOT NULL AND o.owner = sessions.owner
            AND o.lease_until > (julianday('now') - 2440587.5) * 86400.0 AND o.session_id <> ?1
    ))
    AND (?6 IS NULL OR ?6 > coalesce((
        SELECT tokens FROM spending p
        WHERE p.owner = sessions.owner
            AND p.day = CAST(julianday('now') - 2440587.5 AS INTEGER)
    ), 0))
RETURNING decision, attempt, lost

-- name: spent
-- What stands against a claim
SELECT clock.now, coalesce(p.tokens, 0) AS tokens,
    (SELECT count(*) FROM sessions o
     WHERE o.lease_by IS NOT NULL AND o.owner = s.owner AND o.lease_until > clock.now
        AND o.session_id <> s.session_id
    ) AS running
FROM sessions s
CROSS JOIN (SELECT (julianday('now') - 2440587.5) * 86400.0 AS now) AS clock
LEFT JOIN spending p ON p.owner = s.owner AND p.day = CAST(clock.now / 86400 AS INTEGER)
WHERE s.session_id = ?1

-- name: add_spending
INSERT INTO spending (owner, day, tokens)
SELECT owner, CAST(?2 / 86400 AS INTEGER), ?3 FROM sessions WHERE session_id = ?1
ON CONFLICT (owner, day) DO UPDATE SET tokens = tokens + excluded.tokens

-- name: reattempt
UPDATE sessions SET
    attempt = attempt + 1,
    lease_until = (julianday('now') - 2440587.5) * 86400.0 + ?5
WHERE session_id = ?1 AND lease_by = ?2 AND decision = ?3 AND attempt = ?4
RETURNING decision, attempt, lost

-- name: renew
UPDATE sessions SET lease_until = (julianday('now') - 2440587.5) * 86400.0 + ?2
WHERE lease_by = ?1
RETURNING session_id, decision, attempt

-- name: release
UPDATE sessions SET lease_by = NULL, lease_until = 0
WHERE session_id = ?1 AND lease_by = ?2 AND decision = ?3 AND attempt = ?4

-- name: due
-- ?1 rows, ?2 worker, ?3 seconds that a lease may still run
SELECT session_id,
    CASE WHEN lease_by = ?2 THEN 0.0 ELSE max(0.0, lease_until - now) END AS seconds
FROM sessions, (SELECT (julianday('now') - 2440587.5) * 86400.0 AS now)
WHERE due_at <= now AND (lease_until < now + ?3 OR lease_by = ?2)
ORDER BY due_at
LIMIT ?1

-- name: heads
SELECT session_id, head, epoch FROM sessions WHERE session_id IN (SELECT value FROM json_each(?1))

-- name: touch
UPDATE sessions SET seen_at = (julianday('now') - 2440587.5) * 86400.0
FROM json_each(?1) AS seen
WHERE sessions.session_id = seen.key AND sessions.epoch = seen.value

-- name: lost_executors
SELECT owner, session_id, epoch
FROM sessions
WHERE attached AND seen_at < (julianday('now') - 2440587.5) * 86400.0 - ?1
LIMIT ?2

-- name: list_sessions
SELECT session_id, title, status, created_at, updated_at, head, attached
FROM sessions
WHERE owner = ?1 AND (?2 IS NULL OR updated_at < ?2)
ORDER BY updated_at DESC, session_id
LIMIT ?3

-- name: summary
SELECT session_id, title, status, created_at, updated_at, head, attached
FROM sessions
WHERE owner = ?1 AND session_id = ?2

-- name: run_number
-- The last run that has ended; one more goes on where something was said that its end had not read
WITH ended AS (
    SELECT json_extract(body, '$.run') AS run, json_extract(body, '$.basis') AS basis
    FROM events
    WHERE session_id = ?1 AND kind = 'run_ended'
    ORDER BY seq DESC
    LIMIT 1
)
SELECT coalesce((SELECT run FROM ended), 0) + CASE WHEN EXISTS (
    SELECT 1 FROM events
    WHERE session_id = ?1 AND kind = 'user_said'
        AND seq > coalesce((SELECT basis FROM ended), 0)
) THEN 1 ELSE 0 END AS number

-- name: turn_end
-- ?1 session, ?2 up to, ?3 rewinds up to: the last turn that ended and was not taken back, or 0
SELECT coalesce((
    SELECT max(e.seq) FROM events e
    WHERE e.session_id = ?1 AND e.kind = 'run_ended' AND e.seq <= ?2 AND NOT EXISTS (
        SELECT 1 FROM events r
        WHERE r.session_id = ?1 AND r.kind = 'rewound' AND r.seq > e.seq AND r.seq <= ?3
            AND json_extract(r.body, '$.to_seq') < e.seq
    )
), 0) AS seq, EXISTS (
    SELECT 1 FROM events
    WHERE session_id = ?1 AND kind = 'user_said' AND seq > coalesce((
        SELECT json_extract(body, '$.basis') FROM events
        WHERE session_id = ?1 AND kind = 'run_ended'
        ORDER BY seq DESC
        LIMIT 1
    ), 0)
) AS run_open

-- name: copy_session
-- ?1 to ?4 the new session, ?5 the source, ?6 its last row
INSERT INTO sessions
    (session_id, owner, handshake_id, head, decision, epoch, journal_id, attached, seen_at, due_at,
     title, status, created_at, updated_at)
SELECT ?1, ?2, ?3, ?6, decision, epoch, NULL, 0, now, NULL, ?4, 'idle', now, now
FROM sessions, (SELECT (julianday('now') - 2440587.5) * 86400.0 AS now)
WHERE sessions.session_id = ?5 AND sessions.owner = ?2
ON CONFLICT DO NOTHING

-- name: copy_events
INSERT INTO events (session_id, seq, key, kind, version, body, at)
SELECT ?1, seq, key, kind, version, body, at FROM events WHERE session_id = ?2 AND seq <= ?3

-- name: copy_calls
INSERT INTO calls (session_id, tool_id, generation_id, bound_to, state, seq)
SELECT ?1, tool_id, generation_id, bound_to, 'closed', seq
FROM calls WHERE session_id = ?2 AND seq <= ?3

-- name: delete_session
DELETE FROM sessions WHERE owner = ?1 AND session_id = ?2 RETURNING session_id

-- name: create_account
INSERT INTO accounts (owner, name, token_hash, created_at, expires_at)
SELECT ?1, ?2, ?3, now, now + ?4
FROM (SELECT (julianday('now') - 2440587.5) * 86400.0 AS now)
WHERE true
ON CONFLICT (name) DO NOTHING
RETURNING owner

-- name: create_key
INSERT INTO keys (key_id, owner, token_hash, created_at, expires_at)
SELECT substr(?2, 1, 12), owner, ?2, now, now + ?3
FROM accounts, (SELECT (julianday('now') - 2440587.5) * 86400.0 AS now)
WHERE name = ?1
ON CONFLICT DO NOTHING
RETURNING key_id

-- name: list_keys
SELECT key_id, name, k.created_at, k.expires_at, k.revoked_at,
    (julianday('now') - 2440587.5) * 86400.0 AS now
FROM keys k JOIN accounts a ON a.owner = k.owner
ORDER BY name, k.created_at, key_id
LIMIT ?1

-- name: revoke_key
UPDATE keys SET revoked_at = coalesce(revoked_at, (julianday('now') - 2440587.5) * 86400.0)
WHERE key_id = ?1
RETURNING token_hash

-- name: revoke_first_key
-- Where the release before looks
UPDATE accounts SET revoked_at = coalesce(revoked_at, (julianday('now') - 2440587.5) * 86400.0)
WHERE token_hash = ?1

-- name: valid_keys
SELECT key_id
FROM keys, (SELECT (julianday('now') - 2440587.5) * 86400.0 AS now)
WHERE key_id IN (SELECT value FROM json_each(?1))
    AND (expires_at IS NULL OR expires_at > now) AND (revoked_at IS NULL OR revoked_at > now)

-- name: authenticate
SELECT a.owner, name, key_id
FROM keys k JOIN accounts a ON a.owner = k.owner,
    (SELECT (julianday('now') - 2440587.5) * 86400.0 AS now) AS clock
WHERE k.token_hash = ?1
    AND (k.expires_at IS NULL OR k.expires_at > now)
    AND (k.revoked_at IS NULL OR k.revoked_at > now)

-- name: any_account
SELECT 1 FROM accounts LIMIT 1
