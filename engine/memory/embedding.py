"""What texts mean, as vectors, when a local model was configured: search then also finds what has no word of the query.

A folder with `model.onnx` and `vocab.txt`, as sentence encoders of the BERT family are exported: token ids in, one vector a
token out; the text's vector is their mean, of length 1. Nothing is fetched from anywhere.
"""

import asyncio
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

from cutroom_sdk.wire.status import Feature
from engine.kernel.blobs import hash_file
from engine.kernel.errors import Invalid

MODEL: Final = "model.onnx"
VOCABULARY: Final = "vocab.txt"
TOKENS_MAX: Final = 256
WORD_MAX: Final = 100
FEATURE: Final = "memory search by meaning"
UNLOCKS: Final = "search in memory that finds what means the same in other words"
HOW: Final = (
    "set memory_model to a folder with model.onnx and vocab.txt of a BERT-like sentence encoder, such as the ONNX"
    " export of all-MiniLM-L6-v2"
)
_PIECES: Final = re.compile(r"\w+|[^\w\s]")


class WordPieces:
    """The tokens of a vocabulary: the longest piece that is in it first, as BERT has it (uncased)."""

    def __init__(self, vocabulary: list[str]) -> None:
        self._ids = {piece: number for number, piece in enumerate(vocabulary)}
        missing = [one for one in ("[UNK]", "[CLS]", "[SEP]") if one not in self._ids]
        if missing:
            raise Invalid(f"{VOCABULARY} lacks {', '.join(missing)}", field="memory_model")

    def ids(self, text: str) -> list[int]:
        """Return a text's tokens, `TOKENS_MAX` at most, between those of a beginning and an end."""
        plain = unicodedata.normalize("NFD", text.lower())
        plain = "".join(one for one in plain if unicodedata.category(one) != "Mn")
        found = [piece for word in _PIECES.findall(plain[: TOKENS_MAX * 50]) for piece in self._word(word)]
        return [self._ids["[CLS]"], *found[: TOKENS_MAX - 2], self._ids["[SEP]"]]

    def _word(self, word: str) -> list[int]:
        pieces, at = list[int](), 0
        while at < len(word) <= WORD_MAX:
            for end in range(len(word), at, -1):
                number = self._ids.get(("##" if at else "") + word[at:end])
                if number is not None:
                    pieces.append(number)
                    at = end
                    break
            else:
                return [self._ids["[UNK]"]]
        return pieces or [self._ids["[UNK]"]]


class Embedder:
    """A sentence encoder. `name` is the hash of its model: vectors of two models are never compared."""

    def __init__(self, session: Any, pieces: WordPieces, name: str) -> None:
        self._session = session
        self._inputs = {one.name for one in session.get_inputs()}
        self._pieces = pieces
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="memory-model")
        self.name = name

    @classmethod
    def open(cls, folder: Path) -> "Embedder":
        """Load the model of a folder.

        Raises:
            Invalid: a file is missing, or is no such model.
        """
        import onnxruntime  # takes a moment, and most do without

        model, vocabulary = folder / MODEL, folder / VOCABULARY
        for path in (model, vocabulary):
            if not path.is_file():
                raise Invalid(
                    f"memory_model names {folder}, and there is no {path.name} in it", field="memory_model"
                )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                model, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except (
            Exception
        ) as error:  # the runtime has errors of its own for each way in which a file is no model
            raise Invalid(f"{model} is no model: {type(error).__name__}", field="memory_model") from error
        pieces = WordPieces(vocabulary.read_text("utf-8").splitlines())
        found = cls(session, pieces, hash_file(model))
        if not {"input_ids", "attention_mask"} <= found._inputs:
            raise Invalid(
                f"{model} takes {sorted(found._inputs)}; input_ids and attention_mask are needed",
                field="memory_model",
            )
        return found

    async def vector(self, text: str) -> bytes:
        """Return what a text means: little-endian 32-bit floats, of length 1 together."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._vector, text)

    def _vector(self, text: str) -> bytes:
        ids = np.array([self._pieces.ids(text)], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        told = self._session.run(None, {name: one for name, one in given.items() if name in self._inputs})[0]
        mean = np.asarray(told, dtype=np.float64)[0].mean(axis=0)
        length = float(np.linalg.norm(mean))
        vector: bytes = (mean / length if length else mean).astype("<f4").tobytes()
        return vector


def opened(setting: str) -> tuple[Embedder | None, Feature]:
    """Return the model that a setting names, and what `/ready` says of it. A model that cannot be used is said, not hidden."""
    if not setting:
        return None, Feature(
            name=FEATURE, ok=False, detail="no local model is configured", unlocks=UNLOCKS, how=HOW
        )
    try:
        embedder = Embedder.open(Path(setting).expanduser())
    except Invalid as error:
        return None, Feature(name=FEATURE, ok=False, detail=error.detail, unlocks=UNLOCKS, how=HOW)
    return embedder, Feature(name=FEATURE, ok=True, detail=f"model {embedder.name[:12]}")
