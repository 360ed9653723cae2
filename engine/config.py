"""Settings: a file, then the environment, then flags; each overrides the one before. Unknown names are errors.

The file is `cutroom.toml` in the state directory; the environment's names are `CUTROOM_` and the setting in capitals,
several folders joined with `:`.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.programs import AllowedCommand
from engine.kernel.errors import Invalid

FILE: Final = "cutroom.toml"
PREFIX: Final = "CUTROOM_"
# Read by the clients, by tests (engine/kernel/failpoints.py) or before there are settings; no settings of the daemon.
LISTS: Final = {
    "MEDIA_ROOTS": ":",
    "OUTBOUND_ALLOW": ",",
}  # what stands between their parts in the environment
FILE_ONLY: Final = frozenset({"COMMANDS"})
NOT_SETTINGS: Final = frozenset({"FAILPOINT", "HOME", "TOKEN", "URL"})


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The daemon's settings.

    `port` 0 takes any free one. `media_roots` are the folders beneath which footage may be given by path. `workers` 0
    means one for each core, at most four; with `reserve_worker` one more has everything loaded and waits.
    `idle_exit_s` 0 means never. `sandbox`: `auto` uses what the platform has, `none` opens media without, which must be said by
    hand. `connections` are taken at once, streams counted apart. A
    request's head must come within `request_s` seconds, and its body keep coming. `outbound_allow` are
    hosts, with or without a port, that requests may be sent to although they are not public. An approval expires
    `approval_s` seconds after it was asked for. `commands` are those that missions may run, by name; they stand in the
    file alone.
    `memory_contacts` says when mail addresses and telephone numbers are taken out of what is
    remembered: never, in the tiers that are shared, or always. `memory_model` is the folder of a sentence encoder.
    `render_encoder` encodes H.264 whatever a profile says: `cpu`, `auto` or the name of one; empty: as the profile says. So many
    renders as `render_queue` may wait for their turn. Finished segments are kept up to `render_cache_bytes`; those that were
    used least recently go first.
    `executor` says where segments are made: `local`, or `dask://HOST:PORT`, with a store that all its machines see and, off this
    machine, the PEM files of TLS (docs/scale-out.md).
    """

    host: str = "127.0.0.1"
    port: int = 7717
    media_roots: tuple[str, ...] = ("~",)
    workers: int = 0
    reserve_worker: bool = True
    idle_exit_s: int = 0
    sandbox: str = "auto"
    log_level: str = "info"
    connections: int = 1000
    request_s: int = 20
    outbound_allow: tuple[str, ...] = ()
    approval_s: int = 7 * 24 * 3600
    commands: dict[str, AllowedCommand] = {}
    memory_contacts: Literal["never", "shared", "always"] = "shared"
    memory_model: str = ""
    render_encoder: str = ""
    render_queue: int = 100
    render_cache_bytes: int = 20 << 30
    executor: str = "local"
    cluster_store: str = ""
    cluster_tls_ca: str = ""
    cluster_tls_cert: str = ""
    cluster_tls_key: str = ""


def load(folder: Path, environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Return the settings for a state directory.

    Raises:
        Invalid: a name that is no setting, or a value that does not fit; says where it was found.
    """
    merged: dict[str, Any] = {}
    _merge(merged, _from_file(folder / FILE), f"the file {folder / FILE}")
    _merge(merged, _from_environment(environment), "the environment")
    _merge(merged, {name: value for name, value in flags.items() if value is not None}, "the flags")
    settings = msgspec.convert(merged, Settings)
    _check(settings)
    return settings


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise Invalid(f"{path}: {error}", field=str(path)) from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in environment.items():
        setting = name.removeprefix(PREFIX)
        if setting == name or setting in NOT_SETTINGS:
            continue
        if setting in FILE_ONLY:
            raise Invalid(f"{setting.lower()} is set in the file {FILE} alone", field="the environment")
        mark = LISTS.get(setting)
        found[setting.lower()] = text if mark is None else tuple(one for one in text.split(mark) if one)
    return found


def _merge(into: dict[str, Any], more: Mapping[str, Any], where: str) -> None:
    """Check `more` by itself, so that a mistake is reported with its place."""
    try:
        checked = msgspec.convert(dict(more), Settings, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(
            f"{where}: {error}; the settings are {', '.join(Settings.__struct_fields__)}", field=where
        ) from error
    into.update({name: getattr(checked, name) for name in more})


def _check(settings: Settings) -> None:
    if not 0 <= settings.port <= 65535:
        raise Invalid(f"port is {settings.port}; 0 to 65535 is taken", field="port")
    for name in ("workers", "idle_exit_s", "render_cache_bytes"):
        if getattr(settings, name) < 0:
            raise Invalid(f"{name} is {getattr(settings, name)}; 0 or more is taken", field=name)
    for name in ("connections", "request_s", "approval_s", "render_queue"):
        if getattr(settings, name) < 1:
            raise Invalid(f"{name} is {getattr(settings, name)}; 1 or more is taken", field=name)
    if settings.sandbox not in ("auto", "none"):
        raise Invalid(f"sandbox is {settings.sandbox!r}; 'auto' or 'none' is taken", field="sandbox")
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise Invalid(
            f"log_level is {settings.log_level!r}; debug, info, warning or error is taken", field="log_level"
        )
    if settings.host not in ("127.0.0.1", "::1", "localhost"):
        raise Invalid(
            f"host is {settings.host!r}; only this machine's own address is served, without TLS", field="host"
        )
