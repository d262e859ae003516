# SPDX-License-Identifier: Apache-2.0
"""Every change to how people sign in: second factors, sessions, lock-outs, identities at another provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction

from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.trust.accounts import queries, rules
from nightlight.trust.accounts.models import User
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime, timedelta

PROVIDER = "oidc"  # there is one, by setting
_DESK = "service:desk"


@transaction.atomic
def end_sessions(*, by: str, at: datetime, person: User, keys: Collection[str] | None = None) -> int:
    """Sign the person out everywhere, or in the sessions named by ``keys``; return in how many.

    Holds at each session's next request.
    """
    sessions = UserSession.objects.filter(user_id=person.pk)
    if keys is not None:
        sessions = sessions.filter(session_key__in=keys)
    ended = 0
    for session in sessions:
        session.end()
        ended += 1
    if ended:
        custody.append(by=by, at=at, kind="person.session-ended", subject=_officer(person), data={"sessions": ended})
    return ended


def end_all_sessions(*, by: str, at: datetime) -> int:
    """Sign everybody out, as after a theft of keys; return how many people were signed in."""
    people = User.objects.filter(usersession__isnull=False).distinct()
    return sum(end_sessions(by=by, at=at, person=person) > 0 for person in people)


def forget_ended_sessions(*, at: datetime) -> int:
    """Remove sessions that have run out, and the devices and addresses noted for sessions that are no more."""
    Session.objects.filter(expire_date__lt=at).delete()
    deleted, _ = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    return int(deleted)


@transaction.atomic
def second_factors_changed(
    *, by: str, at: datetime, person: User, before: Mapping[int, str], after: Mapping[int, str]
) -> None:
    """Record which second factors came and went; ``before`` and ``after`` are `queries.second_factors`."""
    for key in sorted(after.keys() - before.keys()):
        custody.append(
            by=by,
            at=at,
            kind="person.second-factor-added",
            subject=_officer(person),
            data={"factor": after[key], "left": len(after)},
        )
    for key in sorted(before.keys() - after.keys()):
        custody.append(
            by=by,
            at=at,
            kind="person.second-factor-removed",
            subject=_officer(person),
            data={"factor": before[key], "left": len(after)},
        )


@transaction.atomic
def recovery_codes_made(*, by: str, at: datetime, person: User) -> None:
    """Record that the person was shown new recovery codes, and that earlier ones ended."""
    custody.append(by=by, at=at, kind="person.recovery-codes-made", subject=_officer(person), data={})


@transaction.atomic
def reset_second_factors(*, by: str, at: datetime, person: User) -> None:
    """Take away all second factors of somebody who lost them, and end their sessions; the password stays.

    Whoever then signs in with the password can set up a new one: give the person a new password too if it may be
    known. Raises Conflict if there is none.
    """
    before = queries.second_factors(person)
    if not before:
        raise Conflict("This person has no second factor.")
    Authenticator.objects.filter(user_id=person.pk).delete()
    second_factors_changed(by=by, at=at, person=person, before=before, after={})
    end_sessions(by=by, at=at, person=person)


@transaction.atomic
def sign_in_failed(*, at: datetime, person: User | None, name_digest: str, address: str, step: str) -> None:
    """Record a refused sign-in: at which ``step``, from which address, and only a keyed digest of the name typed."""
    custody.append(
        by=_DESK,
        at=at,
        kind="person.sign-in-failed",
        subject=_officer(person) if person else "sign-in:unknown",
        data={"name_digest": name_digest, "address": address, "step": step},
    )


@transaction.atomic
def locked_out(*, at: datetime, person: User | None, name_digest: str, address: str, until: datetime) -> None:
    """Record that a name is refused until then, because of too many failures."""
    custody.append(
        by=_DESK,
        at=at,
        kind="person.locked-out",
        subject=_officer(person) if person else "sign-in:unknown",
        data={"name_digest": name_digest, "address": address, "seconds": max(0, round((until - at).total_seconds()))},
    )


@transaction.atomic
def unlock(*, by: str, at: datetime, person: User) -> int:
    """Forget the failed sign-ins under this person's name, so that it is no longer refused; return how many.

    Raises Conflict if there are none.
    """
    failures = queries.failed_sign_ins(person)
    if not failures:
        raise Conflict("Nothing is locked: there are no failed sign-ins under this name.")
    queries.attempts(person).delete()
    custody.append(by=by, at=at, kind="person.unlocked", subject=_officer(person), data={"failures": failures})
    return failures


def forget_failed_sign_ins(*, at: datetime, older_than: timedelta) -> int:
    """Remove counters of failed sign-ins (address, browser, digest of the name) last touched before then."""
    deleted, _ = AccessAttempt.objects.filter(attempt_time__lt=at - older_than).delete()
    return int(deleted)


@transaction.atomic
def link_identity(*, by: str, at: datetime, person: User, subject: str) -> None:
    """Let the person sign in as ``subject`` of the identity provider (the ``sub`` of its ID tokens).

    Raises Conflict if the subject is empty, too long, or linked already.
    """
    if not subject.strip() or len(subject) > 191:
        raise Conflict("The subject is 1 to 191 characters: the sub the identity provider gives this person.")
    try:
        with transaction.atomic():
            SocialAccount.objects.create(user=person, provider=PROVIDER, uid=subject)
    except IntegrityError:
        raise Conflict("This subject is linked already; unlink it first.") from None
    custody.append(
        by=by,
        at=at,
        kind="person.identity-linked",
        subject=_officer(person),
        data={"provider": PROVIDER, "subject_digest": _identity(subject)},
    )


@transaction.atomic
def unlink_identity(*, by: str, at: datetime, person: User, subject: str) -> None:
    """End the person's way in through the identity provider, and their sessions. Raises NotFound."""
    deleted, _ = SocialAccount.objects.filter(user_id=person.pk, provider=PROVIDER, uid=subject).delete()
    if not deleted:
        raise NotFound("This person is not linked to that subject.")
    custody.append(
        by=by,
        at=at,
        kind="person.identity-unlinked",
        subject=_officer(person),
        data={"provider": PROVIDER, "subject_digest": _identity(subject)},
    )
    end_sessions(by=by, at=at, person=person)


def _officer(person: User) -> str:
    return f"officer:{person.public_id}"


def _identity(subject: str) -> str:
    return rules.identity_digest(settings.NIGHTLIGHT_MFA_KEY, PROVIDER, subject)
