# SPDX-License-Identifier: Apache-2.0
"""Tables of sharing lists: where we poll, who may pull ours, and what they answer about its entries."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Feed(models.Model):
    """A Hash Sharing server that a list is polled from (wire rules: pipeline/matching/sharing)."""

    hash_list = models.OneToOneField(
        "matching.HashList", on_delete=models.PROTECT, primary_key=True, related_name="feed"
    )
    url = models.TextField()
    username = models.TextField()
    # The password, closed for the worker (trust/sealed).
    secret = models.BinaryField()
    secret_key_part = models.BinaryField()
    every_minutes = models.IntegerField()
    checkpoint = models.JSONField()  # see sharing/polling.py; moves only after a last page
    polled_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    why = models.TextField(blank=True)

    class Meta:
        db_table = "matching_feed"

    def __str__(self) -> str:
        return self.url


class Member(models.Model):
    """A partner or platform that may pull lists from us, and answer about their entries."""

    public_id = models.TextField(unique=True)
    number = models.IntegerField(unique=True)  # the member id of the wire
    name = models.TextField(unique=True)
    username = models.TextField(unique=True)
    secret_digest = models.BinaryField()
    made_at = models.DateTimeField()
    made_by = models.TextField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "matching_member"

    def __str__(self) -> str:
        return self.name


class Share(models.Model):
    """A list that we serve, under an address of its own; ``member`` is the owner its entries are shown under."""

    hash_list = models.OneToOneField(
        "matching.HashList", on_delete=models.PROTECT, primary_key=True, related_name="share"
    )
    slug = models.SlugField(unique=True)
    owner_number = models.IntegerField()
    owner_name = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "matching_share"

    def __str__(self) -> str:
        return self.slug


class Access(models.Model):
    """That a member may pull a list, and whether it may answer about its entries."""

    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="access")
    hash_list = models.ForeignKey("matching.HashList", on_delete=models.PROTECT, related_name="access")
    may_answer = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        db_table = "matching_access"
        constraints = [models.UniqueConstraint(fields=["member", "hash_list"], name="access_once")]

    def __str__(self) -> str:
        return f"{self.member_id} to {self.hash_list_id}"


class Verdict(models.TextChoices):
    """What the owner of the list made of an answer. Until there is one, the answer waits in the queue."""

    AGREED = "agreed", _("Agreed")
    DISAGREED = "disagreed", _("Disagreed")


class Feedback(models.Model):
    """What a member says about a fingerprint of an entry: that it is right, or why not. The latest one counts."""

    entry = models.ForeignKey("matching.Entry", on_delete=models.PROTECT, related_name="feedback")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="feedback")
    type = models.CharField(max_length=20)  # MD5, PDQ, ...
    affirmative = models.BooleanField()
    reasons = models.JSONField(default=list)  # GUIDs
    at = models.DateTimeField()

    class Meta:
        db_table = "matching_feedback"
        indexes = [models.Index(fields=["entry", "member", "type", "-id"], name="feedback_latest")]

    def __str__(self) -> str:
        return f"{self.member_id} about {self.entry_id}"


class FeedbackAnswer(models.Model):
    """What the owner of the list decided about an answer."""

    feedback = models.OneToOneField(Feedback, on_delete=models.PROTECT, primary_key=True, related_name="answer")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    text = models.TextField(blank=True)
    by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "matching_feedbackanswer"

    def __str__(self) -> str:
        return self.verdict
