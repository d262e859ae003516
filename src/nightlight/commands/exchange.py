# SPDX-License-Identifier: Apache-2.0
"""Other installations: whom we exchange tips with, and packages by stick where there is no line."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound, Refusal

if TYPE_CHECKING:
    from nightlight.pipeline.routing.models import Installation, Package

app = typer.Typer(help="Other installations of Nightlight, and packages to and from them.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Other = Annotated[str, typer.Argument(metavar="INSTALLATION", help="Its NI-… number or its name.")]
PackageId = Annotated[str, typer.Argument(metavar="PK-…", help="A package; see: nightlight exchange status")]


@app.command()
def card(
    file: Annotated[Path | None, typer.Option("--to", help="Write it to this file instead of printing it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the card of this installation, and the fingerprint to read out over the telephone.

    Example: nightlight exchange card --to our-card.json
    """
    with base.database():
        from nightlight.pipeline.routing.exchange import cards, keys

        text = keys.our_card()
        fingerprint = keys.ours().fingerprint
        if file is not None:
            file.write_text(text + "\n", encoding="utf-8")
        base.put(
            {"card": text, "fingerprint": fingerprint, "spoken": cards.spoken(fingerprint)},
            as_json=as_json,
            text=f"{file or text}\n\nRead this out when they call:\n[b]{cards.spoken(fingerprint)}[/b]",
        )


@app.command()
def add(
    source: Annotated[
        str, typer.Argument(metavar="CARD", help="A file with its card, - for standard input, or https://…")
    ],
    *,
    unit: Annotated[str, typer.Option(help="Code of the unit of ours that works there.")] = "",
    ca: Annotated[
        Path | None, typer.Option(help="Its own certificate authority (PEM), where it has no public one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add another installation from its card. Nothing goes there before fingerprints were compared.

    Example: nightlight exchange add east-card.json --unit STATE-EAST
    """
    authority = _text(str(ca)) if ca else ""
    with base.database():
        from nightlight.pipeline.routing.exchange import cards, partners
        from nightlight.trust.units import actions as units

        try:
            text = partners.fetch_card(source, ca=authority) if "://" in source else _text(source)
            place = units.unit_with(unit) if unit else None
            made = partners.add(by=base.BY, at=clock.now(), card=text, ca=authority, unit=place)
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.put(
            {"installation": made.public_id, "name": made.name, "fingerprint": made.fingerprint},
            as_json=as_json,
            text=f"[b]{made.name}[/b]  {made.public_id}  waits",
        )
        base.say(
            "Now somebody else calls an officer there, has the fingerprint read out, and types what they hear: "
            f"nightlight exchange compare {made.public_id}, or on the page. Do not read ours from the card: "
            f"{cards.GROUPS} groups of {cards.DIGITS} digits."
        )


@app.command()
def compare(
    installation: Other,
    told: Annotated[
        str, typer.Option("--heard", help="The fingerprint as heard; asked for where it is left out.")
    ] = "",
    *,
    person: Annotated[
        str, typer.Option("--by", help="Sign-in name of whoever heard it; not the one who added the installation.")
    ],
) -> None:
    """Compare the fingerprint that an officer there read out; only then is the installation trusted.

    Exit code 1: it is not the same, and somebody may be between you.

    Example: nightlight exchange compare NI-7F3K-9QTX --by asha --heard "12345 67890 …"
    """
    with base.database():
        from nightlight.pipeline.routing.exchange import partners
        from nightlight.trust.accounts.models import User

        try:
            found = partners.called(installation)
            who = User.objects.filter(username=person, is_active=True).first()
            if who is None:
                raise NotFound(f"Nobody signs in as {person!r}.")
            heard = told or str(typer.prompt("The fingerprint as heard"))
            same = partners.compare(
                by=base.BY, at=clock.now(), installation=found, told=heard, second=f"officer:{who.public_id}"
            )
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        if not same:
            base.fail("It is not the same. Listen again; if it stays so, the card is not theirs: end it.")
        base.say(f"{found.name} is trusted from now on.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List other installations and how far we know each other."""
    with base.database():
        from nightlight.pipeline.routing.models import Installation

        found = list(Installation.objects.select_related("unit").order_by("pk"))
        rows = [
            {
                "installation": one.public_id,
                "name": one.name,
                "url": one.url,
                "state": one.state,
                "unit": one.unit.code if one.unit else "",
                "fingerprint": one.fingerprint,
                "last_seen_at": one.last_seen_at and clock.stamp(one.last_seen_at),
            }
            for one in found
        ]
        base.put({"installations": rows}, as_json=as_json, text="\n".join(map(_line, found)) or "No other one yet.")


@app.command()
def end(installation: Other, *, why: Annotated[str, typer.Option(help="Why, for the log.")]) -> None:
    """End the exchange with an installation: nothing more is sent there or taken from it."""
    with base.database():
        from nightlight.pipeline.routing.exchange import partners

        try:
            found = partners.called(installation)
            partners.end(by=base.BY, at=clock.now(), installation=found, why=why)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{found.name} has ended.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show packages that are on their way, held or refused, and the last that arrived."""
    with base.database():
        from nightlight.pipeline.routing.models import Package

        found = list(Package.objects.select_related("installation").order_by("-pk")[:200])
        rows = [
            {
                "package": one.public_id,
                "way": "out" if one.outgoing else "in",
                "kind": one.kind,
                "installation": one.installation.public_id if one.installation else "",
                "sender": one.sender,
                "state": one.state,
                "moved": one.moved,
                "size": one.size,
                "tips": one.tips,
                "done": one.done,
                "tries": one.tries,
                "code": one.code,
                "why": one.why,
            }
            for one in found
        ]
        base.put({"packages": rows}, as_json=as_json, text="\n".join(map(_package_line, found)) or "No package yet.")


@app.command()
def write(package: PackageId, file: Annotated[Path, typer.Argument(help="Where it goes, such as a stick.")]) -> None:
    """Write a package that is ready to a file, to be carried to the other installation.

    Example: nightlight exchange write PK-7F3K-9QTX /media/stick/package.nlp
    """
    with base.database():
        from nightlight.pipeline.routing.exchange import outbox, receiving
        from nightlight.pipeline.routing.models import Package

        try:
            found = _package(package)
            if not found.outgoing or found.state not in outbox.UNDER_WAY:
                raise NotFound(f"{found.public_id} is {found.get_state_display().lower()}; there is nothing to write.")
            with receiving.path_of(found).open("rb") as source, file.open("xb") as target:
                shutil.copyfileobj(source, target, 2**20)
                target.flush()
                os.fsync(target.fileno())
            if found.installation and not found.installation.url:
                outbox.moved_on(found, Package.State.SENT, at=clock.now(), by=base.BY, way="stick")
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        except OSError as failure:
            base.fail(f"{file} cannot be written: {failure.strerror}.", code=2)
        base.say(f"{file} is written. Only the other installation can open it.")


@app.command()
def take(
    file: Annotated[Path, typer.Argument(help="A package that somebody brought.")], as_json: AsJson = False
) -> None:
    """Take in a package from a file. Of an unknown sender it is held until fingerprints were compared.

    Exit code 1: it is held. Exit code 2: it is refused.

    Example: nightlight exchange take /media/stick/package.nlp
    """
    with base.database():
        from nightlight.pipeline.routing.exchange import receiving
        from nightlight.pipeline.routing.models import Package

        try:
            with file.open("rb") as source:
                found = receiving.take_file(source, at=clock.now(), by=base.BY)
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        except OSError as failure:
            base.fail(f"{file} cannot be read: {failure.strerror}.", code=2)
        base.put(
            {"package": found.public_id, "state": found.state, "sender": found.sender},
            as_json=as_json,
            text=f"{found.public_id}  {found.get_state_display()}",
        )
        if found.state == Package.State.QUARANTINED:
            raise typer.Exit(1)


@app.command()
def retry(package: PackageId) -> None:
    """Try a package that goes out again now; of one that was refused, with a new one in its place."""
    with base.database():
        from nightlight.pipeline.routing.exchange import outbox

        try:
            outbox.retry(_package(package), by=base.BY, at=clock.now())
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say("It is tried again.")


@app.command()
def release(package: PackageId) -> None:
    """Take in a package that was held, once its sender is trusted."""
    with base.database():
        from nightlight.pipeline.routing.exchange import partners

        try:
            partners.release(by=base.BY, at=clock.now(), package=_package(package))
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say("It is taken in.")


@app.command()
def discard(package: PackageId, *, why: Annotated[str, typer.Option(help="Why, for the log.")]) -> None:
    """Drop a package that was held."""
    with base.database():
        from nightlight.pipeline.routing.exchange import partners

        try:
            partners.discard(by=base.BY, at=clock.now(), package=_package(package), why=why)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say("It is dropped.")


def _package(public_id: str) -> Package:
    from nightlight.pipeline.routing.models import Package

    found = Package.objects.select_related("installation").filter(public_id=public_id.upper()).first()
    if found is None:
        raise NotFound(f"There is no package {public_id!r}; see: nightlight exchange status")
    return found


def _line(one: Installation) -> str:
    works = f"  works in {one.unit.code}" if one.unit else ""
    return f"{one.public_id}  {one.name}  {one.get_state_display()}{works}  {one.url or 'by stick'}"


def _package_line(one: Package) -> str:
    way, who = ("to", "from")[not one.outgoing], one.installation.name if one.installation else one.sender[:16]
    moved = f"{one.moved / 1e6:,.1f} of {one.size / 1e6:,.1f} MB"
    tips = f"{one.done} of {one.tips} tips"
    return f"{one.public_id}  {way} {who}  {one.get_state_display()}  {moved}  {tips}  {one.why}".rstrip()


def _text(source: str) -> str:
    try:
        return sys.stdin.read(65_536) if source == "-" else Path(source).read_text(encoding="utf-8")[:65_536]
    except (OSError, UnicodeDecodeError):
        base.fail(f"{source} cannot be read.", code=2)
