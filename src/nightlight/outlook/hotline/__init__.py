# SPDX-License-Identifier: Apache-2.0
"""The hotline: a page on which anybody can tell that a child may be in danger, without a name and without an account.

It takes words and names of accounts, never a picture; keeps no cookie and no address of the teller; and gives a code to
come back with.
"""
