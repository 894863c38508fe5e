-- Statements that a query must not be, each with a part of the reason it is refused for.
-- Run past the parser, as the login of the org, they find nothing and change nothing.
-- {hidden} is the table of which rows are kept back, {other} one of another org, {edges} edges of the first, each in full.

-- stacked
SELECT 1; SELECT 2 --> second one begins
SELECT 1; DROP TABLE {hidden} --> second one begins
SELECT 1;; DELETE FROM {hidden} --> second one begins
SELECT 1 /* ; */ ; COMMIT; ALTER ROLE CURRENT_USER SET search_path = public --> second one begins
; SELECT 1 --> second one begins
SELECT ';' ; SELECT 2 --> second one begins
SELECT $a$;$a$; SELECT 2 --> second one begins
COMMIT; SELECT * FROM {hidden} --> second one begins
SELECT 1; SET ROLE postgres --> second one begins
SELECT E'\'; SELECT 2 --'; SELECT 3 --> second one begins

-- comments
SELECT * FROM {hidden} /* unclosed --> comment is not closed
SELECT 1 /* /* nested */ ; DROP TABLE {hidden} --> comment is not closed
SELECT 1 /**/;/**/DELETE FROM {hidden} --> second one begins
SEL/**/ECT 1 --> is a SELECT

-- writing
INSERT INTO {hidden} DEFAULT VALUES --> is a SELECT
UPDATE {hidden} SET title = 'x' --> is a SELECT
DELETE FROM {hidden} --> is a SELECT
TRUNCATE {hidden} --> is a SELECT
MERGE INTO {hidden} a USING {hidden} b ON true WHEN MATCHED THEN DELETE --> is a SELECT
WITH x AS (DELETE FROM {hidden} RETURNING *) SELECT * FROM x --> is a SELECT
WITH x AS (INSERT INTO {hidden} DEFAULT VALUES RETURNING *) SELECT * FROM x --> is a SELECT
WITH x AS (UPDATE {hidden} SET title = 'x' RETURNING *) SELECT * FROM x --> is a SELECT
SELECT * INTO stolen FROM airlines --> SELECT INTO
SELECT 1 INTO TEMP stolen --> SELECT INTO
CREATE TABLE stolen AS SELECT 1 --> is a SELECT
CREATE TEMP TABLE pg_class (a int) --> is a SELECT
CREATE TEMP VIEW v AS SELECT 1 --> is a SELECT
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1' --> is a SELECT
CREATE SCHEMA mine --> is a SELECT
CREATE EXTENSION dblink --> is a SELECT
DROP TABLE {hidden} --> is a SELECT
DROP OWNED BY CURRENT_USER --> is a SELECT
ALTER TABLE {hidden} DISABLE ROW LEVEL SECURITY --> is a SELECT
ALTER ROLE CURRENT_USER PASSWORD 'x' --> is a SELECT
ALTER ROLE CURRENT_USER SET default_transaction_read_only = off --> is a SELECT
ALTER USER CURRENT_USER CREATEROLE --> is a SELECT
GRANT ALL ON {hidden} TO PUBLIC --> is a SELECT
REASSIGN OWNED BY CURRENT_USER TO postgres --> is a SELECT
COMMENT ON TABLE {hidden} IS 'x' --> is a SELECT
SECURITY LABEL ON TABLE {hidden} IS 'x' --> is a SELECT
CREATE POLICY p ON {hidden} USING (true) --> is a SELECT
REFRESH MATERIALIZED VIEW {hidden} --> is a SELECT
VACUUM {hidden} --> is a SELECT
ANALYZE {hidden} --> is a SELECT
CLUSTER {hidden} --> is a SELECT
REINDEX TABLE {hidden} --> is a SELECT
LOCK TABLE {hidden} --> is a SELECT
NOTIFY penstock_catalog, 'x' --> is a SELECT
LISTEN penstock_catalog --> is a SELECT
CHECKPOINT --> is a SELECT
LOAD 'x' --> is a SELECT
CALL f() --> is a SELECT

-- what is no question
EXPLAIN SELECT 1 --> is a SELECT
EXPLAIN (ANALYZE) DELETE FROM {hidden} --> is a SELECT
DO $$ BEGIN DELETE FROM {hidden}; END $$ --> is a SELECT
DO $$ BEGIN COMMIT; PERFORM set_config('transaction_read_only', 'off', false); END $$ --> is a SELECT
DO LANGUAGE plpgsql 'BEGIN EXECUTE ''SELECT 1''; END' --> is a SELECT
PREPARE p AS SELECT 1 --> is a SELECT
EXECUTE p --> is a SELECT
DEALLOCATE ALL --> is a SELECT
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM {hidden} --> is a SELECT
FETCH ALL FROM c --> is a SELECT
BEGIN --> is a SELECT
COMMIT --> is a SELECT
ROLLBACK --> is a SELECT
SAVEPOINT s --> is a SELECT
START TRANSACTION READ WRITE --> is a SELECT
SET TRANSACTION READ WRITE --> is a SELECT
TABLE {hidden} --> is a SELECT
TABLE pg_catalog.pg_authid --> is a SELECT
SELECT * FROM (TABLE pg_authid) x --> TABLE is not known
COPY {hidden} TO STDOUT --> is a SELECT
COPY {hidden} TO '/tmp/stolen' --> is a SELECT
COPY {hidden} FROM '/etc/passwd' --> is a SELECT
COPY (SELECT 1) TO PROGRAM 'id' --> is a SELECT
SELECT 1) TO PROGRAM 'id'; -- --> not understood here

-- settings and roles
SET statement_timeout = 0 --> is a SELECT
SET ROLE postgres --> is a SELECT
SET SESSION AUTHORIZATION postgres --> is a SELECT
SET LOCAL penstock.reach = '{{"x": [1]}}' --> is a SELECT
SET search_path = penstock --> is a SELECT
SET row_security = off --> is a SELECT
RESET ALL --> is a SELECT
DISCARD ALL --> is a SELECT
SHOW ALL --> is a SELECT
SELECT set_config('statement_timeout', '0', false) --> set_config() is not
SELECT set_config('penstock.reach', '{{"x": [1], "r": [1, 2, 3]}}', true) --> set_config() is not
SELECT set_config('penstock.reach', '{{"x": [1]}}', true), title FROM {hidden} --> set_config() is not
WITH s AS MATERIALIZED (SELECT set_config('penstock.seal', 'x', true)) SELECT title FROM s, {hidden} --> set_config() is not
SELECT set_config('role', 'postgres', false) --> set_config() is not
SELECT set_config('row_security', 'off', true), title FROM {hidden} --> set_config() is not
SELECT set_config('transaction_read_only', 'off', true) --> set_config() is not
SELECT set_config('search_path', 'penstock', true) --> set_config() is not
SELECT set_config('session_authorization', 'postgres', true) --> set_config() is not
SELECT "set_config"('role', 'postgres', false) --> set_config() is not
SELECT pg_catalog.set_config('role', 'postgres', false) --> not known here
SELECT current_setting('penstock.reach') --> current_setting() is not
SELECT current_setting('data_directory') --> current_setting() is not
SELECT pg_reload_conf() --> pg_reload_conf() is not
SELECT CURRENT_USER --> no such value here
SELECT SESSION_USER --> no such value here
SELECT penstock.told_reader() --> not known here
SELECT penstock.fold('x') --> not known here

-- catalogs
SELECT * FROM pg_catalog.pg_class --> no table
SELECT * FROM pg_class --> no table
SELECT * FROM pg_authid --> no table
SELECT rolpassword FROM pg_shadow --> no table
SELECT * FROM pg_stat_activity --> no table
SELECT * FROM pg_settings --> no table
SELECT * FROM pg_file_settings --> no table
SELECT * FROM pg_hba_file_rules --> no table
SELECT * FROM pg_policies --> no table
SELECT * FROM pg_stats --> no table
SELECT * FROM pg_statistic --> no table
SELECT * FROM pg_largeobject --> no table
SELECT * FROM pg_prepared_statements --> no table
SELECT * FROM pg_cursors --> no table
SELECT * FROM information_schema.tables --> no table
SELECT * FROM penstock.reader_seal --> no table
SELECT * FROM penstock.users --> no table
SELECT * FROM penstock.database_roles --> no table
SELECT * FROM penstock.record_changes --> no table
SELECT * FROM penstock.table_rules --> no table
SELECT * FROM {hidden} --> no table
SELECT * FROM {edges} --> no table
SELECT * FROM {other} --> no table
SELECT * FROM "pg_catalog"."pg_authid" AS airlines --> no table
SELECT * FROM airlines, pg_authid --> no table
SELECT * FROM airlines WHERE EXISTS (SELECT FROM pg_authid) --> no table
SELECT (SELECT rolpassword FROM pg_authid LIMIT 1) --> no table
SELECT * FROM airlines UNION ALL SELECT rolname, rolpassword FROM pg_authid --> no table
SELECT * FROM ONLY pg_class --> not a part
SELECT * FROM airlines ORDER BY (SELECT max(relname) FROM pg_class) --> no table
SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM pg_user)) FROM airlines --> no table
SELECT * FROM LATERAL (SELECT * FROM pg_roles) x --> no table
SELECT * FROM (VALUES ((SELECT count(*) FROM pg_class))) v --> no table
SELECT 'pg_authid'::regclass --> not cast to this type
SELECT CAST('pg_read_file' AS regproc) --> not cast to this type
SELECT 'postgres'::regrole --> not cast to this type
SELECT '1'::oid --> not cast to this type
SELECT 'x'::pg_catalog.text --> not cast to this type
SELECT x.ctid FROM airlines x --> has no column
SELECT xmin FROM airlines --> no column
SELECT tableoid FROM airlines --> no column

-- names of WITH
WITH pg_authid AS (SELECT * FROM pg_authid) SELECT * FROM pg_authid --> no table
WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a --> no table
WITH x AS (WITH pg_class AS (SELECT 1) SELECT 1) SELECT * FROM pg_class --> no table
SELECT * FROM (WITH pg_class AS (SELECT 1) SELECT * FROM pg_class) a, pg_class b --> no table
WITH pg_class AS (SELECT 1) SELECT * FROM pg_catalog.pg_class --> no table
WITH "with 1" AS (SELECT 1) SELECT * FROM "with 2" --> no table
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a --> gives the name 'a' twice
WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a) SEARCH DEPTH FIRST BY n SET o SELECT * FROM a --> not a part

-- functions that reach out
SELECT pg_read_file('/etc/passwd') --> pg_read_file() is not
SELECT pg_read_file('postgresql.conf', 0, 100) --> pg_read_file() is not
SELECT pg_read_binary_file('/etc/passwd') --> pg_read_binary_file() is not
SELECT * FROM pg_ls_dir('/') --> pg_ls_dir() is not
SELECT * FROM pg_ls_logdir() --> pg_ls_logdir() is not
SELECT pg_stat_file('/etc/passwd') --> pg_stat_file() is not
SELECT lo_import('/etc/passwd') --> lo_import() is not
SELECT lo_export(1, '/tmp/stolen') --> lo_export() is not
SELECT lo_create(0) --> lo_create() is not
SELECT lo_from_bytea(0, 'x') --> lo_from_bytea() is not
SELECT lo_get(1) --> lo_get() is not
SELECT lo_unlink(1) --> lo_unlink() is not
SELECT loread(lo_open(1, 262144), 100) --> is not
SELECT * FROM dblink('dbname=postgres', 'SELECT 1') AS t(a int) --> not a part
SELECT dblink_connect('x') --> dblink_connect() is not
SELECT query_to_xml('SELECT * FROM pg_authid', true, true, '') --> query_to_xml() is not
SELECT table_to_xml('pg_class', true, true, '') --> table_to_xml() is not
SELECT cursor_to_xml('c', 1, true, true, '') --> cursor_to_xml() is not
SELECT database_to_xml(true, true, '') --> database_to_xml() is not
SELECT * FROM ts_stat('SELECT title_vector FROM {hidden}') --> ts_stat() is not
SELECT * FROM crosstab('SELECT 1') AS t(a int) --> not a part
SELECT xpath_table('a', 'b', 'c', 'd', 'e') --> xpath_table() is not
SELECT * FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS b text) --> is not
SELECT xmlparse(DOCUMENT '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>') --> expected
SELECT pg_sleep(100) --> pg_sleep() is not
SELECT pg_sleep_for('1 hour') --> pg_sleep_for() is not
SELECT pg_advisory_lock(7310519260) --> pg_advisory_lock() is not
SELECT pg_advisory_xact_lock(1) --> pg_advisory_xact_lock() is not
SELECT pg_notify('penstock_catalog', 'x') --> pg_notify() is not
SELECT pg_terminate_backend(1) --> pg_terminate_backend() is not
SELECT pg_cancel_backend(1) --> pg_cancel_backend() is not
SELECT pg_switch_wal() --> pg_switch_wal() is not
SELECT pg_create_restore_point('x') --> pg_create_restore_point() is not
SELECT pg_logical_emit_message(false, 'x', 'y') --> pg_logical_emit_message() is not
SELECT pg_export_snapshot() --> pg_export_snapshot() is not
SELECT nextval('{hidden}_id_seq') --> nextval() is not
SELECT setval('{hidden}_id_seq', 1) --> setval() is not
SELECT lastval() --> lastval() is not
SELECT pg_relation_size('{hidden}') --> pg_relation_size() is not
SELECT pg_get_viewdef('pg_class') --> pg_get_viewdef() is not
SELECT pg_get_functiondef(1) --> pg_get_functiondef() is not
SELECT has_table_privilege('{other}', 'SELECT') --> has_table_privilege() is not
SELECT to_regclass('{other}') --> to_regclass() is not
SELECT inet_server_addr() --> inet_server_addr() is not
SELECT version() --> version() is not
SELECT txid_current() --> txid_current() is not
SELECT pg_current_xact_id() --> pg_current_xact_id() is not
SELECT gen_random_uuid() --> gen_random_uuid() is not
SELECT setseed(0.5) --> setseed() is not
SELECT brin_summarize_new_values('{hidden}') --> brin_summarize_new_values() is not
SELECT 1 OPERATOR(pg_catalog.+) 1 --> OPERATOR is not known here
SELECT 1 OPERATOR(public.->) 1 --> OPERATOR is not known here
SELECT 'x' -> 'y') ; DROP TABLE {hidden} --> second one begins
SELECT (SELECT a FROM airlines a).pg_sleep --> fields of rows
SELECT a.row_to_json FROM airlines a --> has no column

-- locks
SELECT * FROM airlines FOR UPDATE --> only reads
SELECT * FROM airlines FOR NO KEY UPDATE SKIP LOCKED --> only reads
SELECT * FROM airlines FOR SHARE OF airlines --> only reads
SELECT * FROM (SELECT * FROM airlines FOR KEY SHARE) x --> only reads
WITH x AS (SELECT * FROM airlines FOR UPDATE) SELECT * FROM x --> only reads

-- strings and names that two readers may read differently
SELECT U&'\0027; DROP TABLE x --' --> letter in front
SELECT U&"\0070g_class" --> letter in front
SELECT N'x' --> letter in front
SELECT B'1' || X'1F' --> letter in front
SELECT E'\x00' --> stands for no character
SELECT 'a' 'b' --> side by side
SELECT `a` --> not understood
SELECT $1 --> written {{ name }}
SELECT :a --> written {{ name }}
SELECT @a --> written {{ name }}
SELECT ? --> written {{ name }}
SELECT "unclosed --> name is not closed
SELECT 'unclosed --> string is not closed
SELECT $x$unclosed$y$ --> is not closed
SELECT 1_000 --> not a number
SELECT 0x1F --> not a part
SELECT * FROM airlines TABLESAMPLE SYSTEM (10) --> TABLESAMPLE
SELECT * FROM {hidden} AS OF SYSTEM TIME '-1h' --> understood
