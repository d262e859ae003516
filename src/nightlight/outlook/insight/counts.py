# SPDX-License-Identifier: Apache-2.0
"""What a provider's reports held, as shares that state of how many; what it could mend; what leaves the building.

A share counts reports, network events or files. It says something about reports, and nothing about whom they report.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SMALLEST = 5  # an outcome of fewer reports is not told to the provider
FEW = 30  # of fewer reports shares are hints


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over the received reports of a period, or of one ``month`` of it. ``median`` and ``p90`` are days."""

    month: date | None
    reports: int
    with_address: int
    events: int
    addressed: int
    with_port: int
    any_port: int
    all_ports: int
    with_zone: int
    with_media: int
    files: int
    arrived: int
    viewed_stated: int
    contact: int
    account: int
    contact_or_account: int
    narrative: int
    thin: int
    repeats: int
    dated: int
    median: int | None
    p90: int | None

    @property
    def few(self) -> bool:
        """Whether there are too few for shares to mean much."""
        return self.reports < FEW


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; ``unit`` is what is counted. ``wanted`` is False where fewer is better."""

    code: str
    label: str
    unit: str
    n: int
    of: int
    wanted: bool = True

    @property
    def percent(self) -> int | None:
        """Whole percent, None of nothing; rounded so that neither 0 nor 100 is said of what is not."""
        if not self.of:
            return None
        whole = round(100 * self.n / self.of)
        return min(max(whole, 1), 99) if 0 < self.n < self.of else whole


def shares(of: Counts) -> tuple[Share, ...]:
    """Return what the reports held, in the order in which it leads to somebody."""
    reports, events, files = _("reports"), _("network events"), _("files")
    return (
        Share("address", _("A network address"), reports, of.with_address, of.reports),
        Share("port", _("Address with its port"), events, of.with_port, of.addressed),
        Share("all-ports", _("Every address with its port"), reports, of.all_ports, of.with_address),
        Share("any-port", _("At least one port"), reports, of.any_port, of.with_address),
        Share("zone", _("Time with its zone"), events, of.with_zone, of.events),
        Share("media", _("A file came"), reports, of.with_media, of.reports),
        Share("files", _("Described files that came"), files, of.arrived, of.files),
        Share("viewed", _("Says whether a person viewed it"), files, of.viewed_stated, of.files),
        Share("contact", _("E-mail or telephone of the reported"), reports, of.contact, of.reports),
        Share("account", _("Account or name of the reported"), reports, of.account, of.reports),
        Share("narrative", _("Something said in words"), reports, of.narrative, of.reports),
        Share("thin", _("Nothing to begin with"), reports, of.thin, of.reports, wanted=False),
        Share("repeats", _("The same as an earlier report"), reports, of.repeats, of.reports, wanted=False),
    )


def mendings(of: Counts) -> list[str]:
    """Return what the provider could mend, in sentences with numbers: the largest share first."""
    say: tuple[tuple[int, int, Callable[[], str]], ...] = (
        (
            of.addressed - of.with_port,
            of.addressed,
            lambda: _("network events have an address without a port: add it."),
        ),
        (
            of.events - of.with_zone,
            of.events,
            lambda: _("network events have no time, or one without a zone: add both."),
        ),
        (
            of.files - of.viewed_stated,
            of.files,
            lambda: _("files do not say whether a person viewed the whole file: say yes or no."),
        ),
        (of.files - of.arrived, of.files, lambda: _("described files did not come: upload them with the report.")),
        (
            of.reports - of.contact_or_account,
            of.reports,
            lambda: _("reports name no account, e-mail address or telephone number: add the account's identifier."),
        ),
        (of.reports - of.with_address, of.reports, lambda: _("reports have no network address: add sign-in events.")),
        (
            of.repeats,
            of.reports,
            lambda: _("reports repeat an earlier one byte for byte: send again only what got no answer."),
        ),
        (
            of.reports - of.dated,
            of.reports,
            lambda: _("reports do not say on which day it happened in a way that could be read."),
        ),
    )
    found = [(lacking, whole, words()) for lacking, whole, words in say if lacking > 0]
    found.sort(key=lambda one: -one[0] / one[1])
    return [
        _("%(n)s of %(of)s") % {"n": f"{lacking:,}", "of": f"{whole:,}"} + " " + words
        for lacking, whole, words in found
    ]


@dataclass(frozen=True, slots=True)
class Cell:
    """How many reports ended with an outcome."""

    code: str
    reports: int


def without_small(counts: Mapping[str, int]) -> list[Cell]:
    """Return what may leave of a count by outcome: no number under ``SMALLEST``, and none that others give away.

    Whoever gets this knows the whole. So outcomes are left out, the smallest first, until those left out together have
    ``SMALLEST`` reports or more; and not even their names are told. Often nothing is left.
    """
    there = sorted((n, code) for code, n in counts.items() if n > 0)
    hidden: set[str] = set()
    reports = 0
    for n, code in there:
        if n >= SMALLEST and (not hidden or reports >= SMALLEST):
            break
        hidden.add(code)
        reports += n
    return [Cell(code, n) for code, n in counts.items() if n > 0 and code not in hidden]


def months_between(first: date, last: date) -> Iterable[date]:
    """Yield the first day of each month from one to the other."""
    month = first
    while month <= last:
        yield month
        month = following(month)


def following(month: date, by: int = 1) -> date:
    """Return the first day of the month so many months on."""
    number = month.year * 12 + month.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)
