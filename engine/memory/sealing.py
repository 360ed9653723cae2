"""What memories say, encrypted: ciphertext in blobs, keys in the file of keys.

ChaCha20-Poly1305 (RFC 8439) under a fresh key for each content; whose memory it is is authenticated along with it, so that a
ciphertext put in another's place does not open.
"""

import hashlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from cutroom_sdk.wire.codec import decode, encode
from cutroom_sdk.wire.memory import MemoryDocument
from engine.kernel.blobs import Blobs
from engine.kernel.errors import NotFound
from engine.kernel.ids import new_key
from engine.memory.keys import Kept, Keys

NONCE: Final = 12


def associated(partition: str, memory_id: str) -> str:
    """Return what is authenticated along with a memory's content."""
    return f"cutroom memory 1 {partition} {memory_id}"


class Sealer:
    """Closes and opens what memories say."""

    def __init__(self, keys: Keys, blobs: Blobs) -> None:
        self._keys = keys
        self._blobs = blobs

    async def seal(self, partition: str, memory_id: str, document: MemoryDocument) -> str:
        """Encrypt a document and keep it and its key, durably; return the SHA-256 of the ciphertext.

        Until `settle` it counts as begun: if nothing comes to refer to it, it is gone after the next start.

        Raises:
            Unavailable: `insufficient_storage`.
        """
        key, nonce = new_key(), new_key(NONCE)
        aad = associated(partition, memory_id).encode()
        content = nonce + ChaCha20Poly1305(key).encrypt(nonce, encode(document), aad)
        content_hash = hashlib.sha256(content).hexdigest()
        await self._keys.keep(Kept(content_hash, partition, memory_id, key))
        self._blobs.put(content)
        return content_hash

    async def settle(self, content_hash: str) -> None:
        """Note that a sealed document is on record."""
        await self._keys.settle(content_hash)

    async def open(self, partition: str, memory_id: str, content_hash: str) -> MemoryDocument:
        """Return what a memory says.

        Raises:
            NotFound: `memory_unreadable`: its key or its ciphertext is gone, or is not what was sealed.
        """
        key = await self._keys.key(content_hash)
        try:
            content = self.ciphertext(content_hash)
            aad = associated(partition, memory_id).encode()
            return decode(
                ChaCha20Poly1305(key).decrypt(content[:NONCE], content[NONCE:], aad), MemoryDocument
            )
        except (FileNotFoundError, InvalidTag) as error:
            raise NotFound(
                f"the ciphertext of the memory {memory_id} is missing or damaged; put the blob {content_hash} back",
                code="memory_unreadable",
            ) from error

    def ciphertext(self, content_hash: str) -> bytes:
        """Return a sealed document as it lies there.

        Raises:
            FileNotFoundError: it is gone.
        """
        return self._blobs.read(content_hash)

    async def destroy(self, content_hash: str) -> None:
        """Be rid of a sealed document: first of its key, which erases every copy, then of the ciphertext."""
        await self._keys.drop(content_hash)
        self._blobs.remove(content_hash)
