"""Writes `specs/`, OpenAPI, AsyncAPI and JSON Schemas, the types of the TypeScript SDK, and the synchronous Python client.

Made from the wire, the routes, and the asynchronous client.

python -m tools.specs
"""

import json
from pathlib import Path
from typing import Any

from tools import asyncapi, openapi, schemas, typescript, unasync
from tools.inventory import ROOT
from tools.pages import write


def files() -> dict[Path, str]:
    """Return what `specs/` is to hold: text by path."""
    documents = {"openapi": openapi.document(), "asyncapi": asyncapi.document()}
    found = {ROOT / "specs" / f"{name}.json": _text(document) for name, document in documents.items()}
    for name, document in {**schemas.of_payloads(), "events": schemas.of_events()}.items():
        found[ROOT / "specs" / "schemas" / f"{name}.json"] = _text(document)
    return found


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write(files(), within=ROOT / "specs")
    write(typescript.files(), within=typescript.FOLDER)
    write(unasync.files(), within=unasync.FOLDER)
