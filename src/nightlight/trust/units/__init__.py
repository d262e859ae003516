# SPDX-License-Identifier: Apache-2.0
"""Units: who works where, as what, and so who may see which record.

What this step promises: a person sees what their posts reach and nothing else, and the database itself decides it; a
post ends and the history stays; who must be let over the wall because somebody is in danger now is let over it at
once, loudly, and somebody answers for it afterwards.
"""
