# SPDX-License-Identifier: Apache-2.0
"""Tokens of partners' systems, and a cache that all processes share."""

import datetime

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models import F, Q

# What Django's createcachetable makes; written out, so that a migration makes it with everything else.
_CACHE = """
CREATE TABLE accounts_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX accounts_cache_expires ON accounts_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_roles")]
    operations = [
        migrations.RunSQL(_CACHE, "DROP TABLE accounts_cache"),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("name", models.CharField(max_length=200)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("tips:read-own-status", "Read how far the reports this partner filed have come"),
                                ("exports:read", "Fetch the exports that were made for this partner"),
                                ("feedback:read", "Read the feedback on the reports this partner filed"),
                            ],
                            max_length=40,
                        ),
                        size=None,
                    ),
                ),
                ("unit", models.CharField(max_length=16)),
                ("digest", models.BinaryField(max_length=32)),
                ("created_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("last_used_on", models.DateField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(expires_at__gt=F("created_at"))
                        & Q(expires_at__lte=F("created_at") + datetime.timedelta(days=365)),
                        name="token_ends_within_a_year",
                    ),
                    models.CheckConstraint(condition=Q(scopes__len__gt=0), name="token_may_do_something"),
                ],
            },
        ),
    ]
