"""A tool of somebody else's package works like any other; whatever it does instead, its run fails and the daemon goes on."""

import asyncio
import os
import select
from pathlib import Path

import pytest

from engine.kernel.clock import monotonic_s
from engine.kernel.errors import Invalid
from engine.media import sandbox
from engine.missions import types as t
from engine.programs import process
from tests.missions_kit import ADA, until
from tests.unit.programs.packages import LIMIT_S, install, room

GOOD = """
def shout(given, call):
    (call.folder / "said.txt").write_text(given["text"].upper())
    call.report(1, 2, "half")
    return {"length": len(given["text"]), "attempt": call.attempt, "loud": given["loud"]}

async def later(given, call):
    await asyncio.sleep(0)
    return None

good = Tool("Shout", shout, TEXT | {"loud": ToolArgument(type="integer", minimum=1, maximum=3, default=1)})
waits = Tool("Wait", later)
"""
BAD = """
def tool(run, **more):
    return Tool("Bad", run, TEXT, **more)

def _raise(given, call):
    print("about to")
    raise ValueError("I will not")

def _hang(given, call):
    call.report(0, 1, "for ever")
    while True:
        time.sleep(1)

def _flood(given, call):
    while True:
        print("x" * 100_000)

def _babble(given, call):
    os.write(3, b"") if False else None
    return {"text": "x" * 3_000_000}

def _garble(given, call):
    for descriptor in range(3, 200):
        try:
            os.write(descriptor, b"not json\\n")
        except OSError:
            pass
    return {}

def _die(given, call):
    os._exit(3)

def _crash(given, call):
    ctypes.string_at(0)

def _eat(given, call):
    kept = []
    while True:
        kept.append(bytearray(64 << 20))

def _litter(given, call):
    for number in range(200):
        (call.folder / str(number)).write_text("x")

def _fork(given, call):
    pid = os.fork()
    time.sleep(1000)

def _start(given, call):
    subprocess.run(["/bin/sleep", "1000"])

def _threads(given, call):
    threading.Thread(target=time.sleep, args=(1000,)).start()
    return {"left": "behind"}

raises, floods, babbles, garbles = tool(_raise), tool(_flood), tool(_babble), tool(_garble)
hangs = tool(_hang, limit_s=3.0)
dies, crashes, eats, litters = tool(_die), tool(_crash), tool(_eat), tool(_litter)
gives_no_json = tool(lambda given, call: {"it": {1, 2}})
gives_nan = tool(lambda given, call: {"it": float("nan")})
gives_a_list = tool(lambda given, call: [1])
forks, starts, threads = tool(_fork), tool(_start), tool(_threads)
"""
ENDS = {
    "raises": "ValueError: I will not",
    "hangs": "took longer than 3 s",
    "floods": "printed more than 4 MiB",
    "babbles": "said more than 1 MiB at once",
    "garbles": "no answer: b'not json",
    "dies": "ended with code 3",
    "crashes": "was ended by SIGSEGV",
    "eats": "more memory than is allowed",
    "litters": "left 200 files; 100 is the most",
    "gives_no_json": "is no JSON",
    "gives_nan": "is no JSON",
    "gives_a_list": "a list, which is no JSON object",
    "forks": "PermissionError",
    "starts": "PermissionError",
}
SPIES = """
import engine.media.sandbox

def _reach(given, call):
    found = {}
    for name, work in {
        "own state": lambda: pathlib.Path(call.folder.parents[1], "cutroom.sqlite3").read_bytes(),
        "passwords": lambda: pathlib.Path("/etc/passwd").read_text(),
        "process": lambda: pathlib.Path("/proc/self/environ").read_bytes(),
        "above": lambda: (call.folder.parent / "x").write_text("x"),
        "network": lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
        "signal": lambda: os.kill(os.getppid(), 0),
        "link": lambda: os.symlink("/etc/passwd", call.folder / "link"),
    }.items():
        try:
            work()
            found[name] = "reached"
        except PermissionError:
            found[name] = "kept out"
        except OSError as error:
            found[name] = type(error).__name__
    return found | {"environment": sorted(os.environ)}

spies = Tool("Spy", _reach)
calls = Tool("Call out", _reach, effect="external")
"""

needs_walls = pytest.mark.skipif(not sandbox.available().complete, reason="no walls on this machine")


async def test_a_tool_of_a_package_takes_reports_makes_and_leaves_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "packages", GOOD, "good", "waits")
    async with room(tmp_path, monkeypatch) as own:
        made = await own.run("good", text="quiet", loud=3)
        assert (made.status, made.reason) == ("succeeded", "")
        (file,) = made.output.pop("files")
        assert made.output == {"length": 5, "attempt": 1, "loud": 3}
        assert (file["name"], Path(file["path"]).read_text()) == ("said.txt", "QUIET")
        assert (await own.run("waits")).status == "succeeded"
        with pytest.raises(Invalid, match="<= 3"):
            own.kernel.tools.read_input("good", {"loud": 4})
        with pytest.raises(Invalid, match="unknown field `lout`"):
            own.kernel.tools.read_input("good", {"lout": 1})
        assert [(one.name, one.ok) for one in own.programs.readiness()] == [
            ("tool.good", True),
            ("tool.waits", True),
        ]
    assert not list((tmp_path / "state" / "programs").iterdir())


async def test_whatever_a_tool_does_its_run_fails_and_the_daemon_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MEMORY_MAX", 1 << 29)
    install(tmp_path / "packages", BAD + GOOD, *ENDS, "threads", "good")
    async with room(tmp_path, monkeypatch) as own:
        late = asyncio.create_task(_lateness())
        names = [name for name in ENDS if sandbox.available().complete or name not in ("forks", "starts")]
        ended = dict(zip(names, await asyncio.gather(*map(own.run, names)), strict=True))
        left = await own.run("threads")
        late.cancel()
        assert (left.status, left.output) == ("succeeded", {"left": "behind"})
        assert (await own.run("good", text="still here")).status == "succeeded"
        assert await late < 2.5, "nothing that they did held up the event loop"
    for name, attempt in ended.items():
        assert attempt.status == "failed"
        assert ENDS[name] in attempt.reason, name
    assert not list((tmp_path / "state" / "programs").iterdir())


async def _lateness() -> float:
    """Return by how much the event loop was late at worst, until cancelled; seconds."""
    worst = 0.0
    try:
        while True:
            before = monotonic_s()
            await asyncio.sleep(0)
            worst = max(worst, monotonic_s() - before)
    except asyncio.CancelledError:
        return worst


@needs_walls
async def test_it_sees_its_package_its_folder_and_nothing_of_the_studio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "packages", SPIES, "spies", "calls")
    async with room(tmp_path, monkeypatch) as own:
        seen = (await own.run("spies")).output
        assert seen.pop("environment") == [
            "HOME",
            "LC_ALL",
            "PATH",
            "PYTHONDONTWRITEBYTECODE",
            "PYTHONPATH",
            "TMPDIR",
        ]
        assert set(seen.values()) == {"kept out"}, seen
        outward = (await own.run("calls")).output
        assert outward["network"] == "ConnectionRefusedError", "an external tool reaches the network"
        assert outward["own state"] == "kept out"


async def test_a_package_that_cannot_be_loaded_is_a_line_of_ready_and_the_others_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "packages"
    install(
        packages,
        GOOD + "\nno_tool = 3\ntwice = wrong = good\n",
        "good",
        "no_tool",
        "gone",
        "Wrong=tiny:wrong",
        "command=tiny:good",
    )
    install(packages, "raise RuntimeError('half installed')", "broken", module="half")
    install(packages, GOOD, "good=twin:good", module="twin")
    async with room(tmp_path, monkeypatch) as own:
        lines = [(one.name, one.ok, one.detail) for one in own.programs.readiness()]
        why = {name: detail for name, ok, detail in lines if not ok}
        assert "half installed" in why["tool.broken"]
        assert "another tool called command" in why["tool.command"]
        assert "another tool called good" in why["tool.good"]
        assert "no attribute 'gone'" in why["tool.gone"]
        assert "is no cutroom_sdk.tooling.Tool but a int" in why["tool.no_tool"]
        assert "no name for a tool" in why["tool.Wrong"]
        assert [name for name, ok, _ in lines if ok] == ["tool.good"]
        assert all(not one.how or "start the daemon anew" in one.how for one in own.programs.readiness())
        assert (await own.run("good")).status == "succeeded"


async def test_without_a_fence_nothing_runs_unless_that_was_said_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "packages", GOOD, "good")
    none = sandbox.Walls(landlock_abi=0, seccomp=False, missing=("Landlock: not here",))
    monkeypatch.setattr(sandbox, "available", lambda: none)
    async with room(tmp_path, monkeypatch) as own:
        (line,) = own.programs.readiness()
        assert (line.ok, "Landlock: not here" in line.detail) == (False, True)
    async with room(tmp_path, monkeypatch, fenced=False) as own:
        assert (await own.run("good", text="a")).output["length"] == 1


async def test_a_canceled_run_takes_its_process_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "packages", BAD + "forever = tool(_hang, limit_s=900)", "hangs=tiny:forever")
    async with room(tmp_path, monkeypatch) as own:
        mission_id = await own.begin("hangs")

        async def at_work() -> bool:
            return bool(own.kernel.progress.standings(ADA.partition)) and len(_hosts()) == 1

        await until(own.kernel, at_work, LIMIT_S)
        process = os.pidfd_open(int(_hosts()[0]))
        try:
            await own.kernel.dispatch.propose(f"mission/{mission_id}", t.Cancel(), ADA)
            assert (await asyncio.to_thread(select.select, [process], [], [], 20))[0], "it goes on"
        finally:
            os.close(process)
    assert not list((tmp_path / "state" / "programs").iterdir())


def _hosts() -> list[str]:
    """The processes that carry tools out for this one."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [one for one in children if b"engine.programs.host" in Path(f"/proc/{one}/cmdline").read_bytes()]
