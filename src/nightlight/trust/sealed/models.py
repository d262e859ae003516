# SPDX-License-Identifier: Apache-2.0
"""Tables of sealed identities: closed facts, the digests they are found by, and every opening."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from nightlight.trust.accounts.models import User
from nightlight.trust.sealed.box import Closed


class State(models.TextChoices):
    """Where an opening stands."""

    ASKED = "asked", "Asked"
    OPENED = "opened", "Opened"
    REFUSED = "refused", "Refused"
    CLOSED = "closed", "Closed"


class Identities(models.QuerySet["Identity"]):
    """Identities, as far as pages may read them."""

    def shown(self) -> Identities:
        """Without what is closed."""
        return self.defer("key_part", "body", "fingerprint")


class Identity(models.Model):
    """Who a protected person of a record is; worked out from the record, and worked out again with each rule.

    A row that was destroyed stays as the trace of it, with an empty key part. Pages have no right to read key part,
    body and fingerprint: use ``Identity.objects.shown()`` there.
    """

    id = models.BigAutoField(primary_key=True)
    public_id = models.TextField(unique=True)
    subject = models.TextField()
    source = models.TextField()
    pseudonym = models.TextField()
    kind = models.TextField()
    key_part = models.BinaryField()
    body = models.BinaryField()
    fingerprint = models.BinaryField()
    rule_version = models.IntegerField()
    made_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)

    objects = Identities.as_manager()

    class Meta:
        db_table = "sealed_identity"
        constraints = [
            models.CheckConstraint(
                condition=Q(destroyed_at__isnull=True) | Q(key_part=b"", fingerprint=b""),
                name="sealed_identity_destroyed_whole",
            ),
            models.UniqueConstraint(fields=["subject", "source"], name="sealed_identity_source_once"),
            # Deferred: when a record is read anew, two people may exchange their pseudonyms.
            models.UniqueConstraint(
                fields=["subject", "pseudonym"],
                name="sealed_identity_pseudonym_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.pseudonym})"

    @property
    def closed(self) -> Closed:
        """The facts as they lie here."""
        return Closed(bytes(self.key_part), bytes(self.body))

    @property
    def destroyed(self) -> bool:
        """Whether nobody can open it again."""
        return self.destroyed_at is not None


class SearchDigest(models.Model):
    """One keyed digest by which an identity is found."""

    id = models.BigAutoField(primary_key=True)
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="digests", db_index=False)
    kind = models.TextField()
    digest = models.BinaryField()

    class Meta:
        db_table = "sealed_search_digest"
        indexes = [models.Index(fields=["digest"], name="sealed_search_digest_digest")]
        constraints = [models.UniqueConstraint(fields=["identity", "digest"], name="sealed_search_digest_once")]

    def __str__(self) -> str:
        return f"{self.kind} of identity {self.identity_id}"


class Unsealing(models.Model):
    """One request to open an identity: by whom, why, for which case, until when, and what came of it.

    It names the identity by public id, not by key: the identity is worked out anew, the request stays.
    """

    id = models.BigAutoField(primary_key=True)
    public_id = models.TextField(unique=True)
    identity = models.TextField()
    subject = models.TextField()
    pseudonym = models.TextField()
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    reason_kind = models.TextField()
    reason = models.TextField()
    case_number = models.TextField()
    public_key = models.BinaryField()
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.TextField(choices=State.choices, default=State.ASKED)
    refusal = models.TextField(default="")
    answered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    answer_key_part = models.BinaryField(null=True)
    answer_body = models.BinaryField(null=True)

    class Meta:
        db_table = "sealed_unsealing"
        indexes = [
            models.Index(fields=["subject", "id"], name="sealed_unsealing_subject"),
            models.Index(fields=["user", "asked_at"], name="sealed_unsealing_user"),
            models.Index(
                fields=["expires_at"], name="sealed_unsealing_under_way", condition=Q(state__in=["asked", "opened"])
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="sealed_unsealing_state"),
            models.CheckConstraint(
                condition=Q(state="opened", answer_key_part__isnull=False, answer_body__isnull=False)
                | (~Q(state="opened") & Q(answer_key_part__isnull=True, answer_body__isnull=True)),
                name="sealed_unsealing_answer_while_opened",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"

    @property
    def person(self) -> str:
        """How custody events name who asked."""
        return f"officer:{self.user.public_id}"
