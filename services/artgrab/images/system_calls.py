"""System calls that no decoder needs, refused by the kernel (seccomp(2)) through libseccomp.

Those that lead out of the process, that change what belongs to its user, that take memory which no
limit counts, and those in which holes of kernels were found. A list of what is allowed would have
to follow every version of numpy, OpenCV and the C library; this one stands.
"""

import ctypes
import errno

from artgrab.images.libraries import Signatures, loaded

_SOCKETS = ("socket", "socketpair")
"""Also of UDP, which Landlock does not know."""
_PROCESSES = ("clone", "clone3", "fork", "vfork", "execve", "execveat")
"""Threads are made by the same calls; decoders have one."""
_OTHERS = (
    *("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease"),
    *("pidfd_open", "pidfd_getfd", "kcmp", "migrate_pages", "move_pages", "setpriority"),
    *("sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "ioprio_set"),
)
"""Processes of the same user."""
_FILES = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat", "lchown"),
    *("utime", "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr", "fsetxattr"),
    *("removexattr", "lremovexattr", "fremovexattr"),
    *("inotify_init", "inotify_init1", "fanotify_init", "name_to_handle_at", "open_by_handle_at"),
)
"""What is said of files: Landlock keeps their content alone."""
_MEMORY = (
    *("memfd_create", "memfd_secret", "shmget", "shmat", "shmctl", "semget", "semop"),
    *("msgget", "msgsnd", "msgrcv", "mq_open", "mq_unlink"),
)
"""That RLIMIT_AS does not count, or that outlives the process."""
_KERNEL = (
    *("bpf", "io_uring_setup", "perf_event_open", "userfaultfd", "add_key", "keyctl"),
    *("request_key", "unshare", "setns", "mount", "fsopen", "fspick", "open_tree", "move_mount"),
    *("modify_ldt", "personality"),
)
_REFUSED = (*_SOCKETS, *_PROCESSES, *_OTHERS, *_FILES, *_MEMORY, *_KERNEL)


class _Comparison(ctypes.Structure):
    """scmp_arg_cmp of seccomp.h."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("by", ctypes.c_int),
        ("one", ctypes.c_uint64),
        ("other", ctypes.c_uint64),
    )


_DIFFERS, _MASKED = 1, 7
"""SCMP_CMP_NE, SCMP_CMP_MASKED_EQ."""
_INTEGER = 0xFFFFFFFF
"""All that the kernel looks at of a command."""


def _command(number: int) -> _Comparison:
    return _Comparison(1, _MASKED, _INTEGER, number)


_REFUSED_WHERE = (
    ("prlimit64", _Comparison(0, _DIFFERS, 0, 0)),
    *(("ioctl", _command(number)) for number in (0x5412, 0x541C, 0x8901, 0x8902)),
    *(("fcntl", _command(number)) for number in (8, 15)),
)
"""Of another process, as a limit of no seconds kills; TIOCSTI and TIOCLINUX, which type for a
terminal; FIOSETOWN, SIOCSPGRP, F_SETOWN and F_SETOWN_EX: who gets signals of a file's news."""

_ALLOW, _ERROR, _END = 0x7FFF0000, 0x00050000, 0x80000000
"""SCMP_ACT_ALLOW, SCMP_ACT_ERRNO and SCMP_ACT_KILL_PROCESS of seccomp.h, libseccomp 2.5."""
_ATTRIBUTES = ((2, _END), (4, 1), (7, 1))
"""SCMP_FLTATR_ACT_BADARCH: calls by the numbers of another architecture end the process.
SCMP_FLTATR_CTL_TSYNC: all threads are meant.
SCMP_FLTATR_CTL_SSB: before Linux 5.16 a filter slows all else down, where it is not set."""
_UNKNOWN = -1
"""__NR_SCMP_ERROR: a call that the library has no name for."""
_Filter = ctypes.c_void_p
_FUNCTIONS: Signatures = {
    "seccomp_init": (_Filter, (ctypes.c_uint32,)),
    "seccomp_attr_set": (ctypes.c_int, (_Filter, ctypes.c_int, ctypes.c_uint32)),
    "seccomp_syscall_resolve_name": (ctypes.c_int, (ctypes.c_char_p,)),
    "seccomp_rule_add_array": (
        ctypes.c_int,
        (_Filter, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p),
    ),
    "seccomp_load": (ctypes.c_int, (_Filter,)),
    "seccomp_release": (None, (_Filter,)),
}


def refuse_system_calls() -> bool:
    """Give up all that no decoder asks of the kernel, for ever; tell whether that could be done."""
    library = loaded("libseccomp.so.2", _FUNCTIONS)
    kept = library.seccomp_init(_ALLOW) if library else None
    if not library or not kept:
        return False
    for attribute, value in _ATTRIBUTES:
        library.seccomp_attr_set(kept, attribute, value)
    added = [_add(library, kept, call) for call in _REFUSED]
    added += [_add(library, kept, call, where) for call, where in _REFUSED_WHERE]
    refused = not library.seccomp_load(kept)
    library.seccomp_release(kept)
    return refused and all(added)


def _add(library: ctypes.CDLL, kept: int, call: str, *where: _Comparison) -> bool:
    """Refuse a call, or only where it compares so; tell whether that could be done."""
    number = library.seccomp_syscall_resolve_name(call.encode())
    if number == _UNKNOWN:
        return True
    refused = _ERROR | errno.EPERM
    compared = (_Comparison * len(where))(*where)
    return not library.seccomp_rule_add_array(kept, refused, number, len(where), compared)
