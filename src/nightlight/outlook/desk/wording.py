# SPDX-License-Identifier: Apache-2.0
"""The words pages use for codes: event kinds, states, findings, yes and no. One place, so that they agree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.values import Stated
from nightlight.trust.sealed.rules import Sought

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

_EVENTS: dict[str, StrPromise] = {
    "tip.opened": gettext_lazy("Report opened by the reporter"),
    "tip.file-described": gettext_lazy("Details of a file received"),
    "tip.received": gettext_lazy("Report finished; receipt sent"),
    "tip.retracted": gettext_lazy("Report withdrawn by the reporter"),
    "tip.expired": gettext_lazy("Report lapsed; it was never finished"),
    "tip.imported": gettext_lazy("Imported from a CyberTip download"),
    "tip.viewed": gettext_lazy("Tip opened on the desk"),
    "tip.handed-over": gettext_lazy("Handed to another unit"),
    "glass.broken": gettext_lazy("Glass broken: somebody was in danger"),
    "glass.attempted": gettext_lazy("Tried to break the glass over a tip that does not exist"),
    "glass.signed-off": gettext_lazy("Broken glass answered for"),
    "person.suspended": gettext_lazy("Person switched off"),
    "person.reinstated": gettext_lazy("Person switched on again"),
    "tip.told": gettext_lazy("Told by somebody, on the hotline or by telephone"),
    "tip.added-to": gettext_lazy("Whoever told it added something"),
    "tip.referred-in": gettext_lazy("Came from another installation; verified and taken in"),
    "tip.referred-again": gettext_lazy("Came from another installation once more"),
    "tip.fingerprinted": gettext_lazy("Files compared with lists and with other tips"),
    "tip.rematched": gettext_lazy("A list changed: files compared anew"),
    "tip.match-withdrawn": gettext_lazy("A list took back what it said of a file: look again"),
    "tip.linked": gettext_lazy("Linked with other tips, or no longer"),
    "tip.linked-exported": gettext_lazy("List of linked tips and reasons downloaded"),
    "link.confirmed": gettext_lazy("Confirmed: one person"),
    "link.forbidden": gettext_lazy("Decided: not one person"),
    "exchange.installation-added": gettext_lazy("Another installation added; nothing goes there yet"),
    "exchange.installation-compared": gettext_lazy("Fingerprint of another installation compared: it is trusted"),
    "exchange.installation-compare-failed": gettext_lazy("Fingerprint of another installation was not the same"),
    "exchange.installation-tied": gettext_lazy("Unit or certificate of another installation changed"),
    "exchange.installation-ended": gettext_lazy("Exchange with another installation ended"),
    "exchange.package-arrived": gettext_lazy("All bytes of a package have come"),
    "exchange.package-held": gettext_lazy("Package of an unknown sender held"),
    "exchange.package-released": gettext_lazy("Package that was held is taken in"),
    "exchange.package-discarded": gettext_lazy("Package that was held was dropped"),
    "exchange.package-sent": gettext_lazy("Package sent to another installation"),
    "exchange.package-delivered": gettext_lazy("Package verified and taken in by the other installation"),
    "exchange.package-refused-there": gettext_lazy("Package refused by the other installation, or lost here"),
    "exchange.package-retried": gettext_lazy("Package tried again"),
    "deconfliction.asked": gettext_lazy("Asked who else holds what stands in the tip"),
    "deconfliction.told": gettext_lazy("Others were told that this unit holds something of the tip"),
    "deconfliction.contact-set": gettext_lazy("Set whom others call in the unit"),
    "deconfliction.partner-added": gettext_lazy("Partner of deconfliction set up"),
    "deconfliction.partner-ended": gettext_lazy("Partner of deconfliction ended"),
    "deconfliction.partner-asked": gettext_lazy("A partner asked by digest who holds identifiers"),
    "deconfliction.partner-refused": gettext_lazy("A partner asked by digest and was refused"),
    "deconfliction.sent": gettext_lazy("A partner was asked by digest who holds identifiers"),
    "link.silenced": gettext_lazy("Decided: a value links nobody"),
    "link.heard": gettext_lazy("Decided: a value that was silenced links again"),
    "tip.assessed": gettext_lazy("Scored by the rules of triage"),
    "tip.not-assessed": gettext_lazy("Could not be scored; stands in the queue to be looked at"),
    "tip.routed": gettext_lazy("Worked out where it belongs"),
    "tip.not-routed": gettext_lazy("Could not be placed; waits to be tried again"),
    "tip.addresses-looked-up": gettext_lazy("Worked out what its addresses are and how far they lead"),
    "tip.not-looked-up": gettext_lazy("Its addresses could not be looked up; waits to be tried again"),
    "routing.sign-recorded": gettext_lazy("A sign of the place was added"),
    "routing.sent": gettext_lazy("Offered to another unit"),
    "routing.delivered": gettext_lazy("The other unit was told of the offer"),
    "routing.opened": gettext_lazy("Opened by the unit it is offered to"),
    "routing.accepted": gettext_lazy("Accepted by the unit it was offered to"),
    "routing.bounced": gettext_lazy("Sent back by the unit it was offered to"),
    "routing.recalled": gettext_lazy("The offer was taken back"),
    "routing.given-back": gettext_lazy("Given back to the unit it came from"),
    "routing.outcome": gettext_lazy("Another installation told what became of it"),
    "routing.joint-ended": gettext_lazy("Joint work ended"),
    "routing.clock-stopped": gettext_lazy("The clock was stopped, for a reason"),
    "routing.clock-started": gettext_lazy("The clock runs again"),
    "routing.sealed": gettext_lazy("Sealed: who handed it over follows it no more"),
    "routing.needs-decision": gettext_lazy("It came back: a person decides where it goes"),
    "routing.sooner": gettext_lazy("More urgent now: to be answered sooner"),
    "request.drafted": gettext_lazy("Request for records drawn up"),
    "request.checked": gettext_lazy("Request compared with the source by a second person"),
    "request.disputed": gettext_lazy("A line of a request is not as in the source; withdrawn"),
    "request.signed": gettext_lazy("Request signed"),
    "request.sent": gettext_lazy("Request sent"),
    "request.reminded": gettext_lazy("Answer to a request is due: reminded"),
    "request.escalated": gettext_lazy("Answer to a request is overdue: commanders told"),
    "request.answered": gettext_lazy("Request answered"),
    "return.received": gettext_lazy("The answer of an operator came in"),
    "return.layout-confirmed": gettext_lazy("Said how the columns of an operator's answer are read"),
    "return.to-read-again": gettext_lazy("The answer of an operator is to be read again"),
    "return.read": gettext_lazy("The answer of an operator was read and compared"),
    "return.bad-rows-taken": gettext_lazy("Rows that do not count were taken from an operator's answer"),
    "attribution.found": gettext_lazy("Stated whom an operator's records name for an address"),
    "attribution.wrong-door": gettext_lazy("A near miss or a wrong door was recorded"),
    "request.refused": gettext_lazy("Request refused by the addressee"),
    "request.withdrawn": gettext_lazy("Request withdrawn"),
    "routing.overdue": gettext_lazy("Late: nobody answered, or nobody took it up"),
    "exchange.package-built": gettext_lazy("Package put together, signed and encrypted"),
    "exchange.package-verified": gettext_lazy("Package from another installation verified, every byte of it"),
    "exchange.package-taken": gettext_lazy("Package taken in"),
    "exchange.package-refused": gettext_lazy("Package from another installation refused; nothing of it was taken in"),
    "exchange.statement-unfit": gettext_lazy("Another installation stated what does not fit; nothing changed"),
    "places.districts-imported": gettext_lazy("List of districts loaded"),
    "places.networks-imported": gettext_lazy("List of networks loaded"),
    "netdata.imported": gettext_lazy("Lists about networks loaded"),
    "operators.loaded": gettext_lazy("Directory of operators loaded"),
    "tip.not-linked": gettext_lazy("Could not be compared with other tips"),
    "triage.taken": gettext_lazy("Taken from the queue"),
    "triage.released": gettext_lazy("Given back to the queue"),
    "triage.assigned": gettext_lazy("Given to a colleague"),
    "triage.put-off": gettext_lazy("Put off"),
    "triage.closed": gettext_lazy("Closed"),
    "triage.reopened": gettext_lazy("Opened again"),
    "triage.second-look": gettext_lazy("A closure was looked at a second time"),
    "triage.overridden": gettext_lazy("Put into another band than the rules say"),
    "triage.fact-recorded": gettext_lazy("A fact was found out and recorded"),
    "triage.rulebook-saved": gettext_lazy("The rules of triage were changed"),
    "feedback.told": gettext_lazy("The reporter is told how it ended"),
    "feedback.held-back": gettext_lazy("What the reporter is told is held back"),
    "feedback.released": gettext_lazy("What the reporter is told is held back no more"),
    "feedback.listed": gettext_lazy("A reporter asked what became of its reports"),
    "scorecard.exported": gettext_lazy("A provider was given the figures of its reports"),
    "queue.handed-on": gettext_lazy("A shift was handed on"),
    "queue.taken-over": gettext_lazy("A shift was taken over"),
    "alert.raised": gettext_lazy("Alert: a child may be in danger now"),
    "alert.called": gettext_lazy("People were called about an alert"),
    "alert.acknowledged": gettext_lazy("Somebody answered for an alert"),
    "hashes.list-added": gettext_lazy("List of known files added"),
    "hashes.imported": gettext_lazy("Version of a list of known files read in"),
    "hashes.import-failed": gettext_lazy("Version of a list of known files refused"),
    "hashes.polled": gettext_lazy("List of known files polled"),
    "hashes.exported": gettext_lazy("List of known files exported"),
    "hashes.feed-added": gettext_lazy("A server from which a list is polled was named"),
    "hashes.feed-password-changed": gettext_lazy("The password for polling a list was changed"),
    "hashes.shared": gettext_lazy("List of known files offered to partners"),
    "hashes.member-added": gettext_lazy("A partner that may pull lists was added"),
    "hashes.member-ended": gettext_lazy("A partner's access to lists was ended"),
    "hashes.access-given": gettext_lazy("A partner was let pull a list"),
    "hashes.access-taken": gettext_lazy("A partner may no longer pull a list"),
    "hashes.pulled": gettext_lazy("List of known files pulled by a partner"),
    "hashes.feedback-given": gettext_lazy("A partner answered about an entry of a list"),
    "hashes.feedback-answered": gettext_lazy("A partner's answer about an entry was decided"),
    "hashes.bad-rows-taken": gettext_lazy("Rows of a list that could not be read were downloaded"),
    "evidence.received": gettext_lazy("File received into the vault"),
    "evidence.warrant-recorded": gettext_lazy("Warrant for a file recorded"),
    "evidence.viewing-asked": gettext_lazy("Asked to look at a file"),
    "evidence.rendered": gettext_lazy("Small pictures of a file prepared"),
    "evidence.rendition-refused": gettext_lazy("No picture of a file was prepared"),
    "evidence.shown": gettext_lazy("Picture of a file shown"),
    "evidence.assessed": gettext_lazy("File assessed"),
    "evidence.viewing-closed": gettext_lazy("Look at a file ended"),
    "exposure.limit-overridden": gettext_lazy("Looked beyond a limit, with a reason"),
    "export.asked": gettext_lazy("Originals asked for"),
    "export.approved": gettext_lazy("Export of originals approved"),
    "export.refused": gettext_lazy("Export of originals refused"),
    "export.expired": gettext_lazy("Approved export lapsed"),
    "export.written": gettext_lazy("Originals written out, closed for the recipient"),
    "case.outcome-recorded": gettext_lazy("Outcome told to those who had to look"),
    "person.password-given": gettext_lazy("A new password was given"),
    "token.issued": gettext_lazy("A partner's system was given a token"),
    "token.revoked": gettext_lazy("A token was ended"),
    "token.used-first-today": gettext_lazy("A token was used"),
    "person.identity-linked": gettext_lazy("A way in through the identity provider was made"),
    "person.identity-unlinked": gettext_lazy("A way in through the identity provider was ended"),
    "person.second-factor-added": gettext_lazy("A second factor was set up"),
    "person.second-factor-removed": gettext_lazy("A second factor was removed"),
    "person.recovery-codes-made": gettext_lazy("Recovery codes were made"),
    "person.session-ended": gettext_lazy("Sessions were ended from elsewhere"),
    "person.unlocked": gettext_lazy("A locked name was opened again"),
    "evidence.destroyed": gettext_lazy("File destroyed: its key was erased"),
    "record.held": gettext_lazy("Held: it waits, whatever its time"),
    "record.hold-lifted": gettext_lazy("No longer held"),
    "person.cleared": gettext_lazy("A person of the report was cleared"),
    "destruction.asked": gettext_lazy("Destruction asked for"),
    "destruction.approved": gettext_lazy("Destruction agreed to"),
    "destruction.refused": gettext_lazy("Destruction refused"),
    "record.destroyed": gettext_lazy("Destroyed, with a certificate"),
    "person.signed-in": gettext_lazy("Signed in"),
    "person.signed-out": gettext_lazy("Signed out"),
    "person.password-changed": gettext_lazy("Password changed"),
    "person.added": gettext_lazy("Person added"),
    "post.given": gettext_lazy("Post given"),
    "post.ended": gettext_lazy("Post ended"),
    "shift.added": gettext_lazy("Put on duty"),
    "unit.added": gettext_lazy("Unit added"),
    "unit.renamed": gettext_lazy("Unit renamed"),
    "reporter.added": gettext_lazy("Reporter named for the first time"),
    "reporter.credential-issued": gettext_lazy("Credential given to a reporter"),
    "reporter.credential-revoked": gettext_lazy("Credential of a reporter ended"),
    "tip.exported": gettext_lazy("Given out as a file: the tip, or its history"),
    "tip.export-refused": gettext_lazy("Not given out as a file: the reason named somebody protected"),
    "search.made": gettext_lazy("Searched"),
    "audit.finding-answered": gettext_lazy("Auditor answered a question about a pattern"),
    "audit.entry-exported": gettext_lazy("Auditor took an entry out with its proof"),
    "sealed.unsealing-asked": gettext_lazy("Opening of a sealed identity asked for"),
    "sealed.unsealing-refused": gettext_lazy("Opening of a sealed identity refused"),
    "sealed.unsealing-closed": gettext_lazy("Opening of a sealed identity ended"),
    "sealed.opened": gettext_lazy("Sealed identity opened"),
    "sealed.searched": gettext_lazy("Protected people searched, without opening"),
    "sealed.renewed": gettext_lazy("Identities sealed when the report was read"),
    "sealed.destroyed": gettext_lazy("Sealed identities destroyed for good"),
}
_NOTICES: dict[str, StrPromise] = {
    "tip.handed-over": gettext_lazy("A tip was handed to your unit"),
    "tip.added-to": gettext_lazy("Whoever told a tip came back and added something: read it"),
    "routing.offered": gettext_lazy("A tip is offered to your unit: accept it, or send it back with the reason"),
    "routing.accepted": gettext_lazy("What you offered was accepted"),
    "routing.bounced": gettext_lazy("What your unit offered came back"),
    "routing.given-back": gettext_lazy("A tip was given back to your unit"),
    "routing.recalled": gettext_lazy("An offer was taken back"),
    "routing.elsewhere": gettext_lazy(
        "A tip went another way while another installation has it: ask them to send it back"
    ),
    "routing.joint-ended": gettext_lazy("Joint work on a tip has ended"),
    "routing.needs-decision": gettext_lazy("A tip came back and goes nowhere by itself: decide where it belongs"),
    "routing.overdue": gettext_lazy("An offer was not answered in time: answer, or ask"),
    "request.overdue": gettext_lazy("The answer to a request is due: remind them, or record what came"),
    "request.escalated": gettext_lazy("The answer to a request is overdue, and it was taken to you"),
    "exchange.package-refused": gettext_lazy("A package from another installation was refused: see why, and tell them"),
    "routing.overdue-work": gettext_lazy("A tip that was accepted has not been taken up in time"),
    "alert": gettext_lazy("Alert: a child may be in danger now. Open the alerts and answer for it"),
    "triage.assigned": gettext_lazy("A tip was given to you"),
    "glass.broken": gettext_lazy("The glass was broken over a tip: answer for it"),
    "glass.attempted": gettext_lazy("Somebody tried to break the glass over a tip that does not exist"),
    "glass.signed-off": gettext_lazy("The glass you broke was answered for"),
    "case.outcome": gettext_lazy("A case into which you had to look has ended"),
    "exposure.limit-overridden": gettext_lazy("Somebody looked beyond a limit, with a reason: talk with them"),
    "export.asked": gettext_lazy("Originals are asked for: decide as the second person"),
    "export.approved": gettext_lazy("The export you asked for was approved"),
    "export.refused": gettext_lazy("The export you asked for was refused"),
    "sealed.opened": gettext_lazy("A sealed name of a tip your unit holds was opened"),
    "deconfliction.held": gettext_lazy("Another unit holds something of this tip too: open it and see whom to call"),
    "deconfliction.guessing": gettext_lazy("A partner asks about much that nobody holds: find out why, or end it"),
    "exchange.late": gettext_lazy("A package has not reached another installation for a day: see why"),
    "exchange.refused": gettext_lazy("Another installation refused a package: see why, and have it tried again"),
    "destruction.asked": gettext_lazy("A record is to be destroyed: agree or refuse"),
    "destruction.approved": gettext_lazy("The destruction you asked for was agreed to"),
    "destruction.refused": gettext_lazy("The destruction you asked for was refused"),
}
_FINDINGS: dict[str, StrPromise] = {
    "capture-without-port": gettext_lazy("A network event has no port"),
    "capture-without-time": gettext_lazy("A network event has no time"),
    "zone-not-stated": gettext_lazy("A time has no zone"),
    "viewing-not-stated": gettext_lazy("Not stated whether the reporter viewed the file"),
    "thin-report": gettext_lazy("Nothing to follow"),
    "victim-is-reported": gettext_lazy("A victim may have been named as reported person"),
    "email-of-nobody": gettext_lazy("An e-mail address that belongs to nobody in the report"),
    "prior-report-unknown": gettext_lazy("An earlier report that is not known here"),
    "several-persons-reported": gettext_lazy("More than one reported person"),
    "future-date": gettext_lazy("A time in the future"),
    "no-longer-valid": gettext_lazy("Would not be accepted under today's rules"),
    "tolerated": gettext_lazy("Accepted although not in the required form"),
    "reporter-without-email": gettext_lazy("The reporter gave no e-mail address"),
}
_ROLES: dict[Role, StrPromise] = {
    Role.REPORTED: gettext_lazy("Reported"),
    Role.RECIPIENT: gettext_lazy("Recipient"),
    Role.VICTIM: gettext_lazy("Victim"),
    Role.ASSOCIATED: gettext_lazy("Associated account"),
}
_STATED: dict[Stated, StrPromise] = {
    Stated.YES: gettext_lazy("yes"),
    Stated.NO: gettext_lazy("no"),
    Stated.NOT_STATED: gettext_lazy("not stated"),
    Stated.UNREADABLE: gettext_lazy("unreadable"),
}
# Fields of a sealed identity, in the order in which a page tells them.
_SEALED_FIELDS: dict[str, StrPromise] = {
    "name": gettext_lazy("Name"),
    "other_name": gettext_lazy("Other names"),
    "birth_date": gettext_lazy("Date of birth"),
    "phone": gettext_lazy("Telephone"),
    "email": gettext_lazy("E-mail"),
    "address": gettext_lazy("Address"),
    "school": gettext_lazy("School"),
    "account": gettext_lazy("Accounts and screen names"),
    "link": gettext_lazy("Web addresses"),
    "group": gettext_lazy("Group"),
    "device": gettext_lazy("Devices"),
    "network_address": gettext_lazy("Network addresses"),
    "said": gettext_lazy("What the reporter adds"),
    "teller": gettext_lazy("Name of the person who told us"),
    "teller_contact": gettext_lazy("How to reach the person who told us"),
}
_SOUGHT: dict[Sought, StrPromise] = {
    Sought.NAME: gettext_lazy("Name"),
    Sought.PHONE: gettext_lazy("Telephone number"),
    Sought.EMAIL: gettext_lazy("E-mail address"),
    Sought.ACCOUNT: gettext_lazy("Account or screen name"),
    Sought.SCHOOL: gettext_lazy("School"),
}
_ACTORS: dict[str, StrPromise] = {
    "command:cli": gettext_lazy("Administrator at the command line"),
    "service:worker": gettext_lazy("Nightlight itself"),
    "service:hotline": gettext_lazy("Somebody on the hotline page"),
    "service:deconfliction": gettext_lazy("Nightlight itself"),
    "service:exchange": gettext_lazy("Nightlight itself, as another installation asked"),
}


def event(kind: str) -> str:
    """What an event kind says; an unknown one stays as it is."""
    return str(_EVENTS.get(kind, kind))


def event_kinds() -> frozenset[str]:
    """The event kinds that have words."""
    return frozenset(_EVENTS)


def notice(kind: str) -> str:
    """What a notice says; one without words of its own says what happened."""
    return str(_NOTICES[kind]) if kind in _NOTICES else event(kind)


def sealed_fields() -> tuple[str, ...]:
    """The fields of a sealed identity that have words, in the order in which a page tells them."""
    return tuple(_SEALED_FIELDS)


def sealed_field(name: str) -> str:
    """What a field of a sealed identity says; an unknown one as words."""
    return str(_SEALED_FIELDS[name]) if name in _SEALED_FIELDS else humane(name)


def sought(kind: Sought) -> str:
    """What protected people are searched by."""
    return str(_SOUGHT[kind])


def finding(code: str) -> str:
    """What a finding's code says."""
    return str(_FINDINGS[code]) if code in _FINDINGS else humane(code)


def role(of: Role) -> str:
    """What part somebody has in a report."""
    return str(_ROLES[of])


def stated(answer: Stated) -> str:
    """Yes, no, not stated or unreadable."""
    return str(_STATED[answer])


def actor(name: str) -> str | None:
    """The words for an actor that is no person and no reporter; None for others."""
    return str(_ACTORS[name]) if name in _ACTORS else None


def humane(code: str) -> str:
    """A name such as `minorToMinorInteraction` or `too-many` as words; a sentence stays one."""
    if " " in code:
        return code[:1].upper() + code[1:]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-_]+", " ", code).lower()
    return re.sub(r"\bai\b", "AI", words[:1].upper() + words[1:])


def size(number: int) -> str:
    """A number of bytes for people, with the exact number where the two differ."""
    if number < 1000:
        return ngettext("%(n)d byte", "%(n)d bytes", number) % {"n": number}
    short, unit = float(number), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if short < 1000:
            break
        short, unit = short / 1000, larger
    return _("%(short)s %(unit)s (%(exact)s bytes)") % {
        "short": f"{short:.1f}",
        "unit": unit,
        "exact": f"{number:,}",
    }
