-- Statements that are asked every few seconds by every caller, or that must be one statement to be right.
-- `held` lists the roles held on single resources as [kind, id, subject kind, role]; those of teams and of the
-- org count for their members, not for service keys.

-- name: principal_by_digest
-- The principal of a live key, by the digest of its secret.
SELECT u.id AS user_id, u.username, u.email, u.is_platform_admin, m.role AS org_role,
       o.id AS org_id, o.slug AS org_slug, k.id AS key_id, k.kind, k.name, k.role AS key_role, k.restricted,
       k.expires_at, k.requests_per_minute, nullif(k.claims, '{}') AS claims, t.ids AS team_ids,
       k.bound_kind, k.bound_id, k.behind_key_id, k.sealed IS NOT NULL AS is_shown,
       k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute' AS stale,
       (SELECT json_agg(json_build_array(a.resource_kind, a.resource_id, a.subject_kind, a.role))::text
          FROM penstock.role_assignments a
         WHERE a.org_id = o.id
           AND (a.subject_kind = 'key' AND a.subject_id = k.id
             OR a.subject_kind = 'user' AND a.subject_id = k.user_id
             OR a.subject_kind = 'team' AND a.subject_id = ANY(t.ids)
             OR a.subject_kind = 'org' AND a.subject_id = o.id AND k.kind = 'user')) AS held
  FROM penstock.api_keys k
  JOIN penstock.orgs o ON o.id = k.org_id
  LEFT JOIN penstock.users u ON u.id = k.user_id
  LEFT JOIN penstock.memberships m ON m.org_id = k.org_id AND m.user_id = k.user_id
  LEFT JOIN LATERAL (SELECT array_agg(e.id ORDER BY e.id) AS ids FROM penstock.team_members b
       JOIN penstock.teams e ON e.id = b.team_id WHERE b.user_id = k.user_id AND e.org_id = o.id) t ON true
 WHERE k.digest = $1
   AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
   AND (k.user_id IS NULL OR (u.is_active AND m.user_id IS NOT NULL))

-- name: digest_of_key
-- For access tokens that a key was exchanged for: its digest, which leads on to its principal.
SELECT digest FROM penstock.api_keys WHERE id = $1

-- name: principal_by_token
-- The principal of a verified access token, unless user, membership, token version or login have ended.
SELECT u.id AS user_id, u.username, u.email, u.is_platform_admin, m.role AS org_role,
       o.id AS org_id, o.slug AS org_slug, t.ids AS team_ids,
       (SELECT json_agg(json_build_array(a.resource_kind, a.resource_id, a.subject_kind, a.role))::text
          FROM penstock.role_assignments a
         WHERE a.org_id = o.id
           AND (a.subject_kind = 'user' AND a.subject_id = u.id
             OR a.subject_kind = 'team' AND a.subject_id = ANY(t.ids)
             OR a.subject_kind = 'org' AND a.subject_id = o.id)) AS held
  FROM penstock.users u
  JOIN penstock.memberships m ON m.user_id = u.id
  JOIN penstock.orgs o ON o.id = m.org_id
  LEFT JOIN LATERAL (SELECT array_agg(e.id ORDER BY e.id) AS ids FROM penstock.team_members b
       JOIN penstock.teams e ON e.id = b.team_id WHERE b.user_id = u.id AND e.org_id = o.id) t ON true
 WHERE u.id = $1 AND o.id = $2 AND u.is_active AND u.token_version = $3
   AND ($4::text IS NULL OR EXISTS (
        SELECT FROM penstock.refresh_tokens t
         WHERE t.family = $4 AND t.user_id = u.id AND t.revoked_at IS NULL))

-- name: principal_by_user
-- The principal of a user in an org, for work that goes on after their request; unless user or membership have ended.
SELECT u.id AS user_id, u.username, u.email, u.is_platform_admin, m.role AS org_role,
       o.id AS org_id, o.slug AS org_slug, t.ids AS team_ids,
       (SELECT json_agg(json_build_array(a.resource_kind, a.resource_id, a.subject_kind, a.role))::text
          FROM penstock.role_assignments a
         WHERE a.org_id = o.id
           AND (a.subject_kind = 'user' AND a.subject_id = u.id
             OR a.subject_kind = 'team' AND a.subject_id = ANY(t.ids)
             OR a.subject_kind = 'org' AND a.subject_id = o.id)) AS held
  FROM penstock.users u
  JOIN penstock.memberships m ON m.user_id = u.id
  JOIN penstock.orgs o ON o.id = m.org_id
  LEFT JOIN LATERAL (SELECT array_agg(e.id ORDER BY e.id) AS ids FROM penstock.team_members b
       JOIN penstock.teams e ON e.id = b.team_id WHERE b.user_id = u.id AND e.org_id = o.id) t ON true
 WHERE u.id = $1 AND o.id = $2 AND u.is_active

-- name: session_by_digest
-- The login behind a session token, which leads on to its principal.
SELECT s.user_id, s.org_id, s.family, s.expires_at, u.token_version
  FROM penstock.refresh_tokens s
  JOIN penstock.users u ON u.id = s.user_id
 WHERE s.digest = $1 AND s.kind = 'session' AND s.revoked_at IS NULL AND s.expires_at > now()

-- name: touch_keys
-- Note that keys were used, at most once a minute each.
UPDATE penstock.api_keys SET last_used_at = now()
 WHERE id = ANY($1::bigint[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')

-- name: take_tokens
-- Fill a bucket ($2 capacity, $3 per second) for the time gone by and take $4 from it; no row when there are too few.
INSERT INTO penstock.rate_buckets AS b (key, tokens, updated_at)
VALUES ($1, $2::float8 - $4::float8, clock_timestamp())
ON CONFLICT (key) DO UPDATE
   SET tokens = least($2::float8, b.tokens + $3::float8 * extract(epoch FROM clock_timestamp() - b.updated_at))
              - $4::float8,
       updated_at = clock_timestamp()
 WHERE least($2::float8, b.tokens + $3::float8 * extract(epoch FROM clock_timestamp() - b.updated_at)) >= $4::float8
RETURNING tokens

-- name: tokens_left
-- What a bucket holds now.
SELECT least($2::float8, tokens + $3::float8 * extract(epoch FROM clock_timestamp() - updated_at))
  FROM penstock.rate_buckets WHERE key = $1

-- name: give_token_back
-- Undo the taking of one token.
UPDATE penstock.rate_buckets SET tokens = least($2::float8, tokens + 1) WHERE key = $1

-- name: purge_buckets
-- Buckets that nobody has used for a day are full anyway.
DELETE FROM penstock.rate_buckets WHERE updated_at < now() - interval '1 day'

-- name: forget_tokens
-- Tokens and sessions that expired a day ago; refused they are from the first moment. $1 at a time.
DELETE FROM penstock.refresh_tokens WHERE id IN (
    SELECT id FROM penstock.refresh_tokens WHERE expires_at < now() - interval '1 day'
     LIMIT $1 FOR UPDATE SKIP LOCKED)

-- name: insert_audit_entry
-- Needs no more than the right to insert: the role that writes records has only that.
INSERT INTO penstock.audit_entries
       (org_id, actor_kind, actor_id, actor_name, action, resource_kind, resource_id, resource_name, detail, request_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10)
