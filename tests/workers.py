"""What a worker process is asked to do in tests; it imports little, so that a second is time enough to begin."""

import os
import time


def hang(data):
    time.sleep(60)


def eat(data):
    return len(bytearray(8 << 30))


def all_but_one(data, wanted, bad, how):
    """What Open CASCADE would say of boxes of 1 × 2 × 3 at the origin; of the part at position `bad` it says nothing."""
    if any(one[0] == [bad] for one in wanted):
        {"abort": os.abort, "hang": lambda: hang(data), "eat": lambda: eat(data)}[how]()
    body = [6.0, [0.5, 1.0, 1.5], [[0.5, 0, 0], [0, 2.0, 0], [0, 0, 4.5]]]
    box = [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], 1e-9]
    answer = {"body": body, "area": 22.0, "errors": {"integration": [1e-9] * 5}, "boxes": [box]}
    answer |= {"splines": 0, "inverted": False, "unclosed": False}
    return {"parts": [answer] * len(wanted), "version": "7.9"}
