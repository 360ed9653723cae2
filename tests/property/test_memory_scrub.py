"""Whatever a secret is wrapped in, it is not in what is kept; and what is scrubbed has nothing more to scrub."""

import base64
import json
import string
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from engine.memory.scrub import scrub
from engine.memory.scrub_rules import luhn

BASE62 = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def _of(letters: str, size: int) -> st.SearchStrategy[str]:
    return st.text(letters, min_size=size, max_size=size)


def _shaped(before: str, letters: str, size: int, after: str = "") -> st.SearchStrategy[str]:
    return _of(letters, size).map(lambda middle: f"{before}{middle}{after}")


def _carded(digits: str) -> str:
    return next(f"4{digits}{check}" for check in string.digits if luhn(f"4{digits}{check}"))


cards = _of(string.digits, 14).map(_carded)
jwts = st.tuples(_of(BASE62, 20), _of(BASE62, 30), _of(BASE62, 43)).map(
    lambda parts: f"eyJ{parts[0]}.eyJ{parts[1]}.{parts[2]}"
)
pems = _of(BASE62, 64).map(
    lambda body: f"-----BEGIN EC {'PRIVATE'} KEY-----\n{body}\n-----END EC {'PRIVATE'} KEY-----"
)
keys = st.one_of(
    _shaped("AKIA", string.ascii_uppercase + "234567", 16),
    _shaped("ghp_", BASE62, 36),
    _shaped("github_pat_", BASE62, 40),
    _shaped("glpat-", BASE62, 20),
    _shaped("xoxb-", BASE62, 24),
    _shaped("AIza", BASE62, 35),
    _shaped("sk_live_", BASE62, 24),
    _shaped("sk-ant-api03-", BASE62, 40),
    _shaped("sk-proj-", BASE62, 48),
    _shaped("npm_", BASE62, 36),
    _shaped("hf_", BASE62, 34),
    _shaped("dop_v1_", HEX, 64),
    _shaped("SG.", BASE62, 22, ".x" + "y1Z" * 14),
    _shaped("cutroom_", BASE62, 43),
)
secrets = st.one_of(keys, jwts, pems, cards)
words = st.text("abcdefghij klmnop", max_size=40)


def _base64(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


wrappings = st.sampled_from(
    [
        str,
        _base64,
        lambda secret: _base64(_base64(secret)),
        lambda secret: base64.urlsafe_b64encode(f"x-key {secret}".encode()).decode(),
        lambda secret: secret.encode().hex(),
        lambda secret: quote(f"key is {secret}", safe=""),
        lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
        lambda secret: "".join(f"\\u{ord(one):04x}" for one in secret),
        lambda secret: f"{secret[:5]}\u200b{secret[5:]}",
        lambda secret: json.dumps({"auth": {"value": secret}}),
    ]
)


@given(secrets, wrappings, words, words)
def test_a_secret_is_taken_out_whatever_it_is_wrapped_in(
    secret: str, wrap: Any, before: str, after: str
) -> None:
    wrapped = wrap(secret)
    found = scrub(f"{before} {wrapped} {after}", contacts=False)
    assert found.redactions
    assert wrapped not in found.value
    assert secret not in found.value
    again = scrub(found.value, contacts=False)
    assert (again.value, again.redactions) == (found.value, ())


def _planted(secret: str) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.just(f"see {secret} there"),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3),
            st.dictionaries(words, inner, min_size=1, max_size=3),
            st.dictionaries(st.just(f"named {secret}"), inner, min_size=1, max_size=1),
        ),
        max_leaves=6,
    )


@given(keys.flatmap(lambda secret: st.tuples(st.just(secret), _planted(secret))))
def test_a_secret_is_taken_out_however_deep_it_lies(planted: tuple[str, Any]) -> None:
    secret, value = planted
    found = scrub(value, contacts=False)
    told, before = json.dumps(found.value), json.dumps(value)
    assert secret not in told
    assert sum(one.count for one in found.redactions) == before.count(secret)


@given(st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=12), max_size=30))
def test_words_are_left_as_they_are(said: list[str]) -> None:
    text = " ".join(said)
    assert scrub(text, contacts=True).value == text


@given(st.text(max_size=300))
def test_scrubbing_takes_any_text_and_a_second_time_finds_nothing(text: str) -> None:
    once = scrub(text, contacts=True)
    assert scrub(once.value, contacts=True).value == once.value


@given(st.integers(0, 2**64), st.sampled_from(["sha256 {:064x}", "id {:020d}", "{:032x}", "at {} ms"]))
def test_hashes_and_numbers_are_no_secrets(number: int, form: str) -> None:
    text = form.format(number % 10**12 if "ms" in form else number)
    kinds = {one.kind for one in scrub(text, contacts=False).redactions}
    assert kinds <= {"card"}, "digits alone may have a card's check digit"
