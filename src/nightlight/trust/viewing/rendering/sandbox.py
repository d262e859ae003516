# SPDX-License-Identifier: Apache-2.0
"""Shuts this process in before it reads a file: no network, no files, no programs, little memory, little time."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct

from nightlight.trust.viewing.rendering import calls
from nightlight.trust.viewing.rendering.terms import Protections

NOBODY = 65534
_FILES = 16  # open files; what is needed is open already
_THREADS = 64  # of all processes of the user nobody together
_STACK = 8 << 20

_NEW_USER, _NEW_NET, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000
_SET_DUMPABLE, _SET_DEATH_SIGNAL, _SET_NO_NEW_PRIVS, _GET_NO_NEW_PRIVS = 4, 1, 38, 39
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446  # the same numbers on every machine
_CAPABILITIES_3 = 0x20080522


def enter(*, memory: int, cpu_seconds: int, keep: frozenset[int] = frozenset()) -> Protections:
    """Give up everything that reading the files already open does not need; return what is in force.

    ``memory`` is in bytes above what the process holds now. Open files but 0, 1, 2 and ``keep`` are closed. There
    is no way back. Whether it is enough is the caller's to ask: ``Protections.enough``. Raises OSError if root
    cannot become nobody.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _close_all_but({0, 1, 2} | keep)
    libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)  # nobody may look into it, and it leaves no core file
    was_root = os.geteuid() == 0
    network = libc.unshare(_NEW_NET | _NEW_IPC if was_root else _NEW_USER | _NEW_NET | _NEW_IPC) == 0
    limits = _limit(memory=memory, cpu_seconds=cpu_seconds, count_threads=was_root)
    if was_root:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)  # a change of user may reset it
    libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    no_capabilities = _drop_capabilities(libc)
    libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    no_new_privileges = libc.prctl(_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
    landlock = close_files(libc)
    return Protections(
        resource_limits=limits,
        no_new_privileges=no_new_privileges,
        no_capabilities=no_capabilities,
        nobody=was_root,
        network_namespace=network,
        landlock=landlock,
        system_calls=calls.install(libc, calls.program()),
    )


def _close_all_but(keep: set[int]) -> None:
    numbers = sorted(keep)
    for low, high in zip(numbers, [*numbers[1:], 4096], strict=True):
        if low + 1 < high:  # an empty range means "all" to some versions of Python
            os.closerange(low + 1, high)


def _limit(*, memory: int, cpu_seconds: int, count_threads: bool) -> bool:
    limits = [
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, _FILES, _FILES),
        (resource.RLIMIT_STACK, _STACK, _STACK),
        # The soft limit sends SIGXCPU, by which the parent knows the reason; the hard one kills.
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
        (resource.RLIMIT_AS, _held() + memory, _held() + memory),
    ]
    if count_threads:  # elsewhere it would count all that this user runs
        limits.append((resource.RLIMIT_NPROC, _THREADS, _THREADS))
    try:
        for what, soft, hard in limits:
            resource.setrlimit(what, (soft, hard))
    except (OSError, ValueError):
        return False
    return True


def _held() -> int:
    """Bytes of address space this process has now; the libraries alone take from 40 to 200 MB of it."""
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - pathlib would be one more import
        return int(statm.read().split()[0]) * resource.getpagesize()


def _drop_capabilities(libc: ctypes.CDLL) -> bool:
    header = struct.pack("=Ii", _CAPABILITIES_3, 0)
    libc.capset(header, bytes(24))
    held = ctypes.create_string_buffer(24)
    return bool(libc.capget(header, held) == 0 and held.raw == bytes(24))


def close_files(libc: ctypes.CDLL) -> int:
    """Close every file and folder by Landlock, and TCP and other processes where it knows them; return its version.

    No rule makes an exception: what is to be read is open already. 0 means that the kernel has no Landlock.
    """
    version = int(libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1))
    if version < 1:
        return 0
    rights = (1 << 13) - 1  # version 1; then: 2 moving, 3 truncating, 5 control of devices
    rights |= sum(bit for since, bit in ((2, 1 << 13), (3, 1 << 14), (5, 1 << 15)) if version >= since)
    handled = struct.pack("=QQQ", rights, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = int(libc.syscall(_LANDLOCK_CREATE, handled, ctypes.c_size_t(size), 0))
    if rules < 0:
        return 0
    closed = libc.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0
    os.close(rules)
    return version if closed else 0
