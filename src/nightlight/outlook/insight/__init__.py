# SPDX-License-Identifier: Apache-2.0
"""What became of reports, and how much was in them: counted for each provider, never a judgment of anybody.

Promise: a figure states of how many it is; what a reporter is told is a code and a day, changes at the turn of a day
only, and can be held back by whoever works on the tip.
"""
