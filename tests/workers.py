"""What a worker process is asked to do in tests; it imports little, so that a second is time enough to begin."""

import ctypes
import os
import signal
import socket
import sys
import time
from pathlib import Path

from massproof.errors import UnitError


def hang(data):
    time.sleep(60)


def eat(data):
    return len(bytearray(8 << 30))


def size(data, times=1):
    return {"size": len(data) * times, "pid": os.getpid()}


def doubled(data):
    return {"size": len(data)}, bytes(data) * 2


def refuse(data):
    msg = f"no unit in {len(data)} bytes"
    raise UnitError(msg)


def fail(data):
    return {}[data]


def crash(data):
    ctypes.string_at(0)


def abort(data):
    os.abort()


def leave(data):
    os._exit(3)


def spin(data):
    while True:
        pass


def swell(data):
    """All the memory there is, until the process is killed."""
    held = []
    try:
        while True:
            held.append(b"x" * (1 << 24))
    except MemoryError:
        os.abort()


def chatter(data):
    sys.stdout.write("noise")
    sys.stdout.flush()
    os.write(1, b"more of it")
    return "quiet"


def flood(data):
    return "x" * ((1 << 26) + 1)


def babble(data):
    """Neither JSON nor any message, on whatever is open."""
    for channel in range(3, 32):
        try:
            os.write(channel, b"\x02" + bytes(15) + b"{]")
        except OSError:
            continue


def unsayable(data):
    return {1, 2}


def spill(data):
    """A file that has no name, and so is not denied."""
    channel = os.memfd_create("spill")
    for _ in range(80):
        os.write(channel, bytes(1 << 20))
    return "written"


def spill_hard(data):
    """The same, and the signal kills."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    return spill(data)


def write(data, path):
    Path(path).write_bytes(bytes(data))


def look(data, path="/etc/passwd"):
    return len(Path(path).read_bytes())


def connect(data, port):
    with socket.create_connection(("127.0.0.1", port), 2) as line:
        return line.getpeername()[1]


def start(data, path):
    os.execv(path, [path])


def strike(data, victim):
    os.kill(victim, 0)


def state(data):
    """What a process is confined to."""
    again = os.dup(0)
    return {"first": again, "group": os.getpgid(0) == os.getpid(), "pid": os.getpid(), "parent": os.getppid()}


def leave_child(data):
    """Answer, and leave a process behind that holds what was open."""
    pid = os.fork()
    if not pid:
        time.sleep(60)
        os._exit(0)
    return pid


def all_but_one(data, wanted, bad, how):
    """What Open CASCADE would say of boxes of 1 × 2 × 3 at the origin; of the part at position `bad` it says nothing."""
    if any(one[0] == [bad] for one in wanted):
        {"abort": os.abort, "hang": lambda: hang(data), "eat": lambda: eat(data)}[how]()
    body = [6.0, [0.5, 1.0, 1.5], [[0.5, 0, 0], [0, 2.0, 0], [0, 0, 4.5]]]
    box = [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], 1e-9]
    answer = {"body": body, "area": 22.0, "errors": {"integration": [1e-9] * 5}, "boxes": [box]}
    answer |= {"splines": 0, "inverted": False, "unclosed": False}
    return {"parts": [answer] * len(wanted), "version": "7.9"}
