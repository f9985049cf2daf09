"""Every error this package raises on purpose. A message says what is wrong, the evidence, what to do.

What is worth saying and is no error travels as a `Note` from where it is seen to the result's findings.
"""

from collections.abc import Mapping
from typing import Any, Self

Note = tuple[str, str, Mapping[str, Any]]  # code, message, evidence


class MassproofError(Exception):
    """Base of all errors raised on purpose; catch it to catch them all.

    kind : one stable word for machines, the `error.kind` of the JSON output
    """

    kind = "error"

    def again(self, message: str) -> Self:
        """The same error with another message, and with whatever else it says."""
        made = type(self).__new__(type(self))
        made.args = (message,)
        made.__dict__.update(self.__dict__)
        return made


class InputError(MassproofError):
    """The input cannot be opened: missing, a directory, a device, no permission."""

    kind = "unreadable"


class FormatError(MassproofError):
    """The bytes are not a well-formed file of the format they claim to be."""

    kind = "format"


class NotASolid(MassproofError):
    """The geometry does not enclose a volume, so solid properties do not exist."""

    kind = "not-a-solid"


class UnitError(MassproofError):
    """A unit is missing, unknown, or of another dimension than the one asked for."""

    kind = "unit"


class UnknownMaterial(MassproofError):
    """No material in the table has this name or alias."""

    kind = "material"


class MissingExtra(MassproofError):
    """An optional dependency is not installed; `extra` names the one to install."""

    kind = "missing-extra"

    def __init__(self, what: str, extra: str, instead: str = "") -> None:
        smaller = f", or the smaller pip install {instead}" if instead else ""
        super().__init__(f'{what} needs an optional dependency: pip install "massproof[{extra}]"{smaller}')
        self.extra = extra


class UsageError(MassproofError):
    """The arguments contradict each other or ask for something that does not exist."""

    kind = "usage"


class MissingCredential(UsageError):
    """A service wants a key or token, and the environment variables that hold one are not set."""

    kind = "missing-credential"


class Pending(MassproofError):
    """A service has not finished: its answer says so and holds no values yet; ask it again."""

    kind = "pending"


class RemoteError(MassproofError):
    """A service answered that it failed, refused, or has nothing to say about this input; or it did not answer.

    reason : one stable word: failed, cancelled, timeout (the service says so), deadline (we stopped waiting),
        unavailable (retries are used up), refused (a 4xx answer), absent, malformed, null-status, unknown-status
    """

    kind = "remote"

    def __init__(self, message: str, reason: str = "failed") -> None:
        super().__init__(message)
        self.reason = reason
