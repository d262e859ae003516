# SPDX-License-Identifier: Apache-2.0
"""Between installations: referrals and receipts, packed, signed, encrypted, sent, verified and taken in."""
