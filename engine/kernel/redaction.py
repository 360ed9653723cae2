"""Takes secrets out of what is about to be kept: as they are, escaped for addresses or JSON, or in base64.

A log that is only ever added to cannot forget, so this happens before anything is appended.
"""

import base64
import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

_BITS: Final = 6  # that a character of base64 stands for
_BASE64: Final = "[A-Za-z0-9+/_-]"
_ESCAPES: Final = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_MAYBE_ESCAPED: Final = re.compile(r"[%\\+]")


class Needle:
    """One secret, in every form in which it is looked for.

    >>> needle = Needle("it's [secret]")
    >>> needle.sub("a=it%27s+[secret%5d&b", "***"), needle.sub(base64.b64encode(b"me:it's [secret]").decode(), "***")
    ('a=***&b', 'bWU6***')
    """

    def __init__(self, secret: str) -> None:
        self.length = len(secret)
        self._secret = secret
        self._cores = _in_base64(secret.encode("utf-8", "surrogatepass"))

    def sub(self, text: str, mark: str) -> str:
        """Return `text` with `mark` in place of the secret."""
        text = text.replace(self._secret, mark)
        # Escapes are rare and looking for them is slow.
        escaped = _MAYBE_ESCAPED.search(text) is not None
        if escaped or any(core in text for core, _ in self._cores):
            text = self._pattern.sub(mark, text)
        return text

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        encoded = (around.replace(" ", _escapable(core)) for core, around in self._cores)
        return re.compile("|".join((_escapable(self._secret), *encoded)))


Needles = Sequence[tuple[str, Needle]]  # with the names that are told instead


def redacted_text(text: str, needles: Needles) -> str:
    """Return a text in which each secret is its name: `[secret NAME]`."""
    for name, needle in needles:
        text = needle.sub(text, f"[secret {name}]")
    return text


def redacted(value: Any, needles: Needles) -> Any:
    """Return a value of the domain or the wire without secrets, however deep they lie; itself where there are none."""

    def text(found: str) -> str:
        return redacted_text(found, needles)

    return _walked(value, text) if needles else value


def _walked(value: Any, text: Callable[[str], str]) -> Any:
    match value:
        case str():
            return text(value)
        case bytes():
            return text(value.decode("latin-1")).encode("latin-1")
        case msgspec.Raw():
            return _raw(value, text)
        case Struct():
            fields = {name: getattr(value, name) for name in value.__struct_fields__}
            walked = {name: _walked(one, text) for name, one in fields.items()}
            changed = {name: one for name, one in walked.items() if one is not fields[name]}
            return replace(value, **changed) if changed else value
        case dict():
            return {_walked(key, text): _walked(one, text) for key, one in value.items()}
        case list() | tuple() | set() | frozenset() if not hasattr(value, "_fields"):
            return type(value)(_walked(one, text) for one in value)
        case _:
            return value


def _raw(value: msgspec.Raw, text: Callable[[str], str]) -> msgspec.Raw:
    found = bytes(value).decode()
    # Escaped as JSON has it, a mark needs no escape itself: names of secrets are letters, digits and - _.
    return msgspec.Raw(text(found).encode()) if text(found) != found else value


def _escapable(text: str) -> str:
    """Return a pattern for a text whose characters may be escaped as in an address or in JSON, each or not."""
    return "".join(map(_any_escape, text))


def _any_escape(one: str) -> str:
    """Return a pattern for a character as it is, in an address, or in JSON; escapes may be mixed.

    What no encoder escapes (RFC 3986, 2.3) stands for itself, which keeps the patterns of long secrets cheap.
    """
    if one.isascii() and (one.isalnum() or one in "-._~"):
        return re.escape(one)
    percent = "".join(f"%{byte:02x}" for byte in one.encode())
    units = one.encode("utf-16-be")
    pairs = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    forms = [re.escape(one), f"(?i:{percent})", f"(?i:{''.join(chr(92) * 2 + 'u' + pair for pair in pairs)})"]
    if one == " ":
        forms.append(r"\+")
    if one in '"\\/':
        forms.append(re.escape("\\" + one))
    if one in _ESCAPES:
        forms.append(re.escape("\\" + _ESCAPES[one]))
    return f"(?:{'|'.join(forms)})"


def _in_base64(secret: bytes) -> list[tuple[str, str]]:
    """Return the part of a secret's base64 that is the same whatever stands before and after it, for each alignment.

    With it comes a pattern in which it stands for the blank: characters that hold a bit of the secret and of its
    neighbours are matched too.
    """
    found = dict[str, str]()
    for ahead in range(3):
        start, end = 8 * ahead, 8 * (ahead + len(secret))
        lead = _BASE64 if start % _BITS else ""
        tail = f"{_BASE64}?(?:=|%3[dD]){{0,2}}" if end % _BITS else ""
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            core = encode(b"\0" * ahead + secret).decode()[-(-start // _BITS) : end // _BITS]
            found[core] = f"{lead} {tail}"
    return list(found.items())
