# SPDX-License-Identifier: Apache-2.0
"""The tables of sealed identities; a request to open one can be answered and ended, and never rewritten."""

from __future__ import annotations

import django.db.models.constraints
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Whoever could exchange the one-time key of a request before the worker answers would get the answer.
HOLD = """
CREATE FUNCTION sealed_unsealing_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.public_id, NEW.identity, NEW.subject, NEW.pseudonym, NEW.user_id, NEW.reason_kind, NEW.reason,
        NEW.case_number, NEW.public_key, NEW.asked_at, NEW.expires_at)
       IS DISTINCT FROM
       (OLD.id, OLD.public_id, OLD.identity, OLD.subject, OLD.pseudonym, OLD.user_id, OLD.reason_kind, OLD.reason,
        OLD.case_number, OLD.public_key, OLD.asked_at, OLD.expires_at)
    THEN
        RAISE EXCEPTION 'what was asked for is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT ((OLD.state = 'asked' AND NEW.state IN ('opened', 'refused', 'closed'))
            OR (OLD.state = 'opened' AND NEW.state = 'closed'))
    THEN
        RAISE EXCEPTION 'an opening does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation';
    END IF;
    -- Pages act for a person; the worker acts for nobody.
    IF NEW.state IN ('opened', 'refused') AND coalesce(current_setting('nightlight.viewer', true), '') <> '' THEN
        RAISE EXCEPTION 'a page does not answer a request' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER hold BEFORE UPDATE ON sealed_unsealing FOR EACH ROW EXECUTE FUNCTION sealed_unsealing_hold();
"""
LET_GO = "DROP TRIGGER hold ON sealed_unsealing; DROP FUNCTION sealed_unsealing_hold()"


class Migration(migrations.Migration):
    initial = True
    dependencies = [("accounts", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Identity",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.TextField(unique=True)),
                ("subject", models.TextField()),
                ("source", models.TextField()),
                ("pseudonym", models.TextField()),
                ("kind", models.TextField()),
                ("key_part", models.BinaryField()),
                ("body", models.BinaryField()),
                ("fingerprint", models.BinaryField()),
                ("rule_version", models.IntegerField()),
                ("made_at", models.DateTimeField()),
                ("destroyed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "sealed_identity",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("destroyed_at__isnull", True),
                            models.Q(("fingerprint", b""), ("key_part", b"")),
                            _connector="OR",
                        ),
                        name="sealed_identity_destroyed_whole",
                    ),
                    models.UniqueConstraint(fields=("subject", "source"), name="sealed_identity_source_once"),
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("subject", "pseudonym"),
                        name="sealed_identity_pseudonym_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SearchDigest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.TextField()),
                ("digest", models.BinaryField()),
                (
                    "identity",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="digests",
                        to="sealed.identity",
                    ),
                ),
            ],
            options={
                "db_table": "sealed_search_digest",
                "indexes": [models.Index(fields=["digest"], name="sealed_search_digest_digest")],
                "constraints": [
                    models.UniqueConstraint(fields=("identity", "digest"), name="sealed_search_digest_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Unsealing",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.TextField(unique=True)),
                ("identity", models.TextField()),
                ("subject", models.TextField()),
                ("pseudonym", models.TextField()),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("reason_kind", models.TextField()),
                ("reason", models.TextField()),
                ("case_number", models.TextField()),
                ("public_key", models.BinaryField()),
                ("asked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("asked", "Asked"),
                            ("opened", "Opened"),
                            ("refused", "Refused"),
                            ("closed", "Closed"),
                        ],
                        default="asked",
                    ),
                ),
                ("refusal", models.TextField(default="")),
                ("answered_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("answer_key_part", models.BinaryField(null=True)),
                ("answer_body", models.BinaryField(null=True)),
            ],
            options={
                "db_table": "sealed_unsealing",
                "indexes": [
                    models.Index(fields=["subject", "id"], name="sealed_unsealing_subject"),
                    models.Index(fields=["user", "asked_at"], name="sealed_unsealing_user"),
                    models.Index(
                        condition=models.Q(("state__in", ["asked", "opened"])),
                        fields=["expires_at"],
                        name="sealed_unsealing_under_way",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["asked", "opened", "refused", "closed"])),
                        name="sealed_unsealing_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("answer_body__isnull", False), ("answer_key_part__isnull", False), ("state", "opened")
                            ),
                            models.Q(
                                models.Q(("state", "opened"), _negated=True),
                                ("answer_body__isnull", True),
                                ("answer_key_part__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="sealed_unsealing_answer_while_opened",
                    ),
                ],
            },
        ),
        migrations.RunSQL(HOLD, LET_GO),
    ]
