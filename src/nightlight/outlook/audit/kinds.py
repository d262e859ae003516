# SPDX-License-Identifier: Apache-2.0
"""Which kind of act an entry of the custody log is: looked, searched, changed, handed over, exported and so on."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from nightlight.outlook.desk import wording


class Group(models.TextChoices):
    """Kinds of entries as an auditor asks for them."""

    LOOKED = "looked", _("Looked")
    SEARCHED = "searched", _("Searched")
    CHANGED = "changed", _("Changed")
    HANDED_OVER = "handed-over", _("Handed over")
    EXPORTED = "exported", _("Exported")
    GLASS = "glass", _("Broke the glass")
    UNSEALED = "unsealed", _("Unsealed")
    SIGNED_IN = "signed-in", _("Signed in or out")
    FAILED = "failed", _("Failed sign-in")
    RECEIVED = "received", _("Received and kept")


# What comes in from reporters and what the machine does by itself: most of the log, and no person's choice.
_RECEIVED = frozenset(
    {
        "tip.opened",
        "tip.file-described",
        "tip.received",
        "tip.retracted",
        "tip.expired",
        "tip.imported",
        "tip.told",
        "tip.added-to",
        "tip.referred-in",
        "tip.referred-again",
        "evidence.received",
        "evidence.swept",
        "evidence.keys-rewrapped",
        "evidence.rendered",
        "evidence.rendition-refused",
        "tips.upload-received",
        "tips.import-started",
        "tips.import-finished",
        "sealed.renewed",
        "token.used-first-today",
        "tip.fingerprinted",
        "tip.rematched",
        "tip.match-withdrawn",
        "tip.linked",
        "tip.assessed",
        "tip.not-assessed",
        "tip.not-linked",
        "tip.routed",
        "tip.not-routed",
        "tip.addresses-looked-up",
        "request.answered",
        "return.received",
        "return.read",
        "tip.not-looked-up",
        "alert.raised",
        "alert.called",
        "hashes.imported",
        "hashes.import-failed",
        "hashes.polled",
        "hashes.pulled",
        "hashes.feedback-given",
        "feedback.told",
        "feedback.listed",
        "deconfliction.partner-asked",
        "deconfliction.partner-refused",
        "deconfliction.sent",
        "exchange.package-arrived",
        "exchange.package-held",
        "exchange.package-sent",
        "exchange.package-delivered",
        "exchange.package-refused-there",
        "deconfliction.told",
        "routing.delivered",
        "routing.outcome",
        "routing.needs-decision",
        "routing.overdue",
        "routing.sooner",
        "exchange.package-built",
        "exchange.package-verified",
        "exchange.package-taken",
        "exchange.package-refused",
        "exchange.statement-unfit",
    }
)
# Their entries may name other tips whose data was shown or handed over with that of their subject.
NAMES_OTHERS = ("tip.viewed", "tip.linked-exported")
# Something was on somebody's screen. Asking for it, or being done with it, is no further look.
_LOOKS = frozenset({"viewed", "shown"})
# What people do with an offer of a tip, from unit to unit.
_ON_ITS_WAY = frozenset(
    f"routing.{act}"
    for act in ("sent", "opened", "accepted", "bounced", "recalled", "given-back", "joint-ended", "sealed")
)
# Acts whose words the pages do not have (yet); a kind that stands nowhere is still found when all kinds are asked for.
_OTHERS = frozenset(
    {
        "person.added",
        "person.sign-in-failed",
        "person.locked-out",
        "post.given",
        "post.ended",
        "shift.added",
        "unit.added",
        "unit.renamed",
        "reporter.added",
        "reporter.credential-issued",
        "reporter.credential-revoked",
        "glass.broken",
        "glass.signed-off",
        "tip.handed-over",
        "tip.exported",
        "tip.export-refused",
        "search.made",
        "sealed.searched",
        "sealed.opened",
        "sealed.unsealing-asked",
        "sealed.unsealing-refused",
        "sealed.unsealing-closed",
        "sealed.destroyed",
        "evidence.viewing-asked",
        "evidence.shown",
        "audit.finding-answered",
        "audit.entry-exported",
        "destruction.approved",
        "destruction.asked",
        "destruction.refused",
        "evidence.destroyed",
        "person.cleared",
        "person.identity-linked",
        "person.identity-unlinked",
        "person.password-given",
        "person.recovery-codes-made",
        "person.second-factor-added",
        "person.second-factor-removed",
        "person.session-ended",
        "person.unlocked",
        "record.destroyed",
        "record.held",
        "record.hold-lifted",
        "token.issued",
        "token.revoked",
        "hashes.feed-added",
        "hashes.feed-password-changed",
        "hashes.exported",
        "hashes.member-added",
        "hashes.member-ended",
        "hashes.shared",
        "hashes.access-given",
        "hashes.access-taken",
    }
)


def group_of(kind: str) -> Group:
    """Return the group of a kind of event, by its own words: what nobody foresaw counts as a change."""
    if kind in _RECEIVED:
        return Group.RECEIVED
    about, _dot, act = kind.partition(".")
    for group, fits in (
        (Group.GLASS, about == "glass"),
        (Group.FAILED, any(word in act for word in ("failed", "locked-out")) and about in {"person", "session"}),
        (Group.SIGNED_IN, act.startswith(("signed-", "session-")) or about == "session"),
        (Group.SEARCHED, act == "searched" or about == "search" or kind == "deconfliction.asked"),
        (Group.UNSEALED, about == "sealed" and (act == "opened" or act.startswith("unsealing"))),
        (Group.LOOKED, act in _LOOKS or act.startswith("viewing-") or about == "exposure"),
        (Group.HANDED_OVER, act.startswith("handed") or kind in _ON_ITS_WAY),
        (Group.EXPORTED, about == "export" or "export" in act or act == "bad-rows-taken"),
    ):
        if fits:
            return group
    return Group.CHANGED


def known() -> frozenset[str]:
    """Return every kind of event that the pages know."""
    return wording.event_kinds() | _RECEIVED | _OTHERS


def of_group(group: str) -> list[str]:
    """Return the kinds of one group, in order."""
    return sorted(kind for kind in known() if group_of(kind) == group)


def looks() -> list[str]:
    """Return the kinds that say that something was on somebody's screen: what is counted as a look."""
    return sorted(kind for kind in of_group(Group.LOOKED) if kind.partition(".")[2] in _LOOKS)


def of_people() -> list[str]:
    """Return the kinds that are acts of people: all but what is received and kept."""
    return sorted(kind for kind in known() if group_of(kind) != Group.RECEIVED)
