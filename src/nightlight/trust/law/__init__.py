# SPDX-License-Identifier: Apache-2.0
"""Law: what a country's law says about viewing, naming, keeping and destroying, as data with its sources.

What this step promises: no period, rule or statute stands in code. Each stands in a pack, one file a country,
beside its source and how far that source was checked; a pack that is wrong in any line is not used at all; and
where the law is silent or nobody has said where a unit is, the answer is the one that can be taken back.
"""
