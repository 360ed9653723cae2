"""Secrets lie in one file and nowhere else, and are taken out of what the engine appends."""

import base64
import json
import os
import stat
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from engine.kernel.context import Context, engine_context
from engine.kernel.errors import Invalid, NotFound
from engine.kernel.fold import Asked
from engine.kernel.redaction import Needle, redacted
from engine.kernel.vault import FILE, Vault
from tests.kernel_kit import ADA, Add, running

HERE, THERE = "local/dev", "acme/prod"
SECRET = 'k"ey/9+\\ö &=?'


class Told(Struct, frozen=True, kw_only=True):
    text: str
    raw: msgspec.Raw = msgspec.Raw(b"null")
    deep: dict[str, object] = {}


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text,
        urllib.parse.quote,
        lambda text: urllib.parse.quote(text, safe=""),
        lambda text: urllib.parse.quote(text, safe="").lower(),
        urllib.parse.quote_plus,
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        lambda text: urllib.parse.quote(base64.b64encode(text.encode()).decode(), safe=""),
        lambda text: base64.b64encode(b"u:" + text.encode()).decode(),
        lambda text: base64.b64encode(b"u:" + text.encode() + b" ").decode(),
        lambda text: base64.b64encode(b"me:" + text.encode() + b"++").decode(),
    ],
)
def test_a_secret_is_found_in_every_form_it_travels_in(write: "object") -> None:
    assert callable(write)
    found = Needle(SECRET).sub(f"a {write(SECRET)} b", "***")
    assert "***" in found
    assert SECRET not in found
    assert write(SECRET)[4:-4] not in found


@given(st.text(min_size=8, max_size=40), st.binary(max_size=5), st.binary(max_size=5))
def test_no_base64_of_a_text_around_a_secret_gives_it_away(secret: str, before: bytes, after: bytes) -> None:
    hidden = secret.encode("utf-8", "surrogatepass")
    around = base64.b64encode(before + hidden + after).decode()
    left = Needle(secret).sub(around, " ")
    wholly_its_own = 8 * len(hidden) // 6 - 1
    assert len(left) <= len(around) - wholly_its_own + len(" ")


def test_secrets_are_taken_out_however_deep_they_lie() -> None:
    needles = [("KEY", Needle("hunter2-hunter2"))]
    told = Told(
        text="is hunter2-hunter2!",
        raw=msgspec.Raw(b'{"a":["hunter2-hunter2"]}'),
        deep={"list": [("x", b"hunter2-hunter2")], "hunter2-hunter2": 1, "n": None},
    )
    clean = redacted(told, needles)
    assert clean.text == "is [secret KEY]!"
    assert bytes(clean.raw) == b'{"a":["[secret KEY]"]}'
    assert clean.deep == {"list": [("x", b"[secret KEY]")], "[secret KEY]": 1, "n": None}


async def test_a_value_is_kept_for_its_owner_alone_and_in_its_partition(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    await vault.keep(HERE, "KEY", "first-value")
    await vault.keep(HERE, "KEY", "second-value")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [FILE], "nothing half-written stays"
    again = Vault.open(tmp_path)
    assert again.value(HERE, "KEY") == "second-value"
    with pytest.raises(NotFound, match="no secret"):
        again.value(THERE, "KEY")
    assert again.redacted("second-value", THERE) == "second-value", "nobody finds out what others have"
    await again.drop(HERE, "KEY")
    with pytest.raises(NotFound):
        Vault.open(tmp_path).value(HERE, "KEY")
    assert vault.redacted("first-value second-value", HERE) == "[secret KEY] [secret KEY]", "both were in use"


@pytest.mark.parametrize(
    ("name", "value"), [("", "x" * 8), ("a b", "x" * 8), ("K", "xyzzy"), ("K", "x" * 4097)]
)
async def test_names_and_values_have_a_form(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        await Vault.open(tmp_path).keep(HERE, name, value)
    assert refused.value.extra["field"] in ("name", "value")
    assert value not in refused.value.detail or not value


def test_a_file_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}")
    os.chmod(tmp_path / FILE, 0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        Vault.open(tmp_path)
    os.chmod(tmp_path / FILE, 0o600)
    (tmp_path / FILE).write_text('{"secrets": 1}')
    with pytest.raises(Invalid, match="damaged"):
        Vault.open(tmp_path)


async def test_what_the_engine_proposes_is_screened_and_what_others_write_is_theirs(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    await vault.keep(HERE, "KEY", "hunter2-hunter2")
    asked = [Asked("x/1", Told(text="hunter2-hunter2"), 3)]
    (screened,) = vault.screened(asked, engine_context("outbox"))
    assert (screened.stream, screened.expected_version) == ("x/1", 3)
    assert screened.proposal == Told(text="[secret KEY]")
    assert vault.screened(asked, engine_context("outbox", partition=THERE)) == asked
    assert vault.screened(asked, Context(actor="ada")) == asked


async def test_the_write_path_screens(tmp_path: Path) -> None:
    seen = list[Context]()
    async with running(tmp_path) as kernel:

        def screen(asked: Sequence[Asked], context: Context) -> Sequence[Asked]:
            seen.append(context)
            return asked

        kernel.dispatch.screen_with(screen)
        await kernel.dispatch.propose("counter/a", Add(), ADA)
    assert seen == [ADA]
