# SPDX-License-Identifier: Apache-2.0
"""Files: received, digested, encrypted, kept. Promise: the same bytes are kept once and recorded every time,
nothing is evidence before it is safely on the disk, and any byte altered since is noticed.
"""
