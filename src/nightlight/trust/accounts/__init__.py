# SPDX-License-Identifier: Apache-2.0
"""Who may act: people with a role, and reporters with their credentials.

Promise: a secret is never stored, only a keyed digest of it.
"""
