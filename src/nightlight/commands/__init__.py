# SPDX-License-Identifier: Apache-2.0
"""What an administrator types: each command is one module, none shows a stack trace for a user's mistake."""
