# SPDX-License-Identifier: Apache-2.0
"""What everything stands on: who acts, what was done, and the bytes themselves."""
