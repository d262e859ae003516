# SPDX-License-Identifier: Apache-2.0
"""Partners and platforms that pull our lists: who they are, which lists they may pull, and what we answer them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.matching.list_actions import LONGEST, subject
from nightlight.pipeline.matching.models import (
    Access,
    Feed,
    Feedback,
    FeedbackAnswer,
    HashList,
    Member,
    Share,
    Verdict,
)
from nightlight.trust.accounts import rules, verify
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.units.viewer import Viewer

ANSWERS = frozenset({Role.VICTIM_IDENTIFICATION, Role.COMMANDER})
LARGEST_NUMBER = 2**31 - 1
LONGEST_SLUG = 50


@dataclass(frozen=True)
class IssuedMember:
    """A member at the one moment its secret is known; it cannot be shown again."""

    member: Member
    secret: str


def member_subject(member: Member) -> str:
    """Return how custody events name a member."""
    return f"partner:{member.public_id}"


@transaction.atomic
def add_member(*, by: str, at: datetime, number: int, name: str) -> IssuedMember:
    """Let a partner sign in to pull lists; ``number`` is its member id on the wire. It may pull nothing yet.

    Raises Conflict for an empty name, a number outside 1 to 2,147,483,647, and where either is taken.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST:
        raise Conflict(f"A member needs a name of 1 to {LONGEST} characters.")
    if not 1 <= number <= LARGEST_NUMBER:
        raise Conflict(f"A member's number is 1 to {LARGEST_NUMBER}.")
    username, secret = f"hm-{secrets.token_hex(5)}", rules.new_password()
    digest = rules.digest(settings.NIGHTLIGHT_REPORTER_PEPPER, username, secret)
    member = Member(
        public_id=public_ids.new("HM"),
        number=number,
        name=name,
        username=username,
        secret_digest=digest,
        made_at=at,
        made_by=by,
    )
    try:
        with transaction.atomic():
            member.save(force_insert=True)
    except IntegrityError:
        raise Conflict(f"There is a member called {name!r} or numbered {number} already.") from None
    custody.append(
        by=by,
        at=at,
        kind="hashes.member-added",
        subject=member_subject(member),
        data={"number": number, "name": name, "username": username, "digest_sha256": verify.digest_of(digest)},
    )
    return IssuedMember(member, secret)


def member_called(name: str) -> Member:
    """Return a member by its HM-… number, its name or its number on the wire. Raises NotFound."""
    found = Member.objects.filter(name=name).first()
    if found is None and name.isascii() and name.isdigit() and len(name) < 11:
        found = Member.objects.filter(number=int(name)).first()
    if found is None:
        try:
            found = Member.objects.filter(public_id=public_ids.normalise(name)).first()
        except ValueError:
            found = None
    if found is None:
        raise NotFound(f"There is no member {name[:60]!r}; see: nightlight hashes members list")
    return found


@transaction.atomic
def end_member(*, by: str, at: datetime, member: Member) -> None:
    """End a member's access to everything at once. Raises Conflict if it has ended."""
    if not Member.objects.filter(pk=member.pk, ended_at=None).update(ended_at=at):
        raise Conflict(f"The access of {member.name!r} has ended already.")
    member.ended_at = at
    custody.append(by=by, at=at, kind="hashes.member-ended", subject=member_subject(member), data={})


@transaction.atomic
def share_list(*, by: str, at: datetime, hash_list: HashList, slug: str, owner_number: int, owner_name: str) -> Share:
    """Offer a list under an address of its own; its entries are shown under the owner's number and name.

    Nobody may pull it until they are given access. Raises Conflict for an address that is none or is taken, for a
    list that is shared already, and for one that is polled: what others entrusted to us is theirs to share.
    """
    slug, owner_name = slug.strip(), " ".join(owner_name.split())
    try:
        validate_slug(slug)
    except ValidationError:
        raise Conflict("An address consists of letters, digits, hyphens and underscores.") from None
    if len(slug) > LONGEST_SLUG:
        raise Conflict(f"An address has at most {LONGEST_SLUG} characters.")
    if not owner_name or len(owner_name) > LONGEST or not 1 <= owner_number <= LARGEST_NUMBER:
        raise Conflict(f"Entries are shown under a number of 1 to {LARGEST_NUMBER} and a name.")
    if Feed.objects.filter(hash_list=hash_list).exists():
        raise Conflict(f"{hash_list.name!r} is another's list that we poll; it is not ours to share.")
    if Share.objects.filter(hash_list=hash_list).exists():
        raise Conflict(f"{hash_list.name!r} is shared already.")
    if Share.objects.filter(slug=slug).exists():
        raise Conflict(f"Another list is shared as {slug!r}.")
    share = Share.objects.create(
        hash_list=hash_list, slug=slug, owner_number=owner_number, owner_name=owner_name, at=at
    )
    custody.append(
        by=by,
        at=at,
        kind="hashes.shared",
        subject=subject(hash_list),
        data={"slug": slug, "owner_number": owner_number, "owner_name": owner_name},
    )
    return share


@transaction.atomic
def give_access(*, by: str, at: datetime, member: Member, hash_list: HashList, may_answer: bool) -> Access:
    """Let a member pull a list, and answer about its entries or not; given again, the new word counts.

    Raises Conflict for a member whose access has ended and for a list that is not shared.
    """
    if member.ended_at is not None:
        raise Conflict(f"The access of {member.name!r} has ended.")
    if not Share.objects.filter(hash_list=hash_list).exists():
        raise Conflict(f"{hash_list.name!r} is not shared yet; see: nightlight hashes members share")
    access, _ = Access.objects.update_or_create(
        member=member, hash_list=hash_list, defaults={"may_answer": may_answer, "at": at}
    )
    custody.append(
        by=by,
        at=at,
        kind="hashes.access-given",
        subject=subject(hash_list),
        data={"member": member.public_id, "may_answer": may_answer},
    )
    return access


@transaction.atomic
def take_access(*, by: str, at: datetime, member: Member, hash_list: HashList) -> None:
    """Let a member no longer pull a list. Raises NotFound if it may not."""
    gone, _ = Access.objects.filter(member=member, hash_list=hash_list).delete()
    if not gone:
        raise NotFound(f"{member.name!r} may not pull {hash_list.name!r}.")
    custody.append(
        by=by, at=at, kind="hashes.access-taken", subject=subject(hash_list), data={"member": member.public_id}
    )


@transaction.atomic
def answer(*, by: Viewer, at: datetime, feedback: Feedback, verdict: str, text: str = "") -> FeedbackAnswer:
    """Say what we make of a member's feedback about an entry of ours.

    Raises NotAllowed for anybody but a victim-identification specialist or a commander, and Conflict for an unknown
    verdict, a disagreement without a reason, a text past 2,000 characters, and where it was answered before.
    """
    if not by.may(ANSWERS):
        raise NotAllowed("A victim-identification specialist or a commander answers what partners say.")
    text = " ".join(text.split())
    if verdict not in Verdict.values:
        raise Conflict(f"The answer is one of: {', '.join(Verdict.values)}.")
    if len(text) > 2000:
        raise Conflict("The reason has at most 2,000 characters.")
    if verdict == Verdict.DISAGREED and not text:
        raise Conflict("Say why you disagree.")
    given = FeedbackAnswer(feedback=feedback, verdict=verdict, text=text, by=by.actor, at=at)
    try:
        with transaction.atomic():
            given.save(force_insert=True)
    except IntegrityError:
        raise Conflict("This was answered already.") from None
    entry = feedback.entry
    custody.append(
        by=by.actor,
        at=at,
        kind="hashes.feedback-answered",
        subject=subject(entry.hash_list),
        data={
            "entry": entry.source_id,
            "type": feedback.type,
            "member": feedback.member.public_id,
            "verdict": str(verdict),
        },
    )
    return given
