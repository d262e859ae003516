# SPDX-License-Identifier: Apache-2.0
"""What operators answer: read as it comes, matched twice, told as a set."""
