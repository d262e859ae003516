# SPDX-License-Identifier: Apache-2.0
"""What an installation with real reports must not be without; ``doctor --production`` refuses what is weak."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nightlight.commands import organisation
from nightlight.foundation import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.config.environment import Environment

_LONGEST_IDLE = 30  # minutes; ASVS 5.0 V7.3.1 asks for a documented limit, ours is documented in docs/security.md


@dataclass(frozen=True)
class Finding:
    """One thing looked at: ``ok`` is None where it is worth knowing but not wrong."""

    ok: bool | None
    text: str


def settings(env: Environment) -> Iterator[Finding]:
    """Look at the settings; needs no database."""
    yield _either(not env.demo, "This is no demo.", "NIGHTLIGHT_DEMO shows sign-ins to everybody: take it away.")
    yield _either(
        not env.insecure_http,
        "Cookies go over TLS only.",
        "NIGHTLIGHT_INSECURE_HTTP sends cookies in the clear: give --tls-cert and --tls-key, or a proxy with TLS.",
    )
    if not os.environ.get("NIGHTLIGHT_INSECURE_HTTP"):
        # 'up' without a certificate on this machine alone sets it for itself; nothing here can see that.
        yield Finding(
            None, "If 'nightlight up' runs without --tls-cert, set NIGHTLIGHT_INSECURE_HTTP=no where it starts."
        )
    yield _either(
        env.second_factor == "required",
        "Nobody works without a second factor.",
        "NIGHTLIGHT_SECOND_FACTOR is not 'required': a stolen password is enough to sign in.",
    )
    yield _either(
        env.idle_lock <= _LONGEST_IDLE,
        f"A session locks after {env.idle_lock} minutes.",
        f"NIGHTLIGHT_IDLE_LOCK is {env.idle_lock} minutes: make it {_LONGEST_IDLE} at most.",
    )
    yield _either(
        bool(env.hosts) and "*" not in env.hosts,
        f"It answers to {', '.join(env.hosts)}.",
        "NIGHTLIGHT_HOSTS is empty or '*': name the hosts it answers to.",
    )
    yield _either(
        "*" not in env.proxies,
        "Only named proxies are believed about where a request comes from.",
        "NIGHTLIGHT_PROXIES is '*': anybody may say where they come from. Name the proxy's address.",
    )
    yield _either(
        not env.custody_origin.startswith("nightlight.example.org"),
        f"The log is signed as {env.custody_origin}.",
        "NIGHTLIGHT_CUSTODY_ORIGIN is that of the example: choose a name of your own before the first entry.",
    )
    yield _either(
        env.log_level != "DEBUG",
        "Logs are not those of a developer.",
        "NIGHTLIGHT_LOG_LEVEL is DEBUG: logs then say more than they should.",
    )
    if not env.vault_master_key:
        yield Finding(
            None,
            "The master key lies beside the vault: keep it elsewhere where you can (NIGHTLIGHT_VAULT_MASTER_KEY).",
        )
    if any((env.keys / "sealing").glob("*.key")):
        yield Finding(
            None,
            "Web and worker can both read the private sealing key: run them as two system users where you can "
            "(docs/decisions/0017-sealed-fields.md).",
        )


def machine() -> Iterator[Finding]:
    """Look at what the machine offers."""
    from nightlight.trust.viewing.rendering import render

    found = render.protections()
    held = [name for name, value in vars(found).items() if value]
    yield _either(
        found.enough,
        f"Files are decoded in a closed process ({', '.join(held).replace('_', ' ')}).",
        "This machine cannot shut in the process that decodes files: no file can be looked at here.",
    )
    swaps = Path("/proc/swaps")
    if swaps.exists() and len(swaps.read_text().splitlines()) > 1:
        yield Finding(None, "There is swap: what was decoded may be written there. Encrypt it, or switch it off.")


def database() -> Iterator[Finding]:
    """Look at roles, row security and people. Django is set up, and this process acts as the command line."""
    from django.db import connection

    from nightlight.casework.attribution import loaded
    from nightlight.config import rights
    from nightlight.trust.accounts.models import Role, User
    from nightlight.trust.units.models import Post

    with connection.cursor() as cursor:
        cursor.execute(
            # The login too: on a server of one's own it becomes each role, and can go back to being itself.
            """SELECT rolname FROM pg_roles WHERE (rolname = ANY (%s) OR rolname = session_user)
               AND (rolsuper OR rolbypassrls
                    OR rolname IN (SELECT tableowner FROM pg_tables WHERE schemaname = 'public'))""",
            [list(rights.ROLES)],
        )
        strong = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT relname, relrowsecurity FROM pg_class WHERE relname = ANY (%s)", [list(rights.TABLES)])
        secured = dict(cursor.fetchall())
        cursor.execute("SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'public'")
        policies = set(cursor.fetchall())
    yield _either(
        not strong, "No role of the application passes row security.", f"{', '.join(strong)} passes row security."
    )
    expected = {
        (table, policy[0])
        for table, stated in rights.TABLES.items()
        if not stated.open_because
        for policy in rights.policies(stated)
    }
    open_tables = [t for t, stated in rights.TABLES.items() if not stated.open_because and not secured.get(t)]
    lacking = sorted(expected ^ policies)
    if open_tables or lacking:
        named = ", ".join([*open_tables, *(f"{table}.{policy}" for table, policy in lacking)][:5])
        yield Finding(False, f"Row security is not as stated ({named}): run 'nightlight migrate'.")
    else:
        yield Finding(True, f"Row security is as stated: {len(expected)} policies.")
    invented = [somebody.username for somebody in organisation.PEOPLE]
    weak = [
        user.username
        for user in User.objects.filter(username__in=invented, is_active=True)
        if user.check_password(organisation.PASSWORD)
    ]
    yield _either(
        not weak, "Nobody of the exercise can sign in.", f"{', '.join(weak)}: people of the exercise can sign in."
    )
    yield _either(
        not loaded.current_lists().exercise,
        "No operator of the exercise is in the directory.",
        "The directory of operators in use is of an exercise: its ranges for documentation count as networks.",
    )
    for role in (Role.ADMINISTRATOR, Role.COMMANDER, Role.AUDITOR):
        held = Post.objects.active(clock.now()).filter(role=role, user__is_active=True).exists()
        text = f"Nobody is {role.label.lower()}: what such a person has to see reaches nobody."
        yield _either(held, f"There is a person in the role {role.label.lower()}.", text)


def _either(ok: bool, good: str, bad: str) -> Finding:
    return Finding(ok, good if ok else bad)
