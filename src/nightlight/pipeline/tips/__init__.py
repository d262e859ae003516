# SPDX-License-Identifier: Apache-2.0
"""Step 1: a report arrives, is checked, acknowledged, and can never be lost or changed unnoticed."""
