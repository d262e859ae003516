# SPDX-License-Identifier: Apache-2.0
"""Every change to people and reporters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.trust.accounts import rules, sign_in_actions, verify
from nightlight.trust.accounts.models import Credential, Environment, Origin, Reporter, User
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Issued:
    """A credential at the one moment its secret is known; it cannot be shown again."""

    reporter: Reporter
    username: str
    password: str
    environment: str


@transaction.atomic
def add_credential(*, by: str, at: datetime, name: str, environment: str, may_submit: bool = True) -> Issued:
    """Give the reporter ``name`` (made if new) a credential for ``environment`` (``test`` or ``production``).

    Raises Conflict for an empty name or an unknown environment.
    """
    name = " ".join(name.split())
    if not name or len(name) > 200:
        raise Conflict("A reporter needs a name of 1 to 200 characters.")
    if environment not in Environment.values:
        raise Conflict("The environment is either test or production.")
    reporter = reporter_named(by=by, at=at, name=name, origin=Origin.API)
    username, password = rules.new_username(), rules.new_password()
    digest = rules.digest(settings.NIGHTLIGHT_REPORTER_PEPPER, username, password)
    Credential.objects.create(
        reporter=reporter,
        username=username,
        digest=digest,
        environment=environment,
        may_submit=may_submit,
        created_at=at,
    )
    custody.append(
        by=by,
        at=at,
        kind="reporter.credential-issued",
        subject=f"reporter:{reporter.public_id}",
        data={
            "username": username,
            "environment": environment,
            "may_submit": may_submit,
            "digest_sha256": verify.digest_of(digest),
        },
    )
    return Issued(reporter=reporter, username=username, password=password, environment=environment)


@transaction.atomic
def reporter_named(*, by: str, at: datetime, name: str, origin: Origin) -> Reporter:
    """Return the reporter of that name and origin, making it on first sight."""
    fresh = Reporter(public_id=public_ids.new("RP"), name=name[:200], origin=origin, created_at=at)
    Reporter.objects.bulk_create([fresh], ignore_conflicts=True)
    reporter = Reporter.objects.get(name=name[:200], origin=origin)
    if reporter.public_id == fresh.public_id:
        custody.append(
            by=by,
            at=at,
            kind="reporter.added",
            subject=f"reporter:{reporter.public_id}",
            data={"name": reporter.name, "origin": str(origin)},
        )
    return reporter


@transaction.atomic
def revoke_credential(*, by: str, at: datetime, username: str) -> None:
    """End a credential at once. Raises NotFound."""
    credential = Credential.objects.select_related("reporter").filter(username=username, active=True).first()
    if credential is None:
        raise NotFound(f"There is no active credential {username!r}.")
    Credential.objects.filter(pk=credential.pk).update(active=False)
    custody.append(
        by=by,
        at=at,
        kind="reporter.credential-revoked",
        subject=f"reporter:{credential.reporter.public_id}",
        data={"username": username},
    )


@transaction.atomic
def give_password(*, by: str, at: datetime, person: User, password: str) -> None:
    """Give somebody who forgot theirs a new password, and sign them out everywhere. The second factor stays."""
    person.set_password(password)
    person.save(update_fields=["password"])
    custody.append(by=by, at=at, kind="person.password-given", subject=f"officer:{person.public_id}", data={})
    sign_in_actions.end_sessions(by=by, at=at, person=person)


@transaction.atomic
def add_person(*, by: str, at: datetime, username: str, password: str, full_name: str = "") -> User:
    """Let a person sign in. Without a post in a unit they may do nothing yet. Raises Conflict if the name is taken."""
    first, _, last = full_name.partition(" ")
    user = User(username=username, public_id=public_ids.new("OF"), first_name=first, last_name=last)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise Conflict(f"The sign-in name {username!r} is taken.") from None
    custody.append(
        by=by,
        at=at,
        kind="person.added",
        subject=f"officer:{user.public_id}",
        data={"username": username},
    )
    return user
