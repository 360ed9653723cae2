"""Requests that nobody would send: each gets an answer of the specification, a refusal is a problem, and nothing breaks.

Schemathesis makes them out of `specs/openapi.json`, as it says they should be and as it says they should not. What is made
on the way (missions, uploads, tokens, records) is asked for again by its id, so that requests come beyond a 404.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from cutroom_sdk.discovery import find
from cutroom_sdk.wire.problems import CODES
from engine.features import AGGREGATES
from tests.daemons import Daemon
from tests.fault.invariants import check_files, check_log

SPECIFICATION: Final = Path(__file__).resolve().parents[2] / "specs/openapi.json"
COMMIT: Final = 1_500
DEEP: Final = 200_000
STREAM: Final = "text/event-stream"

schemathesis.serializer.alias(["application/offset+octet-stream"], "application/octet-stream")


class Fuzz:
    """Sends what is generated, and keeps what was wrong with the answers."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.sent = 0
        self.statuses: Counter[int] = Counter()
        self.wrong: dict[str, str] = {}
        self._ids: defaultdict[str, list[str]] = defaultdict(list)
        self._session = requests.Session()
        self._token = token
        self._session.trust_env = False

    def send(self, case: Case[Any], choice: int) -> None:
        """Send a case, with an id that is known where `choice` says so."""
        self._aim(case, choice)
        self.sent += 1
        streams = STREAM in str(case.operation.definition.raw)
        sending = case.as_transport_kwargs(base_url=self.url)
        if choice:  # else with what Schemathesis makes of a token
            sending["headers"]["Authorization"] = f"Bearer {self._token}"
        with self._session.request(**sending, timeout=30, stream=streams, allow_redirects=False) as response:
            self.statuses[response.status_code] += 1
            if response.status_code < 400 and streams:
                return
            said = self._mistake(case, response)
        if said:
            where = f"{case.method.upper()} {case.operation.path} {response.status_code}"
            self.wrong.setdefault(f"{where}: {said[:300]}", case.as_curl_command()[:600])
        else:
            self._learn(response)

    def _mistake(self, case: Case[Any], response: requests.Response) -> str:
        if response.status_code >= 400:
            return _problem(response)
        try:
            case.validate_response(
                response, checks=[not_a_server_error, content_type_conformance, response_schema_conformance]
            )
        except FailureGroup as failures:
            return "; ".join(f"{one.title}: {one.message}" for one in failures.exceptions)
        return ""

    def _aim(self, case: Case[Any], choice: int) -> None:
        known = self._ids[case.operation.path.split("/")[2] if case.operation.path.count("/") > 1 else ""]
        for name in case.path_parameters or {}:
            if known and choice % 3:
                case.path_parameters[name] = known[choice % len(known)]

    def _learn(self, response: requests.Response) -> None:
        if response.headers.get("Content-Type") != "application/json":
            return
        room = httpx.URL(response.url).path.split("/")
        found = response.json()
        for one in found.get("items", [found]) if isinstance(found, dict) else []:
            for name, value in one.items() if isinstance(one, dict) else ():
                if (name.endswith("_id") or name == "key") and isinstance(value, str) and len(room) > 2:
                    known = self._ids[room[2]]
                    if value not in known and len(known) < 50:
                        known.append(value)


def _problem(response: requests.Response) -> str:
    """What is wrong with a refusal."""
    kind = response.headers.get("Content-Type")
    if kind != "application/problem+json":
        return f"a refusal of the type {kind}: {response.text}"
    said: dict[str, Any] = response.json()
    code = CODES.get(said["code"])
    if code is None or (code.status, code.title) != (said["status"], said["title"]):
        return f"no problem of the table: {said}"
    if said["status"] != response.status_code or response.status_code >= 500 or not said["detail"]:
        return f"{said}"
    return ""


@pytest.fixture
def fuzz(state_dir: Path, tmp_path: Path) -> Iterator[Fuzz]:
    daemon = Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(tmp_path / "media"))
    daemon.start()
    try:
        address = find(state_dir)
        assert address is not None
        yield Fuzz(address.url, address.token)
    finally:
        assert daemon.stop() == 0
    asyncio.run(_check(state_dir))


async def _check(folder: Path) -> None:
    await check_log(folder, AGGREGATES)
    check_files(folder)


@pytest.mark.parametrize(
    "count", [COMMIT, pytest.param(DEEP, marks=[pytest.mark.deep, pytest.mark.timeout(7200)])]
)
def test_whatever_is_sent_is_answered_as_specified(fuzz: Fuzz, count: int) -> None:
    schema = schemathesis.openapi.from_path(SPECIFICATION)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    strategies = [
        operation.as_strategy(generation_mode=mode)
        for operation in operations
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    ]
    # Several times around, so that what one request made is there for another; some have nothing that could be wrong.
    each, around = max(count // len(strategies) // 5, 5), 0
    while fuzz.sent < count:
        for number, strategy in enumerate(strategies):
            with contextlib.suppress(Unsatisfiable):
                _send(fuzz, strategy, each, around * len(strategies) + number)
        around += 1
    assert fuzz.sent >= count
    assert not fuzz.wrong, "\n".join(f"{what}\n    {how}" for what, how in sorted(fuzz.wrong.items())[:40])
    assert fuzz.statuses[200] + fuzz.statuses[201] > count // 10, fuzz.statuses


def _send(fuzz: Fuzz, strategy: st.SearchStrategy[Case[Any]], count: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, choice=st.integers(0, 1000))
    def sending(case: Case[Any], choice: int) -> None:
        fuzz.send(case, choice)

    sending()
