# SPDX-License-Identifier: Apache-2.0
"""The desk: sign-in, inbox and tip page.

Promise: every page says at the top what this is, how urgent, whose, and the one next step.
No page names a child.
"""
