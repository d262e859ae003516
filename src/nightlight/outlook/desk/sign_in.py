# SPDX-License-Identifier: Apache-2.0
"""Signing in and out: nobody can sign up, and each coming and going is in the custody log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from nightlight.foundation import clock
from nightlight.outlook.desk import gate
from nightlight.outlook.desk.access import viewer_of_request
from nightlight.trust.accounts import sign_in_actions
from nightlight.trust.accounts.models import User
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterable

    from allauth.usersessions.models import UserSession
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest


class DemoPerson(TypedDict):
    """A sign-in of the exercise, shown on the sign-in page of a demo and nowhere else."""

    username: str
    password: str
    role: str
    name: str


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth, with sign-up closed and a custody event for each change of who is at the desk."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are added by an administrator."""
        return False

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Start the session and record it, both or neither."""
        with transaction.atomic():
            super().login(request, user)
            for mark in (gate.BEGAN, gate.SEEN, gate.CHECKED):
                request.session.pop(mark, None)
            _record("person.signed-in", user, address=str(request.META.get("REMOTE_ADDR", "")))

    def logout(self, request: HttpRequest) -> None:
        """End the session and record it, both or neither."""
        with transaction.atomic():
            _record("person.signed-out", request.user)
            super().logout(request)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Change the password and record that it was changed."""
        with transaction.atomic():
            super().set_password(user, password)
            _record("person.password-changed", user)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: object, **kwargs: object
    ) -> None:
        """Say what happened, but not what the page itself shows: that one is signed in, that there are new codes."""
        if message_template not in {"account/messages/logged_in.txt", "mfa/messages/recovery_codes_generated.txt"}:
            super().add_message(request, level, message_template, *args, **kwargs)

    def get_login_stages(self) -> list[str]:
        """Ask for the second factor after the password, by our own rule of when it was shown already."""
        theirs, ours = "allauth.mfa.stages.AuthenticateStage", "nightlight.outlook.desk.second_factor.AuthenticateStage"
        return [ours if stage == theirs else stage for stage in super().get_login_stages()]

    def is_reauthentication_required(self, *, app: str, **kwargs: object) -> bool:
        """Ask again before a change to one's sign-in, unless the person has just shown who they are."""
        records = get_authentication_records(self.request, self.request.user)
        since = clock.now().timestamp() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
        return not any(record["at"] >= since for record in records)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Send each role to the page its work begins on."""
        if not viewer_of_request(request).reads_tips:
            return reverse("desk:system")
        return reverse("desk:inbox")


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    """A person who signs out elsewhere does so on the record."""

    def end_sessions(self, sessions: Iterable[UserSession]) -> None:
        """End these sessions, which are all of one person, and record that they did."""
        chosen = list(sessions)
        if chosen:
            person = chosen[0].user
            keys = [session.session_key for session in chosen]
            sign_in_actions.end_sessions(by=f"officer:{person.public_id}", at=clock.now(), person=person, keys=keys)


def _record(kind: str, person: object, **data: str) -> None:
    if isinstance(person, User):
        name = f"officer:{person.public_id}"
        custody.append(by=name, at=clock.now(), kind=kind, subject=name, data=data)


def demo_people() -> list[DemoPerson]:
    """Return the exercise's sign-ins; none unless this installation is a demo."""
    if not settings.ENVIRONMENT.demo:
        return []
    try:
        people: list[DemoPerson] = json.loads((settings.ENVIRONMENT.home / "demo.json").read_text())["people"]
    except (OSError, ValueError, KeyError):
        return []
    return people
