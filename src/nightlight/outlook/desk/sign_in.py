# SPDX-License-Identifier: Apache-2.0
"""Signing in and out: nobody can sign up, and each coming and going is in the custody log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from nightlight.foundation import clock
from nightlight.trust.accounts.models import User
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
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
            _record("person.signed-in", user)

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
        """Say what happened, but not what the page itself shows: that one is signed in."""
        if message_template != "account/messages/logged_in.txt":
            super().add_message(request, level, message_template, *args, **kwargs)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Send each role to the page its work begins on."""
        user = request.user
        if isinstance(user, User) and not user.reads_tips:
            return reverse("desk:system")
        return reverse("desk:inbox")


def _record(kind: str, person: object) -> None:
    if isinstance(person, User):
        name = f"officer:{person.public_id}"
        custody.append(by=name, at=clock.now(), kind=kind, subject=name, data={"role": person.role})


def demo_people() -> list[DemoPerson]:
    """Return the exercise's sign-ins; none unless this installation is a demo."""
    if not settings.ENVIRONMENT.demo:
        return []
    try:
        people: list[DemoPerson] = json.loads((settings.ENVIRONMENT.home / "demo.json").read_text())["people"]
    except (OSError, ValueError, KeyError):
        return []
    return people
