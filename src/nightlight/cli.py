# SPDX-License-Identifier: Apache-2.0
"""The command line: one verb a deed, --help with examples, exit codes scripts can trust."""

from __future__ import annotations

import typer

from nightlight.commands import (
    custody,
    deconfliction,
    demo,
    doctor,
    exchange,
    exports,
    hashes,
    keeping,
    links,
    logs,
    netdata,
    people,
    places,
    reporters,
    running,
    scorecard,
    sign_in,
    tips,
    tokens,
    units,
)

app = typer.Typer(
    name="nightlight",
    help="Carries a tip about a child in danger from the platform that saw it to the officer who can act on it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(running.up)
app.command()(running.web)
app.command()(running.worker)
app.command()(running.migrate)
app.command()(demo.demo)
app.command("import")(tips.import_)
app.command()(doctor.doctor)
app.command()(keeping.backup)
app.command()(keeping.restore)
app.add_typer(reporters.app, name="reporter")
app.add_typer(people.app, name="person")
app.add_typer(units.app, name="unit")
app.add_typer(sign_in.app, name="sign-in")
app.add_typer(tokens.app, name="token")
app.add_typer(tips.app, name="tip")
app.add_typer(exports.app, name="export")
app.add_typer(hashes.app, name="hashes")
app.add_typer(links.app, name="links")
app.add_typer(places.app, name="places")
app.add_typer(places.routing, name="routing")
app.add_typer(netdata.app, name="netdata")
app.add_typer(netdata.operators, name="operators")
app.add_typer(logs.app, name="logs")
app.add_typer(deconfliction.app, name="deconfliction")
app.add_typer(scorecard.app, name="scorecard")
app.add_typer(exchange.app, name="exchange")
app.add_typer(custody.app, name="custody")
app.add_typer(keeping.vault, name="vault")


def main() -> None:
    """Run the command line."""
    app()
