"""Who a bearer token belongs to. The operator's lies in the state directory, readable by its owner alone."""

import hashlib
import hmac
import os
from pathlib import Path
from typing import Final

from engine.kernel.context import DEFAULT_PARTITION, Context
from engine.kernel.errors import Invalid
from engine.kernel.ids import new_secret

OPERATOR_FILE: Final = "operator.token"


class Tokens:
    """The tokens that the daemon knows."""

    def __init__(self, operator_token: str) -> None:
        self._operator_hash = _hash(operator_token)

    @classmethod
    def open(cls, folder: Path) -> "Tokens":
        """Read the operator's token, and make it on the first start (mode 0600, there whole or not at all).

        Raises:
            Invalid: the file is there and empty.
        """
        path = folder / OPERATOR_FILE
        if not path.exists():
            temporary = path.with_suffix(".new")
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(new_secret() + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        token = path.read_text().strip()
        if not token:
            raise Invalid(
                f"{path} is empty; remove it, and the next start makes a new token", field=str(path)
            )
        return cls(token)

    def check(self, token: str) -> Context | None:
        """Return who the token belongs to, or None when nobody knows it; takes as long either way."""
        if not hmac.compare_digest(_hash(token), self._operator_hash):
            return None
        return Context(
            actor="operator", partition=DEFAULT_PARTITION, human=True, capabilities=frozenset({"*"})
        )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
