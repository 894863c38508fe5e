-- Statements that DuckDB would do something with that nobody may. SECRET is a file, DIR its directory.
SELECT * FROM read_csv('SECRET')
SELECT * FROM read_csv_auto('SECRET')
SELECT * FROM read_text('SECRET')
SELECT * FROM read_blob('SECRET')
SELECT * FROM read_json('SECRET')
SELECT * FROM read_json_auto('SECRET')
SELECT * FROM read_ndjson('SECRET')
SELECT * FROM read_parquet('SECRET')
SELECT * FROM parquet_scan('SECRET')
SELECT * FROM parquet_metadata('SECRET')
SELECT * FROM parquet_schema('SECRET')
SELECT * FROM sniff_csv('SECRET')
SELECT * FROM glob('DIR/*')
SELECT * FROM 'SECRET'
SELECT * FROM "SECRET"
FROM 'SECRET'
FROM read_csv('SECRET')
SELECT * FROM read_csv('https://example.com/x.csv')
SELECT * FROM 'https://example.com/x.parquet'
SELECT * FROM 's3://bucket/x.parquet'
ATTACH 'DIR/x.db' AS x
ATTACH 'SECRET' AS x (TYPE sqlite)
SELECT 1; ATTACH 'DIR/x.db' AS x
DETACH memory
USE memory
INSTALL httpfs
INSTALL x FROM 'https://example.com'
FORCE INSTALL httpfs
LOAD 'DIR/x.duckdb_extension'
LOAD httpfs
COPY (SELECT 1) TO 'DIR/out.csv'
COPY (SELECT * FROM "input 0") TO 'DIR/out.parquet' (FORMAT parquet)
COPY "input 0" FROM 'SECRET'
EXPORT DATABASE 'DIR/out'
IMPORT DATABASE 'DIR'
SET enable_external_access = true
SET GLOBAL enable_external_access = true
RESET enable_external_access
SET lock_configuration = false
PRAGMA enable_external_access = true
PRAGMA database_list
SET memory_limit = '100GB'
SET temp_directory = 'DIR/tmp'
SET allowed_paths = ['SECRET']
SET allowed_directories = ['DIR']
SET home_directory = 'DIR'
SET extension_directory = 'DIR'
SET custom_extension_repository = 'https://example.com'
SET autoinstall_known_extensions = true
SET secret_directory = 'DIR'
SET log_query_path = 'DIR/log'
SET profiling_output = 'DIR/profile'
SET enable_profiling = 'json'
PRAGMA enable_profiling = 'json'
PRAGMA profiling_output = 'DIR/profile'
CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')
CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')
SELECT * FROM duckdb_secrets()
SELECT * FROM duckdb_settings()
SELECT * FROM duckdb_tables()
SELECT * FROM information_schema.tables
SELECT current_setting('temp_directory')
SELECT getenv('HOME')
SELECT * FROM query('SELECT 1')
SELECT * FROM query_table('input 0')
SELECT * FROM pragma_database_list()
CREATE TABLE x AS SELECT 1
CREATE MACRO m(a) AS a
CREATE VIEW v AS SELECT * FROM read_csv('SECRET')
CREATE FUNCTION f(a) AS TABLE SELECT * FROM read_csv('SECRET')
DROP TABLE "input 0"
DELETE FROM "input 0"
UPDATE "input 0" SET a = 3
INSERT INTO "input 0" SELECT 3, 'y'
CALL pragma_version()
CHECKPOINT
VACUUM
EXPLAIN ANALYZE SELECT 1
DESCRIBE "input 0"
SUMMARIZE "input 0"
SHOW ALL TABLES
PREPARE p AS SELECT 1
EXECUTE p
PIVOT "input 0" ON a USING sum(a)
SELECT * FROM sqlite_scan('SECRET', 'x')
SELECT * FROM postgres_scan('host=x', 'public', 't')
SELECT * FROM mysql_query('x', 'SELECT 1')
SELECT * FROM python_map_function('x')
SELECT * FROM arrow_scan(1, 2, 3)
SELECT * FROM pandas_scan(1)
SELECT * FROM iceberg_scan('DIR')
SELECT * FROM delta_scan('DIR')
SELECT * FROM read_xlsx('SECRET')
SELECT * FROM st_read('SECRET')
SELECT * FROM duckdb_logs()
SELECT nextval('s')
SELECT write_log('x')
SELECT * FROM "input 0"
SELECT * FROM memory.main."input 0"
SELECT COLUMNS(*) FROM "input 0"
SELECT * EXCLUDE (a) FROM "input 0"
SELECT a FROM "input 0" POSITIONAL JOIN "input 0" AS b
SELECT [x FOR x IN range(10)]
SELECT list_transform([1], x -> x + 1)
SELECT struct_pack(a := 1)
SELECT 1 USING SAMPLE 10
