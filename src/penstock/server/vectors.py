"""The function by which tables get pgvector: only a superuser makes the extension, and a running server is none."""

from __future__ import annotations

from typing import Any

from penstock.server.sql import quote

# Where a server has the extension already, it stays.
_MAKE = """
CREATE OR REPLACE FUNCTION penstock.make_vectors() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7310519261);
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')
        OR NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        RETURN;
    END IF;
    -- Not IF NOT EXISTS: the schema of an extension must be nobody else's.
    CREATE SCHEMA penstock_extensions;
    GRANT USAGE ON SCHEMA penstock_extensions TO PUBLIC;
    CREATE EXTENSION vector SCHEMA penstock_extensions;
END $$
"""


async def open_vectors(raw: Any, owner: str, records: str) -> None:
    """Let tables have vectors, as far as the account may; called as the account that sets up."""
    if await raw.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        await raw.execute(_MAKE)
        await raw.execute("REVOKE ALL ON FUNCTION penstock.make_vectors() FROM PUBLIC")
        await raw.execute(f"GRANT EXECUTE ON FUNCTION penstock.make_vectors() TO {quote(owner)}")
    home = await raw.fetchval(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'vector' AND (pg_has_role(n.nspowner, 'USAGE')"
        " OR has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION'))"
    )
    if home is not None:
        await raw.execute(f"GRANT USAGE ON SCHEMA {quote(home)} TO {quote(owner)}, {quote(records)}")
