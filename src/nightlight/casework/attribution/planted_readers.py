# SPDX-License-Identifier: Apache-2.0
"""Errors of whoever reads a record: a piece of a cell is given for the whole, or another cell than the right one.

The bytes of the evidence are right in each case, and everything after the reading follows the error.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution.planted_world import TOLD, WIDE, ZONED, ZONES, Truth, sentence, source_of, truth_of
from nightlight.casework.attribution.times import Zone

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from nightlight.casework.attribution.gate import SourceFields

Misread = tuple["SourceFields", Truth]
_JSON, _UTF16, _ACCOUNT = 16, 32, 64  # of a shape
_NOON = timedelta(hours=12)


def offset_dropped(_: Random, truth: Truth) -> Misread:
    """The time zone at the end of the text is cut off, and the layout is taken to be in UTC."""
    source = source_of(truth)
    cut = replace(source, moment_as_sent=source.moment_as_sent[:-6], zone=Zone.named("UTC", "the layout"))
    return cut, replace(truth, at=truth.at + timedelta(minutes=ZONES[truth.written_in]))


def half_dropped(rng: Random, truth: Truth) -> Misread:
    """The half of the day is cut off."""
    while truth.local.hour < 13:
        truth = truth_of(rng, forms=("half-day",))
    source = source_of(truth)
    return replace(source, moment_as_sent=source.moment_as_sent[:-3]), replace(truth, at=truth.at - _NOON)


def other_column(rng: Random, truth: Truth) -> Misread:
    """The server's address or port, or the end of the session; by a layout that names the columns or by one that
    does not.
    """
    truth = replace(truth, shape=(truth.shape | WIDE) & ~TOLD)
    source = source_of(truth)
    if rng.random() < 0.5:
        source = replace(source, places=())
    wrong = (
        replace(truth, address="2001:db8:ffff::9" if ":" in truth.address else "192.0.2.255"),
        replace(truth, port=443),
        replace(truth, at=truth.at + timedelta(minutes=42)),
    )[rng.randrange(3 if truth.port is not None else 2) - (truth.port is None)]
    taken = source_of(wrong)
    if wrong.address != truth.address:
        return replace(source, address_as_sent=wrong.address, port_as_sent=source.port_as_sent), replace(
            wrong, port=None if source.port_as_sent is None else truth.port
        )
    return replace(source, port_as_sent=taken.port_as_sent, moment_as_sent=taken.moment_as_sent), wrong


def other_row(rng: Random, truth: Truth) -> Misread:
    """Two rows were cut out as one record; the time is that of the other."""
    truth = replace(truth, shape=truth.shape & ~(_JSON | _UTF16 | TOLD))
    other = replace(truth, at=truth.at - timedelta(minutes=rng.randrange(5, 9000)), port=None)
    source, second = source_of(truth), source_of(replace(other, address="192.0.2.254"))
    both = source.record + b"\r\n" + second.record
    misread = replace(source, moment_as_sent=second.moment_as_sent)
    return _with(misread, both), replace(truth, at=other.at)


def range_as_address(rng: Random, truth: Truth) -> Misread:
    """The record names a whole network, or a range, and the reader gave its first address."""
    truth = replace(truth, shape=truth.shape & ~TOLD)
    wide = "/64" if ":" in truth.address else rng.choice(("/24", f"-{truth.address}", " - 203.0.113.254"))
    source = source_of(truth)
    return _written_in(source, source.address_as_sent, source.address_as_sent + wide), truth


def piece(rng: Random, truth: Truth) -> Misread:
    """A field is cut short: the address, the port or the account goes on in the record."""
    truth = replace(truth, shape=(truth.shape | _ACCOUNT) & ~TOLD)
    source = source_of(truth)
    fields = [(source.address_as_sent, ":77" if ":" in truth.address else rng.choice("0123456789"))]
    fields += [(source.subject_as_sent, rng.choice((".kumar@mail.example", "_x", "-2")))]
    if source.port_as_sent:
        fields.append((source.port_as_sent, rng.choice("0123456789")))
    words, rest = rng.choice(fields)
    return _written_in(source, words, words + rest), truth


def cell_left_out(rng: Random, truth: Truth) -> Misread:
    """The zone, or the half of the day, stands in a cell of its own, and nobody looked at it."""
    if truth.form == "half-day":
        while truth.local.hour < 13:
            truth = truth_of(rng, forms=("half-day",))
        source = source_of(replace(truth, shape=truth.shape & ~(TOLD | _JSON | _UTF16)))
        split = _with(source, source.record.replace(b" PM", b",PM", 1))
        return replace(split, moment_as_sent=source.moment_as_sent[:-3]), replace(truth, at=truth.at - _NOON)
    truth = replace(truth, shape=(truth.shape | ZONED) & ~TOLD)
    source = replace(source_of(truth), zone=Zone.named("UTC", "the layout"))
    return source, replace(truth, at=truth.at + timedelta(minutes=ZONES[truth.written_in]))


def end_of_session(_: Random, truth: Truth) -> Misread:
    """The record holds a beginning and an end, no layout says which is which, and the end was taken."""
    truth = replace(truth, shape=truth.shape & ~(TOLD | WIDE | ZONED | _JSON | _UTF16))
    wrong = replace(truth, at=truth.at + timedelta(minutes=42))
    source, taken = source_of(truth), source_of(wrong).moment_as_sent
    return replace(_with(source, source.record + f",{taken}".encode()), moment_as_sent=taken), wrong


def port_left_out(_: Random, truth: Truth) -> Misread:
    """The record has the port in a cell that says so, and it was not taken."""
    truth = replace(truth, shape=(truth.shape | _JSON) & ~(TOLD | WIDE | 3))
    return replace(source_of(truth), port_as_sent=None), replace(truth, port=None)


def sentence_cut(rng: Random, truth: Truth) -> Misread:
    """Fields are taken out of a sentence, and what goes on with them is not."""
    truth = replace(truth, shape=(truth.shape | TOLD) & ~(3 | _UTF16))
    source = source_of(truth)
    address, port, moment = source.address_as_sent, source.port_as_sent, source.moment_as_sent
    told = [
        (address, port, f"{moment} PM"),
        (address, port, f"{moment} IST"),
        (address, port, f"{moment} UTC+05:30"),
        (address, port, f"{moment} to {moment[:-1]}0"),
        (f"{address} to 203.0.113.254", port, moment),
        (address, f"{port or 1024} to 65535", moment),
        (address, port, f"{moment} Asia/Dhaka time"),
    ]
    words = sentence(source.subject_as_sent, *rng.choice(told))
    return _with(source, json.dumps({"text": words}).encode()), truth


def _written_in(source: SourceFields, words: str, instead: str) -> SourceFields:
    """The evidence with other words in one cell of its record."""
    utf16 = source.record[:2] in {b"\xff\xfe", b"\xfe\xff"}
    text = source.record.decode("utf-16" if utf16 else "utf-8")
    if text[:1] == "{":
        text = text.replace(f'"{words}"', f'"{instead}"', 1)
    else:
        cells = text.split(",")
        cells[cells.index(words)] = instead
        text = ",".join(cells)
    return _with(source, text.encode("utf-16" if utf16 else "utf-8"))


def _with(source: SourceFields, record: bytes) -> SourceFields:
    return replace(source, record=record, digest=hashlib.sha256(record).hexdigest())


FAULTS: dict[str, Callable[[Random, Truth], Misread]] = {
    "reader-offset-dropped": offset_dropped,
    "reader-half-of-day-dropped": half_dropped,
    "reader-other-column": other_column,
    "reader-other-row": other_row,
    "reader-range-as-address": range_as_address,
    "reader-piece": piece,
    "reader-cell-left-out": cell_left_out,
    "reader-end-of-session": end_of_session,
    "reader-port-left-out": port_left_out,
    "reader-sentence-cut": sentence_cut,
}
