# SPDX-License-Identifier: Apache-2.0
"""What an installation survives: killed processes, a lost home, altered bytes, very large files."""
