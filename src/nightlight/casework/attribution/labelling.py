# SPDX-License-Identifier: Apache-2.0
"""What an address was when it was used: one label for each event, with every reason, judged as of the event's time.

The main label is the first, in the order of `Label`, that anything says now; all that is said is kept and what
contradicts is flagged. Four things are never a label by themselves: that a list had the address before, or only later;
the type of a network as VPN (it says hosting); the reporter's possibleProxy; and anything at all for an event
without an instant. An IPv6 address that carries an IPv4 address is judged by that one, and lists of who hides are asked
for both. Where tables do not agree who held it, the network stays open.

`Labeller.many` judges in arrays (`judging`); the reasons of single rows are made when asked for (`reasons`), and add up
to the same bits (`signs.signs_of`): tests hold the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import numpy as np

from nightlight.casework.attribution.batches import TROUBLES, parse_many
from nightlight.casework.attribution.judging import NO, NO_TIME, YES, Prepared, Work
from nightlight.casework.attribution.kinds import Label, Labelled, Transition, Why
from nightlight.casework.attribution.lists import Archived, Lists, Network, Profile, Table
from nightlight.casework.attribution.reasons import Asked, reasons_of
from nightlight.casework.attribution.signs import LABELS, Sign
from nightlight.casework.attribution.transition import TRANSITIONS
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nightlight.casework.attribution.batches import Parsed
    from nightlight.casework.attribution.kinds import Event, Reason

__all__ = ["LABELS", "NO_TIME", "Archived", "Batch", "Labeller", "Lists", "Network", "Profile", "Sign", "Table"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_STATED = {Stated.YES: YES, Stated.NO: NO}


class Labeller:
    """Judges addresses by what is loaded. It never changes, so that it can be shared."""

    def __init__(self, lists: Lists | None = None) -> None:
        self.prepared = Prepared(Lists() if lists is None else lists)

    def label(self, event: Event, *, accounts: int | None = None) -> Labelled:
        """Judge one event; ``accounts``: how many the caller counted behind its address around that time."""
        text = event.address if event.address is not None else event.address_as_sent
        counted = None if accounts is None else [accounts]
        return self.many([text], [event.utc], proxies=[event.possible_proxy], accounts=counted).labelled(0)

    def many(
        self,
        addresses: Sequence[str],
        when: NDArray[np.int64] | Sequence[datetime | None],
        ports: Sequence[int | None] | None = None,
        *,
        proxies: Sequence[Stated] | None = None,
        accounts: Sequence[int] | NDArray[np.int64] | None = None,
    ) -> Batch:
        """Judge many addresses as text, each as of its time: aware, or Unix seconds with NO_TIME for none.

        ``proxies`` is what the reporters say of each; ``accounts`` how many accounts the caller counted behind each.
        Raises ValueError for columns of different lengths and for a time without a zone.
        """
        if any(column is not None and len(column) != len(addresses) for column in (when, proxies, accounts)):
            raise ValueError("An address and a time for each event.")
        seconds = when.astype(np.int64, copy=False) if isinstance(when, np.ndarray) else _seconds(when)
        work = Work(self.prepared, parse_many(addresses), seconds)
        counted = None if accounts is None else np.asarray(accounts, np.int64)
        said = None if proxies is None else np.array([_STATED.get(proxy, 0) for proxy in proxies], np.int8)
        work.judge(said, counted)
        return Batch(work, said, counted)


@dataclass(frozen=True, eq=False)
class Batch:
    """Many events, judged. Arrays of one length; `labelled` and `reasons` tell everything of one row."""

    work: Work
    proxies: NDArray[np.int8] | None
    accounts: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.work.label)

    @property
    def label(self) -> NDArray[np.int8]:
        """The code of each main label: its place in LABELS."""
        return self.work.label

    @property
    def asn(self) -> NDArray[np.uint32]:
        """The network that held each address at that time, 0 where that is not known."""
        return self.work.asn

    @property
    def bits(self) -> NDArray[np.int64]:
        """All reasons of each, as `signs` lays them out."""
        return self.work.bits

    @property
    def parsed(self) -> Parsed:
        """The addresses as they were read."""
        return self.work.parsed

    def main(self, row: int) -> Label:
        """The main label of one row."""
        return LABELS[int(self.work.label[row])]

    def reasons(self, row: int) -> tuple[Reason, ...]:
        """Every reason of one row, with source and interval."""
        return reasons_of(self.work.prepared, self._asked(row))

    def labelled(self, row: int) -> Labelled:
        """All that is known of one row."""
        asked, reasons = self._asked(row), self.reasons(row)
        asn = int(self.work.asn[row])
        named = next((reason for reason in reasons if reason.why is Why.NETWORK and _is_of(reason, asn)), None)
        countries = [reason.shown for reason in reasons if reason.why is Why.COUNTRY]
        return Labelled(
            label=self.main(row),
            reasons=reasons,
            asn=asn,
            network="" if named is None else named.shown.partition(" ")[2],
            country=countries[0] if len(set(countries)) == 1 and "," not in countries[0] else "",
            transition=asked.transition,
            inner=str(asked.address) if asked.inner_known else "",
            inner_port=asked.inner_port,
            disagreement=bool(self.work.bits[row] & Sign.DISAGREEMENT),
        )

    def _asked(self, row: int) -> Asked:
        work, parsed = self.work, self.work.parsed
        address: IPv4Address | IPv6Address | None = None
        if work.as4[row]:
            address = IPv4Address(int(work.address4[row]))
        elif work.as6[row]:
            address = IPv6Address(int(parsed.high[row]) << 64 | int(parsed.low[row]))
        transition = TRANSITIONS[work.mechanism[row]]
        outer = IPv6Address(int(parsed.high[row]) << 64 | int(parsed.low[row]))
        port, block = int(work.inner_port[row]), int(work.block[row])
        said = 0 if self.proxies is None else int(self.proxies[row])
        return Asked(
            address=address,
            when=_EPOCH + int(work.when[row]) * _SECOND if work.timed[row] else None,
            label=self.main(row),
            asn=int(work.asn[row]),
            trouble=TROUBLES[parsed.trouble[row]],
            block=block if block >= 0 else None,
            transition=transition,
            inner_known=transition is not Transition.NONE and bool(work.as4[row]),
            inner_port=port if port > 0 else None,
            possible_proxy={YES: Stated.YES, NO: Stated.NO}.get(said, Stated.NOT_STATED),
            accounts=None if self.accounts is None else int(self.accounts[row]),
            outer=outer if transition is not Transition.NONE and bool(work.as4[row]) else None,
        )


def _is_of(reason: Reason, asn: int) -> bool:
    return reason.label is Label.UNKNOWN and reason.shown.partition(" ")[0] == f"AS{asn}"


def _seconds(when: Sequence[datetime | None]) -> NDArray[np.int64]:
    if any(moment is not None and moment.utcoffset() is None for moment in when):
        raise ValueError("A time without a zone names no instant.")
    return np.array([NO_TIME if moment is None else (moment - _EPOCH) // _SECOND for moment in when], np.int64)
