# SPDX-License-Identifier: Apache-2.0
"""Step 5: whose is it?

What this step promises: every tip is asked where it belongs, from all signs in it that say anything about a place, each
with its weight and its reason, and "unknown" is an answer. Nothing about religion, caste or anybody's name is read, and
no sign of the reporter's staff or of officers. What is worked out here is a proposal; people hand tips over, each step
leaves a receipt, and until somebody has accepted a tip the one who sent it still holds it.
"""
