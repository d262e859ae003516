# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of people and reporters."""

from __future__ import annotations

from nightlight.trust.rights import COMMAND, Rights

_DJANGO = Rights(web="SELECT", command="SELECT", open_because="Django's own table; this project gives no rights by it")

_OWN_SIGN_IN = Rights(
    web="SELECT, INSERT, UPDATE, DELETE",
    steps={COMMAND: "SELECT, DELETE", "retention": "SELECT, DELETE"},
    open_because="how people sign in, read and written before anybody is known to act; no case data",
)
_UNUSED = Rights(web="SELECT", command="SELECT", open_because="a library's table that holds nothing")
# A library that removes a row looks for what hangs on it.
_DELETED_ALONG = Rights(
    web="SELECT, DELETE",
    steps={COMMAND: "SELECT, DELETE", "retention": "SELECT, DELETE"},
    open_because="a library's table that holds nothing",
)

TABLES = {
    "accounts_user": Rights(
        web="SELECT, INSERT, UPDATE",
        steps={COMMAND: "SELECT, INSERT, UPDATE"},
        open_because="people who work here, not cases; read at sign-in, before anybody is known to act",
    ),
    "accounts_user_groups": _DJANGO,
    "accounts_user_user_permissions": _DJANGO,
    "accounts_reporter": Rights(
        web="SELECT",
        intake="SELECT, INSERT",
        steps={COMMAND: "SELECT, INSERT"},
        open_because="companies and bodies that report; who reported what stands with the tip",
    ),
    "accounts_credential": Rights(
        web="SELECT (id, reporter_id, username, environment, may_submit, active, created_at)",
        intake="SELECT",
        steps={COMMAND: "SELECT, INSERT, UPDATE"},
        open_because="no case data; the keyed digest is closed to pages",
    ),
    "accounts_apitoken": Rights(
        web="SELECT, UPDATE (last_used_on)",
        steps={COMMAND: "SELECT, INSERT, UPDATE (revoked_at)"},
        open_because="looked up before anybody is known to act; the secret is not there, and its digest is keyed",
    ),
    "accounts_cache": Rights(
        web="SELECT, INSERT, UPDATE, DELETE",
        open_because="how often something was tried, and one-time codes that were used; no case data",
    ),
    "mfa_authenticator": _OWN_SIGN_IN,
    "usersessions_usersession": _OWN_SIGN_IN,
    "axes_accessattempt": _OWN_SIGN_IN,
    "socialaccount_socialaccount": Rights(
        web="SELECT, UPDATE, DELETE",  # signing in notes when; only the command line links
        steps={COMMAND: "SELECT, INSERT, DELETE"},
        open_because="which identity elsewhere is whom; read before anybody is known to act",
    ),
    # Of the libraries, and not used: single sign-on is set up by settings, tokens of the provider are not kept, and
    # who signed in stands in the custody log.
    "socialaccount_socialapp": _UNUSED,
    "socialaccount_socialtoken": _DELETED_ALONG,
    "axes_accessattemptexpiration": _DELETED_ALONG,
    "axes_accessfailurelog": _UNUSED,
    "axes_accesslog": _UNUSED,
}
