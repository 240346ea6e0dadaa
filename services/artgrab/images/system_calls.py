"""System calls that no decoder needs, refused by the kernel (seccomp(2)) through libseccomp.

Those that lead out of the process, and those in which holes of kernels were found. A list of what
is allowed would have to follow every version of numpy, OpenCV and the C library; this one stands.
"""

import ctypes
import errno

_SOCKETS = ("socket", "socketpair")
"""Also of UDP, which Landlock does not know."""
_PROCESSES = ("clone", "clone3", "fork", "vfork", "execve", "execveat")
"""Threads are made by the same calls; decoders have one."""
_OTHERS = (
    *("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"),
)
"""Processes of the same user."""
_KERNEL = (
    *("bpf", "io_uring_setup", "perf_event_open", "userfaultfd", "add_key", "keyctl"),
    *(
        "request_key",
        "unshare",
        "setns",
        "mount",
        "fsopen",
        "open_tree",
        "move_mount",
        "modify_ldt",
    ),
    *("personality", "open_by_handle_at", "name_to_handle_at"),
)
_REFUSED = (*_SOCKETS, *_PROCESSES, *_OTHERS, *_KERNEL)

_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
"""SCMP_ACT_ALLOW and SCMP_ACT_ERRNO of seccomp.h, libseccomp 2.5."""
_KEEP_SPEED = 7
"""SCMP_FLTATR_CTL_SSB: before Linux 5.16 a filter slows all else down, where it is not set."""
_UNKNOWN = -1
"""__NR_SCMP_ERROR: a call that the library has no name for."""


def refuse_system_calls() -> bool:
    """Give up all that no decoder asks of the kernel, for ever; tell whether that could be done.

    Calls of other architectures (32 bits on 64) end the process.
    """
    library = _loaded()
    rules = library.seccomp_init(_ALLOW) if library else None
    if not library or not rules:
        return False
    library.seccomp_attr_set(rules, _KEEP_SPEED, 1)
    for name in _REFUSED:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number != _UNKNOWN:
            library.seccomp_rule_add_array(rules, _ERROR | errno.EPERM, number, 0, None)
    loaded = library.seccomp_load(rules)
    library.seccomp_release(rules)
    return bool(loaded == 0)


def _loaded() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
        library.seccomp_init.restype = ctypes.c_void_p
        library.seccomp_init.argtypes = (ctypes.c_uint32,)
        library.seccomp_attr_set.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32)
        library.seccomp_rule_add_array.argtypes = (
            *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p),
        )
        library.seccomp_load.argtypes = (ctypes.c_void_p,)
        library.seccomp_release.argtypes = (ctypes.c_void_p,)
        library.seccomp_release.restype = None
    except (OSError, AttributeError):  # not Linux, or not installed
        return None
    return library
