# SPDX-License-Identifier: Apache-2.0
"""Keeping what was received: backup, restore, master keys, leftovers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base
from nightlight.config import backup as backups
from nightlight.config import postgres
from nightlight.foundation import clock

if TYPE_CHECKING:
    from nightlight.trust.evidence.store import Store

vault = typer.Typer(help="The evidence vault.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where backups go; a second one adds what is new.")],
    as_json: AsJson = False,
) -> None:
    """Copy database, vault and keys to a folder, while everything runs. The copy is as secret as the original.

    Example: nightlight backup /media/disk/nightlight
    """
    with base.database() as env:
        from nightlight.trust.custody import actions as custody
        from nightlight.trust.custody import keys
        from nightlight.trust.custody import queries as custody_queries
        from nightlight.trust.evidence.vault import current_vault

        custody.sign_head(at=clock.now(), key=keys.signing_key())
        head = custody_queries.latest_head()
        try:
            done = backups.backup(
                env, folder, store=current_vault().store, tree_head=head.note if head else "", at=clock.now()
            )
        except backups.BackupRefused as refused:
            base.fail(str(refused))
        _told(done, as_json)


def restore(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="The backup folder, or one backup-….json in it.")],
    as_json: AsJson = False,
) -> None:
    """Bring a backup back into an empty home. Run 'nightlight custody verify' afterwards.

    Example: NIGHTLIGHT_HOME=/srv/nightlight nightlight restore /media/disk/nightlight
    """
    env = base.settings()

    def make_store() -> Store:
        base.set_up_django()
        from nightlight.trust.evidence.vault import current_vault

        return current_vault().store

    try:
        done = backups.restore(env, source, make_store=make_store)
    except (backups.BackupRefused, postgres.DatabaseFailed) as refused:
        base.fail(str(refused))
    finally:
        if env.embedded:
            postgres.stop(env.home)
    _told(done, as_json)


def _told(done: backups.Done, as_json: bool) -> None:
    base.put(
        {
            "manifest": str(done.manifest),
            "pieces": done.pieces,
            "new_pieces": done.new_pieces,
            "files": done.files,
            "new_files": done.new_files,
            "bytes_written": done.bytes_written,
        },
        as_json=as_json,
        text=f"{done.manifest}\n{done.files:,} files ({done.new_files:,} new), "
        f"{done.pieces:,} pieces of database ({done.new_pieces:,} new), {done.bytes_written:,} bytes written",
    )


@vault.command()
def rotate() -> None:
    """Make a new master key and lock every file's key under it; files themselves are not touched."""
    with base.database() as env:
        from django.conf import settings

        from nightlight.trust.evidence import actions, keys

        if getattr(settings, "NIGHTLIGHT_VAULT_MASTER_KEY", ""):
            base.say("The master key comes from the environment: put the new key first there, then run this.")
        else:
            keys.add_to_folder(env.keys / "vault")
        count = actions.rewrap(by=base.BY, at=clock.now())
        base.say(f"{count} file keys are locked under the new master key.")
        base.say("A running server takes the new key within half a minute. Before an old key file is taken away, run")
        base.say("this again and let 'nightlight vault keys' show that it locks nothing.")


@vault.command("keys")
def keys_(as_json: AsJson = False) -> None:
    """Show how many files' keys each master key locks; one that locks none may be taken away."""
    with base.database():
        from nightlight.trust.evidence import queries

        used = queries.keys_in_use()
        base.put(
            used, as_json=as_json, text="\n".join(f"{key}  {count:,}" for key, count in used.items()) or "No file."
        )


@vault.command()
def sweep(
    hours: Annotated[int, typer.Option(help="Only what is at least this old.", min=1)] = 24,
) -> None:
    """Remove what uploads that were cut short left behind; it was never recorded and is no evidence."""
    with base.database():
        from nightlight.trust.evidence import actions

        count = actions.sweep(by=base.BY, at=clock.now(), older_than=timedelta(hours=hours))
        base.say(f"{count} leftovers removed.")
