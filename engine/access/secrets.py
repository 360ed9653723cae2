"""Secrets on disk and in comparisons: files that their owner alone can read, and hashes."""

import hashlib
import os
from pathlib import Path

from engine.kernel import failpoints
from engine.kernel.anchor import sync_folder
from engine.kernel.errors import Invalid
from engine.kernel.ids import new_secret

reach = failpoints.points("secrets", "new_synced", "renamed")


def kept_secret(path: Path) -> str:
    """Read the secret in a file, and make it on the first start (mode 0600, on disk, whole, when this returns).

    Raises:
        Invalid: the file is there and empty.
    """
    if not path.exists():
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_secret() + "\n")
            file.flush()
            os.fsync(file.fileno())
        reach("new_synced")
        temporary.replace(path)
        reach("renamed")
        sync_folder(path.parent)
    secret = path.read_text().strip()
    if not secret:
        raise Invalid(f"{path} is empty; remove it, and the next start makes a new one", field=str(path))
    return secret


def fingerprint(secret: str) -> str:
    """Return a secret's SHA-256, in hex. Enough for 256 bits of chance: there is nothing to guess slowly."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
