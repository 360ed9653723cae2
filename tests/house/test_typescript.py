"""TypeScript knows the wire as Python does, and what is run is what is locked."""

import json
import re
import subprocess
from typing import Final

import pytest

from tests.deno import DENO, ENVIRONMENT, SDK
from tests.house.source import ROOT
from tools import inventory, typescript
from tools.pages import stale

WIRE: Final = (SDK / "src" / "wire.ts").read_text()


def test_the_types_for_typescript_are_fresh() -> None:
    assert not stale(typescript.files(), within=typescript.FOLDER), (
        "wire.ts is stale; `just specs` rewrites it"
    )


def test_every_route_and_every_payload_is_there() -> None:
    assert set(re.findall(r'^  "([A-Z]+ /.*)": \{$', WIRE, re.MULTILINE)) == {
        one.name for one in inventory.served()
    }
    payloads = {struct.__name__ for structs in inventory.payloads().values() for struct in structs}
    assert payloads <= set(re.findall(r"^export (?:interface|type) (\w+)", WIRE, re.MULTILINE))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/Mission"}, "Mission"),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "null"}]}, "number | null"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, '("a" | "b")[]'),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
            "[number, string]",
        ),
        ({"type": "object"}, "{ [name: string]: Json }"),
        ({"type": "object", "additionalProperties": {"$ref": "#/Gate"}}, "{ [name: string]: Gate }"),
        ({}, "Json"),
    ],
)
def test_a_schema_is_said_in_types(schema: dict[str, object], words: str) -> None:
    assert typescript.typed(schema) == words


def test_a_schema_that_there_are_no_words_for_is_refused() -> None:
    with pytest.raises(ValueError, match="no words"):
        typescript.typed({"type": "string", "not": {"const": ""}, "if": {}} | {"type": "date"})


def test_nothing_is_taken_from_elsewhere() -> None:
    settings = json.loads((SDK / "deno.json").read_text())
    assert "imports" not in settings
    imported = {
        name
        for file in (SDK / "src").glob("*.ts")
        for name in re.findall(r'\bfrom "([^"]+)"|\bimport\("([^"]+)"', file.read_text())
        for name in name
        if name
    }
    assert {name for name in imported if not name.startswith("./")} == set()


def test_the_deno_that_runs_is_the_locked_one() -> None:
    pinned = re.search(r"^deno==(\S+)", (ROOT / "requirements" / "dev.lock").read_text(), re.MULTILINE)
    said = subprocess.run([DENO, "--version"], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert pinned is not None
    assert said.stdout.startswith(f"deno {pinned[1]} ")


def test_the_bundler_is_locked_by_its_hash() -> None:
    locked = json.loads((SDK / "bundler.lock").read_text())["npm"]
    version = re.search(r"version=(\S+)", (ROOT / "tools" / "setup.sh").read_text().partition("bundler()")[2])
    assert version is not None
    assert set(locked) == {f"@esbuild/linux-{machine}@{version[1]}" for machine in ("arm64", "x64")}
    assert all(one["integrity"].startswith("sha512-") for one in locked.values())
