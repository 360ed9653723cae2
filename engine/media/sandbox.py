"""Locks a process down for good: no new files, no network, no other programs, bounded memory.

Three walls of Linux, set up through ctypes in under a millisecond and inherited by every thread started later:

    Landlock   (kernel 5.13)  no path can be opened, made, renamed or run; what is open stays open
    seccomp    (kernel 3.17)  the calls of a decoder are let through; sockets, exec, ptrace, kill, mounts are refused
    rlimits                   memory, file size, no core files

A program that is not a decoder (`engine.programs`) gets a `Fence`: some paths to read or to write, perhaps the network, and
the right to be started, but never to start others.

Sources: Documentation/userspace-api/landlock.rst and seccomp_filter.rst of the Linux kernel; call numbers from
arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

import ctypes
import errno
import os
import platform
import resource
import stat
import struct
import sys
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_SIGKILL: Final = 9
_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_ADD_RULE: Final = 445
_LANDLOCK_RESTRICT_SELF: Final = 446
_RULESET_VERSION: Final = 1
_RULE_PATH_BENEATH: Final = 1

# Rights of files, of TCP, and scopes (abstract sockets, signals), by the ABI that brought them.
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
_NET_RIGHTS: Final = 0b11
_SCOPES: Final = 0b11

_READS: Final = 0b1101  # run, read, list
_FILE_ONLY: Final = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14  # run, write, read, truncate
_NOT_MADE: Final = (
    1 << 0 | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 15
)  # programs, devices, sockets, links

_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1
_RET_ALLOW: Final = 0x7FFF0000
_RET_ERRNO: Final = 0x00050000
_RET_KILL_PROCESS: Final = 0x80000000
_LD_WORD: Final = 0x20
_JUMP_ANY_BIT: Final = 0x45
_JUMP_EQUAL: Final = 0x15
_JUMP_GREATER_EQUAL: Final = 0x35
_RETURN: Final = 0x06

_AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP_CALL: Final = {"x86_64": 317, "aarch64": 277}
_X32_BIT: Final = 0x40000000
_CLONE: Final = {"x86_64": 56, "aarch64": 220}
_CLONE3: Final = 435
_CLONE_THREAD: Final = 0x10000

# What a decoder or encoder never needs: refused with EPERM. `socket` stays away, the one open socket stays usable.
_REFUSED: Final = {
    "x86_64": {
        "open": 2, "creat": 85, "openat": 257, "openat2": 437, "open_by_handle_at": 304,
        "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "bind": 49, "listen": 50, "socketpair": 53,
        "accept4": 288, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "ptrace": 101, "kill": 62,
        "tkill": 200, "rename": 82, "mkdir": 83, "rmdir": 84, "link": 86, "unlink": 87, "symlink": 88,
        "chmod": 90, "chown": 92, "mknod": 133, "renameat": 264, "renameat2": 316, "unlinkat": 263, "linkat": 265,
        "symlinkat": 266, "mkdirat": 258, "mknodat": 259, "truncate": 76, "chroot": 161, "mount": 165, "umount2": 166,
        "pivot_root": 155, "unshare": 272, "setns": 308, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        "io_uring_setup": 425, "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_open": 434,
        "pidfd_getfd": 438, "pidfd_send_signal": 424, "keyctl": 250, "add_key": 248, "request_key": 249,
        "memfd_create": 319, "init_module": 175, "finit_module": 313, "kexec_load": 246, "personality": 135,
        "setuid": 105, "setgid": 106, "capset": 126, "prlimit64": 302, "setrlimit": 160, "mq_open": 240,
        "shmget": 29, "msgget": 68, "semget": 64, "quotactl": 179, "swapon": 167, "reboot": 169,
    },
    "aarch64": {
        "openat": 56, "openat2": 437, "open_by_handle_at": 265, "socket": 198, "connect": 203, "accept": 202,
        "sendto": 206, "bind": 200, "listen": 201, "socketpair": 199, "accept4": 242, "execve": 221,
        "execveat": 281, "ptrace": 117, "kill": 129, "tkill": 130, "renameat": 38, "renameat2": 276, "unlinkat": 35,
        "linkat": 37, "symlinkat": 36, "mkdirat": 34, "mknodat": 33, "truncate": 45, "chroot": 51, "mount": 40,
        "umount2": 39, "pivot_root": 41, "unshare": 97, "setns": 268, "bpf": 280, "perf_event_open": 241,
        "userfaultfd": 282, "io_uring_setup": 425, "process_vm_readv": 270, "process_vm_writev": 271,
        "pidfd_open": 434, "pidfd_getfd": 438, "pidfd_send_signal": 424, "keyctl": 219, "add_key": 217,
        "request_key": 218, "memfd_create": 279, "init_module": 105, "finit_module": 273, "kexec_load": 104,
        "personality": 92, "setuid": 146, "setgid": 144, "capset": 91, "prlimit64": 261, "setrlimit": 164,
        "mq_open": 180, "shmget": 194, "msgget": 186, "semget": 190,
    },
}  # fmt: skip


# What a fenced program may do all the same: with files, for Landlock says where; with sockets that lead nowhere.
_FENCED_MAY: Final = frozenset(
    {
        *(
            "open",
            "creat",
            "openat",
            "openat2",
            "rename",
            "renameat",
            "renameat2",
            "mkdir",
            "mkdirat",
            "rmdir",
        ),
        *(
            "unlink",
            "unlinkat",
            "link",
            "linkat",
            "chmod",
            "truncate",
            "memfd_create",
            "socketpair",
            "sendto",
        ),
        *("tkill", "execve"),
    }
)
_NETWORK: Final = frozenset({"socket", "connect"})


class Fence(Struct, frozen=True, kw_only=True):
    """What a program may reach: files and folders to `read` (and to run), folders to `write` in, the network or not."""

    read: tuple[str, ...]
    write: tuple[str, ...]
    network: bool = False


class Walls(Struct, frozen=True, kw_only=True):
    """What this machine offers. `landlock_abi` 0: none. `missing` says in words what is not there."""

    landlock_abi: int
    seccomp: bool
    missing: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether untrusted media can be opened safely."""
        return not self.missing


def available() -> Walls:
    """Tell which walls this machine offers, without putting any up."""
    machine = platform.machine()
    if sys.platform != "linux":
        return Walls(
            landlock_abi=0, seccomp=False, missing=(f"Landlock and seccomp: {sys.platform} has neither",)
        )
    abi = _landlock_abi()
    seccomp = machine in _REFUSED and os.path.exists("/proc/sys/kernel/seccomp/actions_avail")
    missing = []
    if abi < 1:
        missing.append("Landlock: the kernel is older than 5.13 or was started without it")
    if not seccomp:
        missing.append(f"seccomp: not in this kernel, or {machine} is not known here")
    return Walls(landlock_abi=max(0, abi), seccomp=seccomp, missing=tuple(missing))


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when the thread that started it ends.

    Raises:
        ProcessLookupError: the parent has gone already.
    """
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise ProcessLookupError("the parent process has ended")


def lock_down(*, memory_bytes: int, file_bytes: int, fence: Fence | None = None) -> Walls:
    """Put up every wall there is, for good.

    Args:
        memory_bytes: most private writable memory (RLIMIT_DATA), thread stacks included.
        file_bytes: longest file that may be written.
        fence: what may be reached; None: nothing but what is open.

    Returns:
        What is in force.

    Raises:
        OSError: a wall that this machine offers did not go up.
    """
    walls = available()
    for limit, most in (
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    if walls.landlock_abi or walls.seccomp:
        _check(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    if walls.landlock_abi:
        _restrict_files(walls.landlock_abi, fence)
    if walls.seccomp:
        may: frozenset[str] = frozenset()
        if fence is not None:
            may = _FENCED_MAY | _NETWORK if fence.network else _FENCED_MAY
        _filter_calls(platform.machine(), may)
    return walls


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _landlock_abi() -> int:
    return int(_libc().syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _RULESET_VERSION))


def _restrict_files(abi: int, fence: Fence | None) -> None:
    """Handle every right that this ABI knows, and grant none but those of the fence."""
    rights = max(count for since, count in _FILE_RIGHTS.items() if since <= abi)
    fields = [(1 << rights) - 1]
    if abi >= 4:
        fields.append(0 if fence is not None and fence.network else _NET_RIGHTS)
    if abi >= 6:
        fields.append(_SCOPES)
    ruleset = struct.pack(f"={len(fields)}Q", *fields)
    libc = _libc()
    descriptor = _check(
        libc.syscall(_LANDLOCK_CREATE_RULESET, ruleset, ctypes.c_size_t(len(ruleset)), 0), "landlock"
    )
    try:
        if fence is not None:
            every = (1 << rights) - 1
            for path in fence.read:
                _grant(descriptor, path, _READS & every)
            for path in fence.write:
                _grant(descriptor, path, every & ~_NOT_MADE)
        _check(libc.syscall(_LANDLOCK_RESTRICT_SELF, descriptor, 0), "landlock")
    finally:
        os.close(descriptor)


def _grant(ruleset: int, path: str, rights: int) -> None:
    """Allow `rights` beneath a path; one that is not there is nothing to allow."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _FILE_ONLY
        rule = struct.pack("=Qi", rights, place)
        _check(_libc().syscall(_LANDLOCK_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0), f"landlock: {path}")
    finally:
        os.close(place)


def _filter_calls(machine: str, may: frozenset[str]) -> None:
    program = _program(
        machine, sorted(number for name, number in _REFUSED[machine].items() if name not in may)
    )
    filters = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(filters))
    result = _libc().syscall(
        _SECCOMP_CALL[machine], _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, head
    )
    _check(result, "seccomp")


def _program(machine: str, refused: Iterable[int]) -> bytes:
    """Return the classic BPF program: another architecture dies, refused calls answer EPERM, the rest go through.

    Threads may be started, processes not. `clone3` keeps its flags where a filter cannot see them: it is said not to
    exist (ENOSYS), so that libc falls back to `clone`.
    """
    allow, refuse = (_RETURN, 0, 0, _RET_ALLOW), (_RETURN, 0, 0, _RET_ERRNO | errno.EPERM)
    steps = [
        (_LD_WORD, 0, 0, 4),
        (_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _RET_KILL_PROCESS),
        (_LD_WORD, 0, 0, 0),
    ]
    if machine == "x86_64":
        steps += [(_JUMP_GREATER_EQUAL, 0, 1, _X32_BIT), (_RETURN, 0, 0, _RET_KILL_PROCESS)]
    steps += [(_JUMP_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _RET_ERRNO | errno.ENOSYS)]
    steps += [
        (_JUMP_EQUAL, 0, 4, _CLONE[machine]),
        (_LD_WORD, 0, 0, 16),
        (_JUMP_ANY_BIT, 0, 1, _CLONE_THREAD),
        allow,
        refuse,
    ]
    for number in refused:
        steps += [(_JUMP_EQUAL, 0, 1, number), refuse]
    steps.append(allow)
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
