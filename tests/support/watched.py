"""What a command, and all that it starts, writes and whom it asks: as the kernel sees it, whatever library does it.

A filter of seccomp tells us of each such call before it is made, and lets it pass. That takes no tracer and no rights,
but Linux 5.9 or newer; elsewhere `watch` raises OSError. As a script, what becomes the command once it is filtered.
"""

import ctypes
import ipaddress
import os
import platform
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path
from typing import NamedTuple

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
NAME_SERVER = 53
RESOLVER = "io.systemd.Resolve"
WORKING_FOLDER = -100  # AT_FDCWD
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


class Call(NamedTuple):
    """A system call: its number here, None where there is none, and where its arguments are.

    `paths`: pairs of a folder's descriptor, None for the working folder, and a path. `flags`: of opening, in place or,
    with `behind`, at an address. `address`: of a socket; `message`: of a header that holds one.
    """

    x86_64: int
    aarch64: int | None
    paths: tuple[tuple[int | None, int], ...] = ()
    flags: int | None = None
    behind: bool = False
    address: int | None = None
    message: bool = False


CALLS = {
    "open": Call(2, None, ((None, 0),), flags=1),
    "openat": Call(257, 56, ((0, 1),), flags=2),
    "openat2": Call(437, 437, ((0, 1),), flags=2, behind=True),
    "creat": Call(85, None, ((None, 0),)),
    "truncate": Call(76, 45, ((None, 0),)),
    "mkdir": Call(83, None, ((None, 0),)),
    "mkdirat": Call(258, 34, ((0, 1),)),
    "mknod": Call(133, None, ((None, 0),)),
    "mknodat": Call(259, 33, ((0, 1),)),
    "rename": Call(82, None, ((None, 0), (None, 1))),
    "renameat": Call(264, 38, ((0, 1), (2, 3))),
    "renameat2": Call(316, 276, ((0, 1), (2, 3))),
    "link": Call(86, None, ((None, 1),)),
    "linkat": Call(265, 37, ((2, 3),)),
    "symlink": Call(88, None, ((None, 1),)),
    "symlinkat": Call(266, 36, ((1, 2),)),
    "unlink": Call(87, None, ((None, 0),)),
    "unlinkat": Call(263, 35, ((0, 1),)),
    "rmdir": Call(84, None, ((None, 0),)),
    "chmod": Call(90, None, ((None, 0),)),
    "fchmodat": Call(268, 53, ((0, 1),)),
    "utimensat": Call(280, 88, ((0, 1),)),
    "bind": Call(49, 200, address=1),
    "connect": Call(42, 203, address=1),
    "sendto": Call(44, 206, address=4),
    "sendmsg": Call(46, 211, message=True),
    "sendmmsg": Call(307, 269, message=True),
}


@dataclass
class Seen:
    """What was written, as absolute paths, and whom somebody asked beyond this machine, or for a name."""

    code: int = 0
    output: str = ""
    written: set[Path] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)

    def outside(self, *folders: Path) -> list[str]:
        """Return what was written and lies in none of these, nor is bytecode or a device."""
        inside = (Path("/dev"), Path("/proc"), *(folder.resolve() for folder in folders))
        left = (path for path in self.written if "__pycache__" not in path.parts)
        return sorted(str(path) for path in left if not any(path.is_relative_to(folder) for folder in inside))


def watch(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], seconds: float = 600.0) -> Seen:
    """Run a command to its end, and return what was seen of it and of all that it started.

    Raises
    ------
    OSError if this kernel tells nothing.
    """
    with Watched(argv, cwd=cwd, env=env) as command:
        command.wait(seconds)
    return command.seen


class Watched:
    """A command that runs while the block does, and is ended with it."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self.seen = Seen()
        told, tell = os.pipe()
        wait, go = os.pipe()
        start = [sys.executable, __file__, str(tell), str(wait), *argv]
        self.process = subprocess.Popen(
            start,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=(tell, wait),
        )
        for end in (tell, wait):
            os.close(end)
        listener = int(os.read(told, 20) or b"-1")
        if listener < 0:
            os.close(go)
            raise OSError(f"the kernel does not tell of calls: {self.process.communicate()[0]}")
        self._listener = _taken(self.process.pid, listener)
        os.write(go, b".")
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def wait(self, seconds: float = 600.0) -> None:
        """Wait until the command has ended, and all that it started with it."""
        self.seen.output = self.process.communicate(timeout=seconds)[0]
        self.seen.code = self.process.returncode
        self._listening.join(seconds)
        assert not self._listening.is_alive(), "something that the command started goes on"

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.wait()

    def _listen(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while poll.poll()[0][1] & select.POLLIN:
            notice = bytearray(80)
            try:
                ioctl(self._listener, 0xC0502100, notice)  # SECCOMP_IOCTL_NOTIF_RECV
            except (FileNotFoundError, InterruptedError):  # whoever called is gone
                continue
            (
                identity,
                pid,
                _,
                number,
                *_,
            ) = struct.unpack_from("QIIi", notice)
            with suppress(OSError):  # whoever called is gone meanwhile
                self._note(pid, number, struct.unpack_from("6Q", notice, 32))
            answer = struct.pack("QqiI", identity, 0, 0, 1)  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
            with suppress(FileNotFoundError):
                ioctl(self._listener, 0xC0182101, answer)  # SECCOMP_IOCTL_NOTIF_SEND

    def _note(self, pid: int, number: int, arguments: tuple[int, ...]) -> None:
        name, call = next((name, call) for name, call in CALLS.items() if _number(call) == number)
        if call.behind and call.flags and not struct.unpack("Q", _memory(pid, arguments[call.flags], 8))[0] & WRITING:
            return
        for folder, path in call.paths:
            found = _path(pid, None if folder is None else arguments[folder], arguments[path])
            if not (name.startswith("mkdir") and found.exists()):
                self.seen.written.add(found)
        at = arguments[call.address] if call.address is not None else 0
        length = arguments[call.address + 1] if call.address is not None else 0
        if call.message:
            at, length = struct.unpack("QI", _memory(pid, arguments[1], 12))
        if at:
            self._note_address(pid, name, _memory(pid, at, min(length, 128)))

    def _note_address(self, pid: int, name: str, address: bytes) -> None:
        (family,) = struct.unpack_from("H", address)
        if family == socket.AF_UNIX and address[2:3] not in (b"", b"\0"):
            path = os.fsdecode(address[2:].partition(b"\0")[0])
            if name == "bind":
                self.seen.written.add(_below(pid, None, path))
            elif RESOLVER in path:
                self.seen.asked.add(path)
        elif family in (socket.AF_INET, socket.AF_INET6) and name != "bind":
            (port,) = struct.unpack_from("!H", address, 2)
            host = ipaddress.ip_address(address[4:8] if family == socket.AF_INET else address[8:24])
            if port == NAME_SERVER or not host.is_loopback:
                self.seen.asked.add(f"{host} port {port}")


def _number(call: Call) -> int | None:
    number: int | None = getattr(call, platform.machine())
    return number


def _memory(pid: int, at: int, length: int) -> bytes:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(at)
        return memory.read(length)


def _path(pid: int, folder: int | None, at: int) -> Path:
    content = b""
    while b"\0" not in content and len(content) < 4096:  # not beyond the page: the next one may not be there
        begin = at + len(content)
        content += _memory(pid, begin, 4096 - begin % 4096)
    return _below(pid, folder, os.fsdecode(content.partition(b"\0")[0]))


def _below(pid: int, folder: int | None, path: str) -> Path:
    """Return where a path of a process leads, its own name not followed."""
    number = None if folder is None else ctypes.c_int32(folder & 0xFFFFFFFF).value
    link = Path(f"/proc/{pid}", "cwd" if number in (None, WORKING_FOLDER) else f"fd/{number}")
    whole = Path(path) if path.startswith("/") else link.readlink() / path
    return whole.parent.resolve() / whole.name if whole.name not in ("", "..") else whole.resolve()


def _taken(pid: int, descriptor: int) -> int:
    """Return a descriptor of another process as one of ours."""
    taken = ctypes.CDLL(None, use_errno=True).syscall(438, os.pidfd_open(pid), descriptor, 0)  # pidfd_getfd
    if taken < 0:
        raise OSError(ctypes.get_errno(), "the kernel does not hand over what it tells of calls")
    return int(taken)


def _filter() -> bytes:
    """Return the program that the kernel runs for each call: the number, then for some an argument."""

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    load, equal, any_of, end = 0x20, 0x15, 0x45, 0x06
    passes, tells = step(end, 0x7FFF0000), step(end, 0x7FC00000)
    steps = [step(load, 4), step(equal, ARCHITECTURES[platform.machine()], 1), passes]
    for call in CALLS.values():
        number = _number(call)
        if number is None:
            continue
        test = [tells]
        if call.flags is not None and not call.behind:
            test = [step(load, 16 + 8 * call.flags), step(any_of, WRITING, 0, 1), tells, passes]
        elif call.address == 4:  # without an address it goes where the socket is connected to
            test = [step(load, 16 + 8 * call.address), step(equal, 0, 1, 0), tells, passes]
        steps += [step(load, 0), step(equal, number, 0, len(test)), *test]
    return b"".join([*steps, passes])


def _become(tell: int, wait: int, argv: list[str]) -> None:
    """Filter this process, wait until somebody listens, and become the command."""
    program = _filter()
    code = ctypes.create_string_buffer(program, len(program))
    described = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code)), 16)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, which a filter of one without rights needs
    number = {"x86_64": 317, "aarch64": 277}[platform.machine()]
    listener = libc.syscall(number, 1, 8, ctypes.byref(described))  # SECCOMP_FILTER_FLAG_NEW_LISTENER
    if listener < 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    os.write(tell, str(listener).encode())
    if os.read(wait, 1):
        os.execvp(argv[0], argv)


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
