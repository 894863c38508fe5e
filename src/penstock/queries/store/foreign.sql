-- Statements about foreign data sources: those that are no app's.

-- name: add_foreign
-- A new one; no row when its slug or name is taken.
INSERT INTO penstock.data_sources (org_id, name, slug, provider_type, provider_config, credential_id, created_by)
VALUES ($1, $2, $3, $4, $5::text::json, $6, $7)
ON CONFLICT DO NOTHING
RETURNING id

-- name: foreign_named
-- Whether one of this name is there ($2), other than $3.
SELECT EXISTS (
    SELECT FROM penstock.data_sources
     WHERE org_id = $1 AND name = $2 AND app_id IS NULL AND is_active AND id <> $3)

-- name: foreign_slugs
-- The slugs that begin like this.
SELECT slug FROM penstock.data_sources
 WHERE org_id = $1 AND app_id IS NULL AND is_active AND starts_with(slug, $2)

-- name: foreign_config
-- What else is kept of one: its configuration, and the tables it had last.
SELECT provider_config::text AS config, shape::text AS shape, created_at
  FROM penstock.data_sources WHERE org_id = $1 AND id = $2

-- name: lock_source
-- Nobody else changes it meanwhile.
SELECT id FROM penstock.data_sources WHERE org_id = $1 AND id = $2 FOR UPDATE

-- name: change_foreign
-- Its name and configuration.
UPDATE penstock.data_sources
   SET name = $3, provider_config = $4::text::json, credential_id = $5, shape = NULL, shape_at = NULL,
       updated_at = now(), modified_by = $6
 WHERE org_id = $1 AND id = $2

-- name: note_shape
-- The tables it has by now.
UPDATE penstock.data_sources SET shape = $3::text::json, shape_at = now() WHERE org_id = $1 AND id = $2

-- name: pause_source
-- Nobody asks it, or everybody may again.
UPDATE penstock.data_sources SET is_paused = $3, pause_reason = $4 WHERE org_id = $1 AND id = $2

-- name: drop_results_of
-- The results that were asked of it, with their files.
DELETE FROM penstock.query_results WHERE org_id = $1 AND data_source_id = $2 RETURNING file

-- name: drop_foreign
-- Queries stay, without a data source.
DELETE FROM penstock.data_sources WHERE org_id = $1 AND id = $2 AND app_id IS NULL
