# SPDX-License-Identifier: Apache-2.0
"""Originals that leave the building: written here once two people have agreed, opened by the recipient alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock

app = typer.Typer(help="Originals for somebody outside, closed for them.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def key(
    file: Annotated[Path, typer.Argument(metavar="KEYFILE", help="Where the private key goes; it stays with you.")],
    as_json: AsJson = False,
) -> None:
    """Make a key pair as a recipient, and print the public key for whoever asks for the export.

    Example: nightlight export key my-export.key
    """
    from nightlight.trust.sealed import box

    made = box.one_time()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        base.fail(f"{file} is there already; a key is never written over.")
    except OSError as failure:
        base.fail(f"{file} cannot be written: {failure.strerror}.")
    with os.fdopen(handle, "w") as out:
        out.write(made.secret.hex() + "\n")
    public = made.lock.public.hex()
    base.put({"public_key": public, "file": str(file)}, as_json=as_json, text=public)


@app.command()
def write(
    export: Annotated[str, typer.Argument(metavar="EX-…", help="An approved export.")],
    folder: Annotated[Path, typer.Argument(help="Where the file goes.", exists=True, file_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Write an approved export, once: a file that only the recipient's key opens.

    Example: nightlight export write EX-7F3K-9QTX /media/transfer
    """
    with base.database():
        from nightlight.foundation.refusals import Refusal
        from nightlight.trust.viewing import exporting

        try:
            path = exporting.write(by=base.BY, at=clock.now(), export=export, folder=folder)
        except Refusal as refused:
            base.fail(refused.reason)
        base.put({"export": export, "file": str(path)}, as_json=as_json, text=str(path))


@app.command("open")
def open_(
    file: Annotated[Path, typer.Argument(help="The file as it was handed over.", exists=True, dir_okay=False)],
    archive: Annotated[Path, typer.Argument(metavar="ZIP", help="The ZIP to make: originals and their digests.")],
    key_file: Annotated[Path, typer.Option("--key", help="Your private key.", exists=True, dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Open an export with the recipient's key. Needs no database.

    Example: nightlight export open EX-7F3K-9QTX.nlx originals.zip --key my-export.key
    """
    base.set_up_django()
    from nightlight.foundation.refusals import Conflict
    from nightlight.trust.viewing import exporting

    try:
        secret = bytes.fromhex(key_file.read_text(encoding="ascii").strip())
    except ValueError:
        base.fail(f"{key_file} is no key of “nightlight export key”.")
    try:
        with archive.open("xb") as out:
            exporting.unpack(file, secret, out)
    except FileExistsError:
        base.fail(f"{archive} is there already.")
    except Conflict as refused:
        archive.unlink()
        base.fail(refused.reason)
    base.put({"file": str(archive)}, as_json=as_json, text=str(archive))
