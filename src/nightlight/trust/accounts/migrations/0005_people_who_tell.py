# SPDX-License-Identifier: Apache-2.0
"""Anybody may tell something: a further way in which a reporter is known."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_deconfliction")]
    operations = [
        migrations.AlterField(
            "reporter",
            "origin",
            models.CharField(
                choices=[
                    ("api", "Reports to us through the reporting API"),
                    ("download", "Named in a downloaded CyberTip"),
                    ("people", "Anybody who tells us, on the hotline page or by telephone"),
                    ("referral", "Named by another installation that referred a tip"),
                ],
                max_length=10,
            ),
        )
    ]
