# SPDX-License-Identifier: Apache-2.0
"""A token may ask by digest who else holds an identifier."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_sign_in"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apitoken",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("tips:read-own-status", "Read how far the reports this partner filed have come"),
                        ("exports:read", "Fetch the exports that were made for this partner"),
                        ("feedback:read", "Read the feedback on the reports this partner filed"),
                        ("deconfliction:ask", "Ask by digest who else holds an identifier"),
                    ],
                    max_length=40,
                ),
                size=None,
            ),
        ),
    ]
