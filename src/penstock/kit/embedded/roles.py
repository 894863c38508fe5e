"""The roles of an installation: they are outside of the database, so a dump of it lacks them."""

from __future__ import annotations

import json
from typing import Any

from .home import SUPERUSER
from .programs import Address, psql

# One object from the catalogs. Rows go through jsonb because their columns differ between releases.
_DESCRIBE = """
select jsonb_build_object(
  'database', (select jsonb_build_object('name', d.datname, 'owner', pg_get_userbyid(d.datdba),
                                         'server_version', current_setting('server_version'))
               from pg_database d where d.datname = current_database()),
  'roles', (select coalesce(jsonb_agg(to_jsonb(r) - 'oid' order by r.rolname), '[]')
            from pg_roles r where starts_with(r.rolname, :'prefix') and r.rolname <> :'superuser'),
  -- The superuser that made the cluster (10) is pinned, so it is not among the dependencies.
  'strangers', (select coalesce(jsonb_agg(r.rolname order by r.rolname), '[]')
                from pg_roles r
                where not starts_with(r.rolname, :'prefix') and r.rolname <> :'superuser'
                  and r.rolname !~ '^pg_'
                  and (r.oid = 10 or r.oid in (
                    select refobjid from pg_shdepend
                    where refclassid = 'pg_authid'::regclass
                      and dbid in (0, (select oid from pg_database where datname = current_database()))
                      and (dbid <> 0 or objid = (select oid from pg_database
                                                 where datname = current_database()))))),
  'memberships', (select coalesce(jsonb_agg(to_jsonb(m) || jsonb_build_object(
                      'role', pg_get_userbyid(m.roleid), 'of', pg_get_userbyid(m.member))), '[]')
                  from pg_auth_members m
                  where starts_with(pg_get_userbyid(m.roleid), :'prefix')
                    and starts_with(pg_get_userbyid(m.member), :'prefix')
                    and :'superuser' not in (pg_get_userbyid(m.roleid), pg_get_userbyid(m.member))));
"""
_IS_SUPERUSER = "select rolsuper from pg_roles where rolname = current_user;"
_PASSWORDS = """
select coalesce(jsonb_object_agg(rolname, rolpassword), '{}')
from pg_authid where starts_with(rolname, :'prefix') and rolpassword is not null;
"""
_FLAGS = {
    "rolsuper": "superuser",
    "rolinherit": "inherit",
    "rolcreaterole": "createrole",
    "rolcreatedb": "createdb",
    "rolcanlogin": "login",
    "rolreplication": "replication",
    "rolbypassrls": "bypassrls",
}
# Settings that hold a list: what the catalog keeps is already quoted, name by name.
_LISTS = {"search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries"}


def describe(address: Address, prefix: str) -> dict[str, Any]:
    """`database`, `roles`, `memberships` and `strangers`; with password hashes when a superuser asks.

    Strangers are roles without the prefix that own or may use something in the database.
    """
    variables = (("prefix", prefix), ("superuser", SUPERUSER))
    found: dict[str, Any] = json.loads(psql(address, _DESCRIBE, variables))
    if psql(address, _IS_SUPERUSER) == "t":
        passwords: dict[str, str] = json.loads(psql(address, _PASSWORDS, variables))
        for role in found["roles"]:
            role["rolpassword"] = passwords.get(role["rolname"])
    return found


def statements(roles: list[dict[str, Any]], memberships: list[dict[str, Any]], strangers: list[str]) -> str:
    """The statements that make the roles again; strangers come back as names that nobody can log in with."""
    lines = [_create(stranger) for stranger in strangers]
    lines += [line for role in roles for line in _role(role)]
    for membership in memberships:
        options = [f"admin {_truth(membership['admin_option'])}"]
        options += [
            f"{option} {_truth(membership[f'{option}_option'])}"
            for option in ("inherit", "set")
            if f"{option}_option" in membership
        ]
        granted, to = name(membership["role"]), name(membership["of"])
        lines.append(f"grant {granted} to {to} with {', '.join(options)};")
    return "\n".join(lines) + "\n"


def _create(role: str) -> str:
    return (
        f"select {literal(f'create role {name(role)} nologin')} "  # noqa: S608  # quoted
        f"where not exists (select from pg_roles where rolname = {literal(role)}) \\gexec"
    )


def _role(role: dict[str, Any]) -> list[str]:
    quoted = name(role["rolname"])
    options = [word if role[column] else f"no{word}" for column, word in _FLAGS.items()]
    options.append(f"connection limit {int(role['rolconnlimit'])}")
    if role.get("rolvaliduntil"):
        options.append(f"valid until {literal(role['rolvaliduntil'])}")
    # pg_roles shows stars where pg_authid has the hash: those who may not read it get no password.
    if (secret := role.get("rolpassword")) and set(secret) != {"*"}:
        options.append(f"password {literal(secret)}")
    lines = [_create(role["rolname"]), f"alter role {quoted} with {' '.join(options)};"]
    settings: list[str] = role.get("rolconfig") or []
    for setting in settings:
        key, _, value = setting.partition("=")
        lines.append(f"alter role {quoted} set {name(key)} to {value if key in _LISTS else literal(value)};")
    return lines


def literal(text: str) -> str:
    """A quoted SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """A quoted SQL identifier."""
    return '"' + text.replace('"', '""') + '"'


def _truth(value: Any) -> str:
    return "true" if value else "false"
