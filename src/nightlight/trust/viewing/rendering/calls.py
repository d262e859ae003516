# SPDX-License-Identifier: Apache-2.0
"""The list of system calls that a reader of files needs, as a program for the kernel, which refuses all others.

Calls are numbered as in the kernel's tables for x86-64 and for 64-bit ARM (``asm/unistd_64.h``,
``asm-generic/unistd.h``); the program is classic BPF as in seccomp(2).
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

_X86_64 = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "munmap": 11, "brk": 12, "rt_sigaction": 13,
    "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17, "writev": 20, "sched_yield": 24, "mremap": 25,
    "madvise": 28, "getpid": 39, "exit": 60, "gettimeofday": 96, "sigaltstack": 131, "gettid": 186, "futex": 202,
    "sched_getaffinity": 204, "clock_gettime": 228, "clock_nanosleep": 230, "exit_group": 231, "set_robust_list": 273,
    "getrandom": 318, "membarrier": 324, "rseq": 334,
    "mmap": 9, "mprotect": 10, "newfstatat": 262, "clone": 56, "clone3": 435,
}  # fmt: skip
_AARCH64 = {
    "read": 63, "write": 64, "close": 57, "fstat": 80, "lseek": 62, "munmap": 215, "brk": 214, "rt_sigaction": 134,
    "rt_sigprocmask": 135, "rt_sigreturn": 139, "pread64": 67, "writev": 66, "sched_yield": 124, "mremap": 216,
    "madvise": 233, "getpid": 172, "exit": 93, "gettimeofday": 169, "sigaltstack": 132, "gettid": 178, "futex": 98,
    "sched_getaffinity": 123, "clock_gettime": 113, "clock_nanosleep": 115, "exit_group": 94, "set_robust_list": 99,
    "getrandom": 278, "membarrier": 283, "rseq": 293,
    "mmap": 222, "mprotect": 226, "newfstatat": 79, "clone": 220, "clone3": 435,
}  # fmt: skip
# Machine as uname says, the kernel's AUDIT_ARCH number, its calls.
_MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # places in struct seccomp_data
_PROT_EXEC, _CLONE_THREAD, _AT_EMPTY_PATH = 0x4, 0x10000, 0x1000
_REFUSE = _ERRNO | errno.EPERM

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


def _argument(place: int) -> int:
    """Where the low half of an argument lies; both machines are little-endian."""
    return _ARGUMENTS + 8 * place


def program(machine: str | None = None) -> bytes | None:
    """Return the filter for this machine, or None where its calls are not known.

    Allowed: reading and writing what is already open, memory that cannot be executed, threads, time, ending.
    No call opens, connects, starts or signals anything. A call made in another machine's way ends the process.
    """
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    arch, calls = known
    steps = [_step(_LOAD, _ARCH), _step(_EQUAL, arch, yes=1), _step(_RETURN, _KILL), _step(_LOAD, _NUMBER)]
    conditional = {"mmap", "mprotect", "newfstatat", "clone", "clone3"}
    for name, number in calls.items():
        if name not in conditional:
            steps += [_step(_EQUAL, number, no=1), _step(_RETURN, _ALLOW)]
    steps += _if_bits(calls["mmap"], 2, _PROT_EXEC, then=_REFUSE, otherwise=_ALLOW)
    steps += _if_bits(calls["mprotect"], 2, _PROT_EXEC, then=_REFUSE, otherwise=_ALLOW)
    # The C library asks for the size of an open file this way; by a path it may not ask.
    steps += _if_bits(calls["newfstatat"], 3, _AT_EMPTY_PATH, then=_ALLOW, otherwise=_REFUSE)
    # A decoder may have threads; a process of its own it may not have.
    steps += _if_bits(calls["clone"], 0, _CLONE_THREAD, then=_ALLOW, otherwise=_REFUSE)
    # Its arguments lie where the filter cannot look; told "unknown", the C library asks with clone instead.
    steps += [_step(_EQUAL, calls["clone3"], no=1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    steps += [_step(_RETURN, _REFUSE)]
    return b"".join(steps)


def _if_bits(number: int, argument: int, bits: int, *, then: int, otherwise: int) -> list[bytes]:
    return [
        _step(_EQUAL, number, no=4),
        _step(_LOAD, _argument(argument)),
        _step(_ANY_BIT, bits, no=1),
        _step(_RETURN, then),
        _step(_RETURN, otherwise),
    ]


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


def install(libc: ctypes.CDLL, steps: bytes | None) -> bool:
    """Put a filter on this process for good; return whether the kernel took it. Needs no-new-privileges."""
    if steps is None:
        return False
    filter_ = _Program(len(steps) // 8, steps)
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filter_), 0, 0) == 0)
