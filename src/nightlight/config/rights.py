# SPDX-License-Identifier: Apache-2.0
"""What the roles of pages, intake and background steps may do: deny first, each table stated, row by row.

Applied by the owner after each migration, as a whole: what the code states is what holds. A table that nobody has
stated stops the migration.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.utils import OperationalError
from psycopg import errors, sql

from nightlight.casework.attribution import models as attribution
from nightlight.casework.attribution import rights as attribution_rights
from nightlight.outlook.insight import models as insight
from nightlight.outlook.insight import rights as insight_rights
from nightlight.pipeline.linking import models as linking
from nightlight.pipeline.linking import rights as linking_rights
from nightlight.pipeline.matching import models as matching
from nightlight.pipeline.matching import rights as matching_rights
from nightlight.pipeline.routing import models as routing
from nightlight.pipeline.routing import rights as routing_rights
from nightlight.pipeline.tips import models as tips
from nightlight.pipeline.tips import rights as tips_rights
from nightlight.pipeline.triage import models as triage
from nightlight.pipeline.triage import rights as triage_rights
from nightlight.trust.accounts import rights as accounts_rights
from nightlight.trust.custody import models as custody
from nightlight.trust.custody import rights as custody_rights
from nightlight.trust.evidence import models as evidence
from nightlight.trust.evidence import rights as evidence_rights
from nightlight.trust.retention import rights as retention_rights
from nightlight.trust.rights import COMMAND, INTAKE, VERBS, WEB, WORKER, Rights, parts
from nightlight.trust.sealed import rights as sealed_rights
from nightlight.trust.units import rights as units_rights
from nightlight.trust.viewing import models as viewing
from nightlight.trust.viewing import rights as viewing_rights

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

APPEND_ONLY = (
    *custody.APPEND_ONLY_TABLES,
    *evidence.APPEND_ONLY_TABLES,
    *tips.APPEND_ONLY_TABLES,
    *viewing.APPEND_ONLY_TABLES,
    *matching.APPEND_ONLY_TABLES,
    *linking.APPEND_ONLY_TABLES,
    *triage.APPEND_ONLY_TABLES,
    *routing.APPEND_ONLY_TABLES,
    *attribution.APPEND_ONLY_TABLES,
    *insight.APPEND_ONLY_TABLES,
)
_QUEUE = Rights(
    web="SELECT, INSERT, UPDATE",
    intake="SELECT, INSERT, UPDATE",
    steps={COMMAND: "SELECT, INSERT, UPDATE, DELETE"},
    open_because="the queue names records by public id and holds nothing of them",
)
_DJANGO = Rights(web="SELECT", command="SELECT", open_because="Django's own list of models; no case data")
_SIGN_IN = Rights(
    web="SELECT, INSERT, UPDATE, DELETE",
    command="SELECT, DELETE",
    open_because="how people sign in, read before anybody is known to act; no case data",
)
_OTHERS = {
    "django_migrations": Rights(web="SELECT", intake="SELECT", command="SELECT", open_because="names of migrations"),
    "django_content_type": _DJANGO,
    "auth_permission": _DJANGO,
    "auth_group": _DJANGO,
    "auth_group_permissions": _DJANGO,
    "django_session": Rights(
        web="SELECT, INSERT, UPDATE, DELETE",
        steps={"retention": "SELECT, DELETE"},
        command="SELECT, DELETE",
        open_because="a session is read before anybody is known to act; its key is the secret",
    ),
    "account_emailaddress": _SIGN_IN,
    "account_emailconfirmation": _SIGN_IN,
    "procrastinate_jobs": _QUEUE,
    "procrastinate_events": _QUEUE,
    "procrastinate_periodic_defers": _QUEUE,
    "procrastinate_workers": _QUEUE,
}

TABLES: dict[str, Rights] = {
    **custody_rights.TABLES,
    **accounts_rights.TABLES,
    **units_rights.TABLES,
    **sealed_rights.TABLES,
    **evidence_rights.TABLES,
    **retention_rights.TABLES,
    **tips_rights.TABLES,
    **viewing_rights.TABLES,
    **matching_rights.TABLES,
    **linking_rights.TABLES,
    **triage_rights.TABLES,
    **routing_rights.TABLES,
    **attribution_rights.TABLES,
    **insight_rights.TABLES,
    **_OTHERS,
}
ROLES = (WEB, INTAKE, WORKER)


# Who may do what as the server keeps it: privileges of the schema, of tables, sequences and columns, and the policies.
_CATALOGUE = """
SELECT (SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'),
       (SELECT string_agg(concat_ws(' ', relname, relacl, relrowsecurity, relforcerowsecurity), E'\\n' ORDER BY relname)
          FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')),
       (SELECT string_agg(concat_ws(' ', attrelid::regclass, attname, attacl), E'\\n' ORDER BY attrelid, attnum)
          FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid >= 16384),
       (SELECT string_agg(policy::text, E'\\n' ORDER BY tablename, policyname)
          FROM pg_policies policy WHERE schemaname = 'public')
"""
_TRIES = 30  # each takes PostgreSQL's deadlock_timeout, a second, and what others still do ends meanwhile


class NotStated(Exception):
    """Tables and statements about them do not agree; the message names the tables."""


def put_in_force(connection: BaseDatabaseWrapper) -> None:
    """Apply what is stated, in one transaction, unless it is in force already.

    Applying locks every table in turn. Processes that outlive a killed ``nightlight up`` for a moment may hold one of
    them and wait for another, and PostgreSQL then ends either side (error 40P01): the owner's begins again. Raises
    NotStated, and OperationalError where that happens again and again.
    """
    for left in reversed(range(_TRIES)):
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                if _noted(cursor) == _in_force(cursor):
                    return
                apply(connection)
                _note(cursor)
        except OperationalError as failure:
            if not left or not isinstance(failure.__cause__, errors.DeadlockDetected):
                raise
            time.sleep(0.1)
        else:
            return


def _in_force(cursor: CursorWrapper) -> str:
    """Return a digest of what is stated and of what the catalogue holds: a change of either is seen."""
    cursor.execute(_CATALOGUE)
    stated = [(table, rights, policies(rights)) for table, rights in sorted(TABLES.items())]
    return hashlib.sha256(repr((ROLES, stated, cursor.fetchone())).encode()).hexdigest()


def _noted(cursor: CursorWrapper) -> str | None:
    """Return the digest of when rights were last applied; only the owner can write there."""
    cursor.execute("SELECT obj_description('django_migrations'::regclass)")
    (noted,) = cursor.fetchone()
    return None if noted is None else str(noted)


def _note(cursor: CursorWrapper) -> None:
    cursor.execute(sql.SQL("COMMENT ON TABLE django_migrations IS {}").format(sql.Literal(_in_force(cursor))))


def apply(connection: BaseDatabaseWrapper) -> None:
    """Make the database hold to what is stated, inside a transaction of the owner. Raises NotStated."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)", [list(ROLES)])
        missing = set(ROLES) - {row[0] for row in cursor.fetchall()}
        if missing:
            raise NotStated(f"The server has no role {', '.join(sorted(missing))}: make it first (docs/operations.md).")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {row[0] for row in cursor.fetchall()}
        if found != set(TABLES):
            unstated, gone = sorted(found - set(TABLES)), sorted(set(TABLES) - found)
            raise NotStated(f"Rights are not stated for {unstated}; stated but not there: {gone}.")
        roles = sql.SQL(", ").join(map(sql.Identifier, ROLES))
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(roles))
        cursor.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(roles))
        for table, rights in TABLES.items():
            _grant(cursor, table, rights, roles)
            _secure(cursor, table, rights)


def _grant(cursor: CursorWrapper, table: str, rights: Rights, roles: sql.Composable) -> None:
    name = sql.Identifier(table)
    cursor.execute(sql.SQL("REVOKE ALL ON {} FROM PUBLIC, {}").format(name, roles))
    for role, privileges in ((WEB, rights.web), (INTAKE, rights.intake), (WORKER, rights.worker)):
        if privileges:
            cursor.execute(sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(privileges), name, sql.Identifier(role)))


def _secure(cursor: CursorWrapper, table: str, rights: Rights) -> None:
    name = sql.Identifier(table)
    cursor.execute("SELECT policyname FROM pg_policies WHERE schemaname = 'public' AND tablename = %s", [table])
    for (policy,) in cursor.fetchall():
        cursor.execute(sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(policy), name))
    if rights.open_because:
        cursor.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(name))
        return
    cursor.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name))
    for policy, verb, role, using, check in policies(rights):
        clauses = [f"USING ({using})"] if using else []
        clauses += [f"WITH CHECK ({check})"] if check else []
        cursor.execute(
            sql.SQL("CREATE POLICY {} ON {} FOR {} TO {} {}").format(
                sql.Identifier(policy),
                name,
                sql.SQL(verb),
                sql.Identifier(role),
                sql.SQL(" ".join(clauses)),
            )
        )


def policies(rights: Rights) -> list[tuple[str, str, str, str, str]]:
    """Return the policies of a table: name, verb, role, condition of rows read, condition of rows written."""
    made: list[tuple[str, str, str, str, str]] = []
    conditions = {
        "SELECT": (rights.sees, ""),
        "INSERT": ("", rights.adds),
        "UPDATE": (rights.changes, rights.changes),
        "DELETE": (rights.changes, ""),
    }
    for verb in VERBS:
        using, check = conditions[verb]
        if any(part.startswith(verb) for part in parts(rights.web)):
            made.append((f"web_{verb.lower()}", verb, WEB, using, check))
        steps = rights.steps_that(verb)
        if steps:
            named = f"(SELECT units_service()) = ANY ('{{{','.join(steps)}}}')"
            both = (named if verb != "INSERT" else "", named if verb in {"INSERT", "UPDATE"} else "")
            made.append((f"worker_{verb.lower()}", verb, WORKER, *both))
    if rights.intake:
        made.append(("intake_all", "ALL", INTAKE, "true", "true"))
    return made
