# SPDX-License-Identifier: Apache-2.0
"""The made-up world that errors are planted into: what was, how the evidence writes it, and the correct line.

Everything is written from whole numbers by the arithmetic of this module, not by the derivations that the gate uses:
zones have fixed minutes here, and London's summer time its published rule. Documentation address ranges (RFC 5737,
3849), invented operators and people.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from nightlight.casework.attribution.gate import (
    Authority,
    Chosen,
    GateFacts,
    RequestLine,
    SourceFields,
    Statement,
    check_value,
    shown_times,
)
from nightlight.casework.attribution.grades import Retention
from nightlight.casework.attribution.kinds import Label, Labelled
from nightlight.casework.attribution.times import ClockError, DateOrder, TimeRefused, Zone

if TYPE_CHECKING:
    from random import Random

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
OPERATORS = ("OP-AMBER", "OP-BIRCH", "OP-CEDAR", "OP-DELTA")
_KEEP = timedelta(days=730)
_BEGIN = datetime(2024, 12, 1, tzinfo=UTC)
_RANGES = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
LONDON = "Europe/London"
# Minutes east of UTC. All but London's stand still in the years used here.
ZONES = {"Asia/Kolkata": 330, "Asia/Kathmandu": 345, "Asia/Dhaka": 360, "Asia/Dubai": 240, "Asia/Singapore": 480}
_LABELS = (Label.FIXED, Label.MOBILE_SHARED, Label.FIXED_SHARED)
_FIGURES = ("ymd", "dmy", "mdy")
_FORMS = {
    "zulu": "%Y-%m-%dT%H:%M:%SZ",
    "ymd": "%Y-%m-%d %H:%M:%S",
    "dmy": "%d/%m/%Y %H:%M:%S",
    "mdy": "%m:%d:%Y %H:%M:%S",
    "named": "%d-%b-%Y %H:%M:%S",
    "minute": "%d/%m/%Y %H:%M",
    "half-day": "%m/%d/%Y %I:%M:%S %p",
    "joined": "%Y%m%d %H%M%S",
}
# Of a shape: the record holds a second address, port and time, and the layout says which is which; the zone stands in
# a cell of its own, and the layout declares it; the record is a sentence.
WIDE, ZONED, TOLD = 128, 256, 512 | 1024
_CELLS = {"address": "ip", "port": "port", "time": "at", "account": "by", "protocol": "proto"}
_ORDERS = {"dmy": DateOrder.DMY, "minute": DateOrder.DMY, "mdy": DateOrder.MDY, "half-day": DateOrder.MDY}


@dataclass(frozen=True, slots=True)
class Truth:
    """What really was, in whole numbers, and how the evidence writes it.

    `zone` is the operator's, in which the line is written, `written_in` the one of the evidence, `form` how the time is
    written there, `shape` how the address and the record are. `agrees`: a second place of the evidence states the time.
    """

    at: datetime
    address: str
    port: int | None
    operator: str
    zone: str
    written_in: str
    label: Label
    form: str
    shape: int
    agrees: bool
    account: str
    age: int  # days the account had existed
    delay: int  # days until the evidence came in

    @property
    def local(self) -> datetime:
        """The wall clock of the evidence."""
        return (self.at + timedelta(minutes=east(self.written_in, self.at))).replace(tzinfo=None)

    @property
    def hours(self) -> str:
        """The zone of the evidence as hours and minutes east of UTC."""
        hours, minutes = divmod(ZONES[self.written_in], 60)
        return f"{hours:02}:{minutes:02}"

    @property
    def told(self) -> bool:
        """Whether the record is a sentence."""
        return self.shape & TOLD == TOLD


def east(zone: str, at: datetime) -> int:
    """Minutes east of UTC at an instant; London's from the last Sunday of March to that of October, 01:00 UTC."""
    if zone != LONDON:
        return ZONES[zone]
    begins, ends = (_last_sunday(at.year, month) for month in (3, 10))
    return 60 if begins <= at < ends else 0


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def truth_of(rng: Random, *, port: bool = False, swappable: bool = False, forms: tuple[str, ...] = ()) -> Truth:
    """A truth; `swappable`: day and month of the written date can be exchanged and are then another day."""
    form = rng.choice(forms or (*_FORMS, "epoch", "offset"))
    at, written_in = _instant(rng, form), rng.choice(tuple(ZONES))
    while swappable and not _swappable(at + timedelta(minutes=ZONES[written_in])):
        at = _instant(rng, form)
    if rng.random() < 0.25:
        address = str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("2001:db8::")) + rng.getrandbits(96)))
        label: Label = rng.choice((Label.FIXED, Label.MOBILE_IPV6))
    else:
        address = str(ipaddress.ip_network(rng.choice(_RANGES))[rng.randrange(256)])
        label = rng.choice(_LABELS)
    return Truth(
        at=at,
        address=address,
        port=rng.randrange(1024, 65536) if port or label.shared or rng.random() < 0.3 else None,
        operator=rng.choice(OPERATORS),
        zone=rng.choice((*ZONES, LONDON)),
        written_in=written_in,
        label=label,
        form=form,
        shape=rng.randrange(1 << 16),
        agrees=rng.random() < 0.5,
        account=f"kite{rng.randrange(10**6)}",
        age=int(10 ** rng.uniform(0, 3.3)),
        delay=rng.randrange(60),
    )


def _instant(rng: Random, form: str) -> datetime:
    second = rng.randrange(int((NOW - _BEGIN).total_seconds()) - 86_400)
    return _BEGIN + timedelta(seconds=second - second % 60 if form == "minute" else second)


def _swappable(local: datetime) -> bool:
    return local.day <= 12 and local.day != local.month


def _moment(truth: Truth) -> tuple[str, Zone, DateOrder | None]:
    """The time as some platform or operator writes it, by its own rule."""
    if truth.form == "epoch":
        return str(int(truth.at.timestamp())), Zone.as_written(), None
    if truth.form == "zulu":
        return truth.at.strftime(_FORMS["zulu"]), Zone.as_written(), None
    if truth.form == "offset":
        return f"{truth.local.isoformat()}+{truth.hours}", Zone.as_written(), None
    order = _ORDERS.get(truth.form, DateOrder.YMD if truth.form in {"ymd", "joined"} else None)
    return truth.local.strftime(_FORMS[truth.form]), Zone.named(truth.written_in, "the layout"), order


def _address(truth: Truth) -> tuple[str, str | None]:
    """Address and port as they are written: in columns of their own, or together."""
    port = None if truth.port is None else str(truth.port)
    kind = truth.shape % 4
    if ":" in truth.address:
        text = (truth.address, truth.address.upper(), ipaddress.IPv6Address(truth.address).exploded)[kind % 3]
        return (f"[{text}]:{port}", None) if kind == 3 and port else (text, port)
    if kind == 1 and port:
        return f"{truth.address}:{port}", None
    return (f"::ffff:{truth.address}" if kind == 2 else truth.address), port


def source_of(truth: Truth) -> SourceFields:
    """The fields of the evidence, with the bytes of the record they stand in: a row or an object."""
    (moment, zone, order), (address, port) = _moment(truth), _address(truth)
    account = truth.account if truth.shape & 64 else ""
    cells = {"ip": address, "port": port or "", "at": moment, "by": account, "proto": "tcp"}
    if truth.shape & WIDE:
        cells |= _other_side(truth)
    if truth.shape & ZONED and zone.declared:
        cells["zone"] = f"+{truth.hours}"
    text = ",".join(cells.values())
    places = {name: f"column {list(cells).index(key) + 1}" for name, key in _CELLS.items()}
    if truth.told:
        text = json.dumps({"text": sentence(account, address, port, moment)})
    elif truth.shape & 16:
        text, places = json.dumps(cells).replace("/", "\\/"), _CELLS
    record = text.encode("utf-16" if truth.shape & 32 else "utf-8")
    return SourceFields(
        protocol_as_sent="tcp",
        places=tuple(places.items()) if truth.shape & WIDE and not truth.told else (),
        path="return.csv, row 7",
        digest=hashlib.sha256(record).hexdigest(),
        record=record,
        address_as_sent=address,
        moment_as_sent=moment,
        zone=zone,
        order=order,
        order_by="the layout",
        port_as_sent=port,
        account_created=truth.at - timedelta(days=truth.age),
        same_event=(Statement("summary", truth.at + timedelta(seconds=20), independent=True),) if truth.agrees else (),
        subject_as_sent=account,
    )


def sentence(account: str, address: str, port: str | None, moment: str) -> str:
    """The record as somebody wrote it down."""
    through = f" port {port}" if port else ""
    return f"We saw that {account or 'somebody'} came from {address}{through} over tcp on {moment} and stayed a while"


def _other_side(truth: Truth) -> dict[str, str]:
    """What else a wide record holds: the server, its port, and when the session ended."""
    later = replace(truth, at=truth.at + timedelta(minutes=42))
    server = "2001:db8:ffff::9" if ":" in truth.address else "192.0.2.255"
    return {"server": server, "server port": "443", "end": _moment(later)[0]}


def facts_of(truth: Truth) -> GateFacts:
    """What is known around it, all of it true."""
    prefix = f"{truth.address}/24" if ":" not in truth.address else f"{truth.address}/32"
    return GateFacts(
        now=NOW,
        operator=Chosen(
            code=truth.operator,
            asn=64500,
            prefix=str(ipaddress.ip_network(prefix, strict=False)),
            at=truth.at,
            derivation="AS64500 held the prefix on that day",
        ),
        retention=Retention(_KEEP, "an invented rule", minimum=True),
        authority=Authority("a power", "Inspector", 2, "A. Approver", "Inspector", 2, NOW - timedelta(hours=2)),
        drafter="D. Drafter",
        checker="C. Checker",
        label=Labelled(truth.label, ()),
        label_address=truth.address,
        label_at=truth.at,
        clock=ClockError(timedelta(seconds=30), stated_by="the platform"),
        received_at=min(NOW, truth.at + timedelta(days=truth.delay, minutes=5)),
        zone=truth.zone,
        subject=truth.account,
    )


def line_of(truth: Truth, source: SourceFields) -> RequestLine:
    """The line an officer's tools write: the unit that was written, and 30 s of clock error on either side."""
    unit = timedelta(seconds=60 if truth.form == "minute" else 1)
    begins, ends = truth.at - timedelta(seconds=30), truth.at + unit + timedelta(seconds=30)
    steps = source.derived(truth.zone)
    line = RequestLine(
        address=truth.address,
        port=truth.port,
        protocol="tcp",
        utc_from=begins,
        utc_to=ends,
        local_from=local_of(begins, truth.zone),
        local_to=local_of(ends, truth.zone),
        zone=truth.zone,
        operator=truth.operator,
        derivation=() if isinstance(steps, TimeRefused) else steps.steps,
    )
    return completed(line)


def local_of(at: datetime, zone: str) -> datetime:
    """The instant as clocks in the zone showed it."""
    return at.astimezone(timezone(timedelta(minutes=east(zone, at))))


def completed(line: RequestLine) -> RequestLine:
    """The line with its printed text and a check value of its own: the careless officer's tools compute both anew."""
    line = replace(line, shown=shown_times(line))
    return replace(line, check_value=check_value(line))
