# SPDX-License-Identifier: Apache-2.0
"""Every reason has a sentence, and every sentence is some reason's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from string import Formatter

from nightlight.casework.attribution.kinds import ONLY_IPV4, Label, Reason, Transition, Why
from nightlight.casework.attribution.label_words import LABELS, SENTENCES, THINGS, said, words_of
from nightlight.pipeline.tips.values import Stated

NOON = datetime(2023, 5, 3, 9, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)
SHOWN = {
    Why.REPORTER_SAYS: [str(Stated.YES), str(Stated.NO)],
    Why.TRANSITION: ["192.0.2.1", ""],
    Why.PREFIX: ["31", "Cellular"],
    Why.LISTED_LATER: ["31", "192.0.2.0/24"],
    Why.NOT_COVERED: ["192.0.2.0/24", ONLY_IPV4],
}


def every_reason() -> list[Reason]:
    spans = [(None, None), (NOON, None), (NOON, NOON), (NOON, LATER)]
    found = []
    both = (False, True)
    for why, label, (since, until), against, later in product(Why, (Label.UNKNOWN, Label.VPN), spans, both, both):
        sources = [mechanism for mechanism in Transition if mechanism] if why is Why.TRANSITION else ["x 1", ""]
        for source, shown in product(sources, SHOWN.get(why, ["192.0.2.0/24"])):
            found.append(Reason(why, label, str(source), shown, since, until, against, later))
    return found


def test_every_reason_has_a_sentence_and_every_sentence_a_reason() -> None:
    codes = {words_of(reason).code for reason in every_reason()}
    assert codes == set(SENTENCES)


def test_sentences_have_known_places_alone() -> None:
    for sentence in SENTENCES.values():
        places = {place for _, place, _, _ in Formatter().parse(sentence) if place}
        assert places <= {"source", "shown", "what", "since", "until"}
    assert set(THINGS) == set(LABELS) == set(Label)


def test_a_sentence_a_magistrate_can_read() -> None:
    reason = Reason(Why.LISTED, Label.TOR_EXIT, "Example list 2023", "192.0.2.7", NOON, LATER)
    assert said(reason) == (
        "At the time of the event the address was in the list of Tor exits (Example list 2023), "
        "from 3 May 2023 09:00:00 UTC to 3 May 2023 11:00:00 UTC."
    )
    assert "neither shows nor rules out" in said(Reason(Why.LISTED_LATER, Label.VPN, "x", "192.0.2.7", NOON))
    assert all("{" not in said(reason) for reason in every_reason())
