-- Statements about queries of the explorer dialect that another service runs, and about the rows it sent.

-- name: add_query
-- A query under a slug; no row when the slug is taken.
INSERT INTO penstock.upstream_queries (slug, caller, text) VALUES ($1, $2, $3)
ON CONFLICT (slug) DO NOTHING
RETURNING slug

-- name: drop_oldest
-- All but the newest $2 queries of a caller.
DELETE FROM penstock.upstream_queries WHERE slug IN (
    SELECT slug FROM penstock.upstream_queries WHERE caller = $1 ORDER BY used_at DESC, slug OFFSET $2)

-- name: query
-- The text of a query, for who made it; used now, as far as a day matters.
UPDATE penstock.upstream_queries
   SET used_at = CASE WHEN used_at < now() - interval '1 hour' THEN now() ELSE used_at END
 WHERE slug = $1 AND caller = $2
RETURNING text

-- name: newest
-- The newest rows of a question, not older than $2 seconds when that is given.
SELECT file, columns::text AS columns, ends, size, truncated FROM penstock.upstream_results
 WHERE question = $1 AND ($2::float8 IS NULL OR retrieved_at >= now() - make_interval(secs => $2))
 ORDER BY retrieved_at DESC LIMIT 1

-- name: add_rows
-- Rows that were fetched.
INSERT INTO penstock.upstream_results (file, question, columns, ends, size, truncated)
VALUES ($1, $2, $3::text::jsonb, $4::bigint[], $5, $6)

-- name: forgotten
-- Takes away rows older than $1 seconds and gives their files; $2 at a time.
DELETE FROM penstock.upstream_results WHERE file IN (
    SELECT file FROM penstock.upstream_results WHERE retrieved_at < now() - make_interval(secs => $1) LIMIT $2)
RETURNING file

-- name: unused
-- Takes away queries that nobody has used for $1 seconds; $2 at a time.
DELETE FROM penstock.upstream_queries WHERE slug IN (
    SELECT slug FROM penstock.upstream_queries WHERE used_at < now() - make_interval(secs => $1) LIMIT $2)

-- name: known_files
-- Which of these files have rows of another service.
SELECT file FROM penstock.upstream_results WHERE file = ANY ($1::text[])
