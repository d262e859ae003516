# SPDX-License-Identifier: Apache-2.0
"""The facts a law pack holds: each with its source and with how far that source was checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.foundation.refusals import NotFound

if TYPE_CHECKING:
    from datetime import date

    from nightlight.trust.law.records import RecordsLaw


class PackRefused(Exception):
    """A law pack cannot be used; ``place`` says where in the file, ``reason`` is a sentence for who edits it."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason


class Check(StrEnum):
    """How far a fact was checked against its source."""

    PRIMARY = "P"  # the statute or judgment itself was read
    OFFICIAL = "O"  # an official page, a gazette or a court's text was read in part
    SECONDARY = "S"  # a law firm's note, a newspaper or a private copy of the statute was read
    THIRD_PARTY = "T"  # somebody's working paper that quotes the primary text
    UNCHECKED = "K"  # general knowledge or a design choice; nothing was opened
    DISPUTED = "D"  # unsettled: the dispute is shown, not decided

    @property
    def settled(self) -> bool:
        """Whether no lawyer has to look before the pack may be called approved."""
        return self in {Check.PRIMARY, Check.OFFICIAL, Check.SECONDARY}


class Status(StrEnum):
    """Whether a lawyer of the country has signed the pack."""

    DRAFT = "draft"
    APPROVED = "approved"


class WithoutWarrant(StrEnum):
    """What a court lets an officer do with a file that no person at the provider has viewed."""

    OPEN = "open"  # no such rule
    IF_HASH_MATCHED = "if-hash-matched"  # only where it matched a file the provider's people had viewed before
    LOCKED = "locked"  # a warrant first


class Standing(StrEnum):
    """What a person is to a case, as far as the protection of a name depends on it."""

    VICTIM = "victim"
    WITNESS = "witness"
    ACCUSED = "accused"  # reported, suspected or charged; no court has to have said anything
    IN_NEED_OF_CARE = "in-need-of-care"


class Record(StrEnum):
    """The kinds of records that are kept and one day destroyed. Each has exactly one class in each pack."""

    TIP = "tip"  # a tip that led to no case
    CASE = "case"
    MEDIA = "media"
    CHILD_ACCUSED = "child-accused"
    CLEARED_PERSON = "cleared-person"
    ACCESS_LOG = "access-log"
    VICTIM_IDENTITY = "victim-identity"


class Event(StrEnum):
    """The moments a period is counted from."""

    TIP_RECEIVED = "tip-received"
    PROCEEDINGS_ENDED = "proceedings-ended"  # the final order is made and no appeal is open any more
    COURT_DISPOSAL_ORDER = "court-disposal-order"
    FINDING = "finding"  # of a juvenile board or court
    BOARD_ORDER = "board-order"  # a juvenile board orders that the record be destroyed
    PERSON_CLEARED = "person-cleared"
    ENTRY_MADE = "entry-made"


class Then(StrEnum):
    """What happens when the time is over. Every destruction leaves a certificate."""

    REVIEW = "review"
    DESTROY = "destroy"
    DESTROY_WITH_CERTIFICATE = "destroy-with-certificate"
    DESTROY_OR_RETURN_BY_ORDER = "destroy-or-return-by-order"


class AtOnce(StrEnum):
    """What is done on the day a record falls into a class, before any period runs."""

    SET_APART = "set-apart"  # out of lists and searches; seen by who handles the clearing
    STOP_MATCHING = "stop-matching"  # its identifiers no longer match new tips
    SEAL = "seal"


class Hold(StrEnum):
    """Reasons for which a destruction may have to wait."""

    COURT_ORDER = "court-order"
    APPEAL = "appeal"
    OPEN_INVESTIGATION = "open-investigation"
    FOREIGN_REQUEST = "foreign-request"
    COMPLAINT = "complaint"  # of the person concerned, or an inquiry into what the police did
    HEINOUS_FINDING = "heinous-finding"  # India: Juvenile Justice Act s.19(1)(i), s.24(2) proviso
    AUDIT = "audit"


class Purpose(StrEnum):
    """What is asked of another country, or told to it."""

    POLICE_INFORMATION = "police-information"  # tell its police what is known here, ask what they know
    EVIDENCE = "evidence"  # to be used in a court: content, statements, records
    PRESERVATION = "preservation"  # that a provider keeps what it has until a request for it arrives


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was found."""

    id: str
    title: str
    url: str  # empty where there is none, as for a design choice


@dataclass(frozen=True, slots=True)
class Basis:
    """What a fact rests on."""

    source: Source
    check: Check


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar period, as ISO 8601 writes it without hours (``P3Y``, ``P90D``)."""

    years: int
    months: int
    days: int  # weeks are counted as seven days
    text: str  # as the pack has it


@dataclass(frozen=True, slots=True)
class Court:
    """A court whose decisions bind the units in its areas (ISO 3166-2 codes)."""

    id: str
    title: str
    areas: frozenset[str]
    basis: Basis


@dataclass(frozen=True, slots=True)
class ViewRule:
    """What some courts, or all that are not named by another rule, say about unviewed files."""

    id: str
    courts: frozenset[str]  # empty: the rule for everywhere else
    without_warrant: WithoutWarrant
    sentence: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class ViewLock:
    """The rules about files that no person at the provider has viewed."""

    courts: tuple[Court, ...]
    rules: tuple[ViewRule, ...]  # exactly one names no court

    def for_area(self, area: str) -> tuple[ViewRule, Court | None]:
        """Return the rule for an ISO 3166 code and the court it comes from, if one does."""
        court = next((court for court in self.courts if area in court.areas), None)
        for rule in self.rules:
            if court is not None and court.id in rule.courts:
                return rule, court
        return next(rule for rule in self.rules if not rule.courts), court


@dataclass(frozen=True, slots=True)
class Statute:
    """A section that forbids naming, and whom it protects."""

    id: str
    section: str
    title: str
    protects: frozenset[Standing]
    basis: Basis


@dataclass(frozen=True, slots=True)
class ProtectedIdentities:
    """Who is never named, and what would name them."""

    child_age_below: int  # years
    identifying: tuple[str, ...]  # "name", "school" ...
    basis: Basis
    statutes: tuple[Statute, ...]


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """How long one kind of record is kept, from when, and what then."""

    id: str
    title: str
    covers: str
    records: frozenset[Record]
    keep: Period
    counted_from: Event
    sooner_on: Event | None  # an event that ends the time at once
    follows: str  # the class whose time this one shares; empty for a time of its own
    at_once: frozenset[AtOnce]
    then: Then
    holds: frozenset[Hold]  # no other reason delays the destruction
    note: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class UnsealingReason:
    """A reason for which a sealed name may be opened."""

    id: str
    title: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Unsealing:
    """Who opens sealed names, for what, and for how long."""

    roles: frozenset[str]  # values of nightlight.trust.accounts.models.Role
    open_minutes: int
    basis: Basis
    reasons: tuple[UnsealingReason, ...]


@dataclass(frozen=True, slots=True)
class Channel:
    """The way to another country for one purpose; without countries it is the way to all that no other names."""

    id: str
    purpose: Purpose
    title: str
    sentence: str  # what is done, by whom, in which order
    countries: frozenset[str]  # ISO 3166-1
    basis: Basis


@dataclass(frozen=True, slots=True)
class Pack:
    """The law of one country, as far as viewing, naming, keeping, destroying and asking abroad need it."""

    id: str  # ISO 3166-1
    title: str
    status: Status
    as_of: date
    reviewed_by: str  # the lawyer who signed; empty in a draft
    sources: tuple[Source, ...]
    view_lock: ViewLock
    protected_identities: ProtectedIdentities
    retention: tuple[RetentionClass, ...]
    unsealing: Unsealing
    channels: tuple[Channel, ...]
    records: RecordsLaw  # powers to ask for records, and how long others have to keep theirs

    def channels_to(self, country: str) -> tuple[Channel, ...]:
        """Return the way to another country (ISO 3166-1) for each purpose that has one, in the order of the pack."""
        if country == self.id:
            return ()
        named = {one.purpose for one in self.channels if country in one.countries}
        return tuple(
            one for one in self.channels if country in one.countries or (not one.countries and one.purpose not in named)
        )

    def retention_class(self, class_id: str) -> RetentionClass:
        """Return one class. Raises NotFound."""
        for found in self.retention:
            if found.id == class_id:
                return found
        raise NotFound(f"The law pack {self.id} has no retention class {class_id!r}.")

    def class_of(self, record: Record) -> RetentionClass:
        """Return the class of a kind of record; the loader has seen to it that there is exactly one."""
        return next(found for found in self.retention if record in found.records)

    @property
    def bases(self) -> tuple[tuple[str, Basis], ...]:
        """Every fact's place and what it rests on, for the page that shows the law and for the lawyer."""
        return (
            *((f"view_lock.court.{court.id}", court.basis) for court in self.view_lock.courts),
            *((f"view_lock.rule.{rule.id}", rule.basis) for rule in self.view_lock.rules),
            ("protected_identities", self.protected_identities.basis),
            *((f"protected_identities.statute.{one.id}", one.basis) for one in self.protected_identities.statutes),
            *((f"retention_class.{one.id}", one.basis) for one in self.retention),
            ("unsealing", self.unsealing.basis),
            *((f"unsealing.reason.{one.id}", one.basis) for one in self.unsealing.reasons),
            *((f"channel.{one.id}", one.basis) for one in self.channels),
            *self.records.bases,
        )
