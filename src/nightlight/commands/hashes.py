# SPDX-License-Identifier: Apache-2.0
"""Lists of known files: made, filled, polled, looked through, checked, handed out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from nightlight.commands import base, hash_feeds, hash_members
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

if TYPE_CHECKING:
    from nightlight.pipeline.matching.list_queries import Agreeing
    from nightlight.pipeline.matching.models import Edition

app = typer.Typer(help="Lists of known files, and what agrees with them.", no_args_is_help=True)
app.add_typer(hash_members.app, name="members")
app.command()(hash_feeds.feed)
app.command()(hash_feeds.poll)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ListName = Annotated[str, typer.Argument(metavar="LIST", help="Its HL-… number or its name.")]
_DOING = {"keeping": "Keeping the file", "reading": "Reading", "applying": "Putting in use"}
_SHOWN = 20


@app.command("add-list")
def add_list(
    name: Annotated[str, typer.Argument(help="What the list is called here; unique.")],
    *,
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    legal_basis: Annotated[str, typer.Option(help="Under which law it is kept and used.")],
    scheme: Annotated[str, typer.Option(help="Classification scheme: industry, vic, icse, plain, labels.")],
    scheme_version: Annotated[str, typer.Option(help="Its version, such as 1 or 2.0/Default.")] = "1",
    purpose: Annotated[str, typer.Option(help="known, or label for lists that only say something beside.")] = "known",
    as_json: AsJson = False,
) -> None:
    """Make an empty list.

    Example: nightlight hashes add-list "National list" --owner "National centre" --legal-basis "Act 1" --scheme plain
    """
    with base.database():
        from nightlight.pipeline.matching import list_actions

        try:
            made = list_actions.add_list(
                by=base.BY,
                at=clock.now(),
                name=name,
                owner=owner,
                legal_basis=legal_basis,
                scheme=scheme,
                scheme_version=scheme_version,
                purpose=purpose,
            )
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.put(
            {"list": made.public_id, "name": made.name, "scheme": made.scheme, "scheme_version": made.scheme_version},
            as_json=as_json,
            text=f"[b]{made.name}[/b]  {made.public_id}",
        )


@app.command("import")
def import_(
    hash_list: ListName,
    file: Annotated[Path, typer.Argument(help="The list's file.", exists=True, dir_okay=False)],
    *,
    format_: Annotated[str, typer.Option("--format", help="If its content does not tell: vic, icse, csv, …")] = "",
    replace: Annotated[
        bool | None, typer.Option("--replace/--add", help="Whether entries that are not in the file are withdrawn.")
    ] = None,
    most_may_go: Annotated[
        bool, typer.Option("--most-may-go", help="Withdraw also more than half of the entries, if the file lacks them.")
    ] = False,
    kind: Annotated[str, typer.Option(help="What 64 hex digits are where the file does not say: sha256, pdq.")] = "",
    media: Annotated[str, typer.Option(help="image or video, for rows that do not say.")] = "",
    classification: Annotated[str, typer.Option(help="For rows that have none.")] = "",
    as_json: AsJson = False,
) -> None:
    """Read a file into a list: the whole of it, or nothing. The version before serves until the new one is whole.

    Exit code 0: every row is in; 3: some are not, see "nightlight hashes bad-rows"; 1: the list is as it was.

    Example: nightlight hashes import "National list" list.json --replace
    """
    if replace is None:
        base.fail("Say --replace if the file is the whole list, --add if it comes on top of what is there.", code=2)
    if kind not in {"", "sha256", "pdq"} or media not in {"", "image", "video"}:
        base.fail("--kind is sha256 or pdq, --media is image or video.", code=2)
    with base.database():
        from nightlight.pipeline.matching import importing, list_actions
        from nightlight.pipeline.matching.lists.columns import Told

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
        )
        try:
            wanted = list_actions.list_called(hash_list)
            with Progress(*columns, console=base.people, disable=as_json) as progress:
                bar = progress.add_task("Starting", total=None)

                def tell(done: int, size: int, doing: str) -> None:
                    progress.update(bar, description=_DOING[doing], completed=done, total=size)

                done = importing.run(
                    hash_list=wanted,
                    path=file,
                    format=format_,
                    told=Told(kind or None, media, classification),
                    replaces=replace,
                    most_may_go=most_may_go,
                    by=base.BY,
                    at=clock.now,
                    progress=tell,
                )
        except importing.ImportFailed as failed:
            bad = failed.edition.bad
            base.fail(failed.reason + (f" {bad:,} bad rows came before; see bad-rows." if bad else ""))
        except Refusal as refusal:
            base.fail(refusal.reason)
        counts = importing.counts_as_data(done.counts)
        notes = [{"code": str(note.code), "text": note.text} for note in done.notes]
        lines = [f"{name:<10}{count:>14,}" for name, count in counts.items()]
        lines += [f"  {note.text}" for note in done.notes[:_SHOWN]]
        if done.counts.bad:
            number = done.edition.number
            lines.append(
                f'What is not in: nightlight hashes bad-rows "{wanted.name}" --edition {number} --to bad-rows.csv'
            )
        told: dict[str, object] = {"list": wanted.public_id, **_edition(done.edition), **counts, "notes": notes}
        base.put(told, as_json=as_json, text="\n".join(lines))
        if done.counts.bad:
            raise typer.Exit(3)


def _edition(edition: Edition) -> dict[str, object]:
    return {"edition": edition.number, "state": str(edition.state), "format": edition.source}


@app.command("bad-rows")
def bad_rows(
    hash_list: ListName,
    *,
    edition: Annotated[int | None, typer.Option(help="Which version; the newest if not said.")] = None,
    to: Annotated[Path, typer.Option(metavar="FILE", help="The CSV file to make.")],
    as_json: AsJson = False,
) -> None:
    """Write the rows of a version that are not in, and why, into a CSV file.

    Example: nightlight hashes bad-rows "National list" --to bad-rows.csv
    """
    with base.database():
        from nightlight.pipeline.matching import handing_out, list_actions, list_queries

        try:
            version = list_queries.edition(list_actions.list_called(hash_list), edition)
            written = handing_out.bad_rows(file=to, header=list_queries.BAD_ROWS, rows=list_queries.bad_rows(version))
        except Refusal as refusal:
            base.fail(refusal.reason)
        told: dict[str, object] = {"file": str(to), "rows": written.rows, **_edition(version)}
        base.put(told, as_json=as_json, text=f"{written.rows:,} rows in {to}")


@app.command()
def export(
    hash_list: ListName,
    *,
    to: Annotated[Path, typer.Option(metavar="FILE", help="The CSV file to make.")],
    reason: Annotated[str, typer.Option(help="For whom, and under which law; it stays in the log.")],
    as_json: AsJson = False,
) -> None:
    """Write what stands on a list into a CSV file, for somebody who may lawfully have it.

    Example: nightlight hashes export "National list" --to list.csv --reason "Order 12/2026 of the court at Lakeside"
    """
    with base.database():
        from nightlight.pipeline.matching import handing_out, list_actions

        try:
            wanted = list_actions.list_called(hash_list)
            written = handing_out.export(by=base.BY, at=clock.now(), hash_list=wanted, file=to, reason=reason)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.put(
            {"list": wanted.public_id, "file": str(to), "rows": written.rows, "sha256": written.sha256},
            as_json=as_json,
            text=f"{written.rows:,} entries in {to}, SHA-256 {written.sha256}",
        )


@app.command()
def stats(
    hash_list: Annotated[str | None, typer.Argument(metavar="[LIST]", help="One list; all if not said.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show lists, their versions, and how many entries stand."""
    with base.database():
        from nightlight.pipeline.matching import list_actions, list_queries, queries
        from nightlight.pipeline.matching.models import HashList

        try:
            of = [list_actions.list_called(hash_list)] if hash_list else list(HashList.objects.order_by("name"))
        except Refusal as refusal:
            base.fail(refusal.reason)
        rows, lines = [], []
        for counted, seen in zip(list_queries.standing(of), queries.overview(of), strict=True):
            one, newest = counted.hash_list, seen.newest
            feed = seen.feed and {
                "url": seen.feed.url,
                "every_minutes": seen.feed.every_minutes,
                "polled_at": seen.feed.polled_at and clock.stamp(seen.feed.polled_at),
                "failing": seen.feed.failing,
                "why": seen.feed.why,
            }
            rows.append(
                {
                    "list": one.public_id,
                    "name": one.name,
                    "owner": one.owner,
                    "legal_basis": one.legal_basis,
                    "scheme": one.scheme,
                    "scheme_version": one.scheme_version,
                    "purpose": one.purpose,
                    "entries": counted.standing,
                    "withdrawn": counted.withdrawn,
                    "by_kind": counted.by_kind,
                    "by_classification": counted.by_classification,
                    "edition_in_use": seen.in_use and seen.in_use.number,
                    "newest": newest and {**_edition(newest), "why": newest.why},
                    "feed": feed,
                    "partners": list(seen.partners),
                    "feedback_waiting": seen.waiting,
                }
            )
            lines.append(
                f"[b]{one.name}[/b]  {one.public_id}  {one.scheme} {one.scheme_version}, {one.owner}\n"
                f"  {counted.standing:,} entries, {counted.withdrawn:,} withdrawn"
                + "".join(f", {number:,} {kind}" for kind, number in counted.by_kind.items())
                + (f"\n  version {newest.number}: {newest.get_state_display()} {newest.why}" if newest else "")
                + (f"\n  polled from {seen.feed.url} {seen.feed.why}" if seen.feed else "")
            )
        base.put({"lists": rows}, as_json=as_json, text="\n".join(lines) or "No list yet.")


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Hold what is served to the database: every entry that stands is found, and the files are as they were built.

    Exit code 0: they agree; 1: they do not.
    """
    with base.database():
        from nightlight.pipeline.matching import serving

        found = serving.verify()
        base.put({"ok": found.ok, "lines": list(found.lines)}, as_json=as_json, text="\n".join(found.lines))
        if not found.ok:
            raise typer.Exit(1)


@app.command()
def find(
    digest: Annotated[str | None, typer.Argument(help="MD5, SHA-1, SHA-256 or PDQ in hex.")] = None,
    *,
    file: Annotated[
        Path | None, typer.Option(help="A file: its digests and what it looks like.", exists=True, dir_okay=False)
    ] = None,
    distance: Annotated[int, typer.Option(help="Within how many bits of 256 pictures agree, 0 to 31.")] = 31,
    as_json: AsJson = False,
) -> None:
    """Ask which entries agree with a fingerprint, or with a file. The file is decoded in the sandbox and not kept.

    Exit code 0: something does; 1: nothing.

    Example: nightlight hashes find --file photo.jpg
    """
    if (digest is None) == (file is None):
        base.fail("Name either a fingerprint or a --file.", code=2)
    with base.database():
        from nightlight.pipeline.matching import list_queries

        remark = ""
        try:
            if file is None:
                found = list_queries.by_text(digest or "", distance=distance)
            else:
                digests, pictures, remark = list_queries.fingerprints(file)
                found = list_queries.agreeing(digests, pictures, distance=distance)
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        if remark:
            base.say(f"[yellow]![/yellow] {remark} Only its digests were compared.")
        rows = [_agreeing(one) for one in found]
        said = [f"{row['classification'] or 'no category'} ({row['standing']})" for row in rows]
        lines = [
            f"{row['list']}  {row['entry']}  {category}, by {row['by']}"
            + ("" if row["distance"] is None else f", {row['distance']} of 256 bits away")
            + (f"; {', '.join(one.differ)} of the entry belong to another file" if one.differ else "")
            for row, one, category in zip(rows, found, said, strict=True)
        ]
        base.put({"found": rows}, as_json=as_json, text="\n".join(lines) or "On no list.")
        if not found:
            raise typer.Exit(1)


def _agreeing(one: Agreeing) -> dict[str, object]:
    of = one.entry.hash_list
    return {
        "list": of.name,
        "list_id": of.public_id,
        "entry": one.entry.source_id,
        "media": one.entry.media,
        "classification": one.entry.classification,
        "scheme": f"{of.scheme} {of.scheme_version}",
        "standing": one.standing,
        "by": one.by,
        "distance": one.distance,
        "differ": list(one.differ),
    }
