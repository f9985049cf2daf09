"""Slow, obvious twin of the reader of ISO 10303-21: one expression for a token, Python's own numbers."""

import re

TOKEN = re.compile(
    r"""(?P<gap>\s+|/\*.*?\*/|\\[NF]\\) | (?P<ref>\#\d+) | (?P<string>'(?:[^']|'')*') | (?P<binary>"[^"]*")
    | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?) | \.(?P<word>\w+)\. | (?P<name>[!A-Za-z_][\w-]*)
    | (?P<mark>[$*(),;=])""",
    re.DOTALL | re.VERBOSE,
)


def tokens(text):
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        at = match.end()
        if match.lastgroup != "gap":
            yield match.lastgroup, match[match.lastgroup]


def value(rest):
    """One value, and two for a name with its list: as ('LENGTH_MEASURE', [25.4])."""
    kind, text = rest.pop(0)
    if text == "(":
        found = []
        while rest[0][1] != ")":
            if rest[0][1] == ",":
                rest.pop(0)
            else:
                found.append(value(rest))
        rest.pop(0)
        return found
    if kind == "number":
        return float(text)
    if kind == "name":
        return text.upper(), value(rest)
    if kind == "word":
        return {"T": True, "F": False}.get(text.upper(), f".{text.upper()}.")
    return {"$": None, "*": ...}.get(text, text)


def instances(text):
    """What stands after the equals sign of each number, a name and a list or a list of such."""
    rest, found = list(tokens(text)), {}
    while rest:
        kind, number = rest.pop(0)
        if kind == "ref":
            rest.pop(0)
            found[int(number[1:])] = value(rest)
        while rest and rest.pop(0)[1] != ";":
            pass
    return found
