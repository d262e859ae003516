# SPDX-License-Identifier: Apache-2.0
"""The hash lists of the exercise, brought into a demo: three that say what files are, one that labels, one to pull."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from nightlight.exercise import lists

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nightlight.exercise.lists import HashList, Lists
    from nightlight.pipeline.matching import applying, models

PARTNER = "Example Partner Police"
OWNER_NUMBER, PARTNER_NUMBER = 100, 200
"""Member numbers on the wire; a partner's is the first of its kind that is free."""


def make(*, by: str, now: Callable[[], datetime], made: Lists, seed: int) -> dict[str, str]:
    """Import the lists of a world, and let a partner pull the national one.

    Returns how a partner signs in, and the number of the national list; an exercise that follows another one in the
    same installation gets lists of its own, named by its seed.
    """
    from nightlight.pipeline.matching import member_actions
    from nightlight.pipeline.matching.models import HashList as Kept
    from nightlight.pipeline.matching.models import Member

    more = f" {seed}" if Kept.objects.filter(name=made.first[0].name).exists() else ""
    brought = {one.key: _bring(one, f"{one.name}{more}", by=by, now=now) for one in made.first}
    shared, slug = brought[lists.NATIONAL], f"example-national{more.replace(' ', '-')}"
    number = PARTNER_NUMBER + Member.objects.count()
    issued = member_actions.add_member(by=by, at=now(), number=number, name=f"{PARTNER}{more}")
    member_actions.share_list(
        by=by, at=now(), hash_list=shared, slug=slug, owner_number=OWNER_NUMBER, owner_name=shared.owner
    )
    member_actions.give_access(by=by, at=now(), member=issued.member, hash_list=shared, may_answer=True)
    return {
        "list": shared.public_id,
        "path": f"hashsharing/{slug}",
        "username": issued.member.username,
        "password": issued.secret,
    }


def renew(*, by: str, now: Callable[[], datetime], made: Lists, list_id: str) -> tuple[int, int]:
    """Import the second version of the national list; return how many entries it withdrew and updated."""
    from nightlight.pipeline.matching import list_actions

    counts = _read(made.second, list_actions.list_called(list_id), by=by, now=now)
    return counts.withdrawn, counts.updated


def _bring(one: HashList, name: str, *, by: str, now: Callable[[], datetime]) -> models.HashList:
    from nightlight.pipeline.matching import list_actions

    hash_list = list_actions.add_list(
        by=by,
        at=now(),
        name=name,
        owner=one.owner,
        legal_basis=one.legal_basis,
        scheme=one.scheme,
        scheme_version=one.scheme_version,
        purpose=one.purpose,
    )
    _read(one, hash_list, by=by, now=now)
    return hash_list


def _read(one: HashList, hash_list: models.HashList, *, by: str, now: Callable[[], datetime]) -> applying.Counts:
    from nightlight.pipeline.matching import importing

    stream = io.BytesIO(one.data)
    done = importing.run(hash_list=hash_list, stream=stream, name=one.file_name, replaces=True, by=by, at=now)
    return done.counts
