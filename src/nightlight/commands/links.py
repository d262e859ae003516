# SPDX-License-Identifier: Apache-2.0
"""Links between tips: worked out anew, and how things stand."""

from __future__ import annotations

from typing import Annotated

import typer

from nightlight.commands import base

app = typer.Typer(help="Which people of tips are taken for one person.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def rebuild(*, as_json: AsJson = False) -> None:
    """Work out all persons and groups of files anew, at once; nothing else is linked meanwhile.

    For after a change of the weights. What officers decided stands.

    Example: nightlight links rebuild
    """
    with base.database():
        from nightlight.pipeline.linking import rebuilding

        done = rebuilding.rebuild(say=base.say)
        base.put(
            {
                "subjects": done.subjects,
                "sightings": done.sightings,
                "identifiers": done.identifiers,
                "persons": done.persons,
                "persons_changed": done.persons_changed,
                "counts_changed": done.counts_changed,
                "files": done.files,
                "groups_changed": done.groups_changed,
                "seconds": done.seconds,
            },
            as_json=as_json,
            text=f"{done.subjects:,} people of tips are {done.persons:,} persons; {done.persons_changed:,} of them "
            f"and {done.groups_changed:,} of {done.files:,} files stood otherwise before.",
        )


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Say how many tips wait to be linked, and how many people of tips are how many persons.

    Example: nightlight links status
    """
    with base.database():
        from nightlight.pipeline.linking import rebuilding

        told = rebuilding.status()
        base.put(
            told,
            as_json=as_json,
            text=f"{told['waiting']:,} tips wait. {told['subjects']:,} people of {told['tips']:,} tips are "
            f"{told['persons']:,} persons; {told['decisions']:,} decisions of officers stand.",
        )
