"""Which asset a name in a file means, and which file an asset is."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from cutroom_sdk.wire.media import Asset

ASSET_URL: Final = "cutroom:asset/"


class Shelf:
    """The assets that a timeline may show.

    Args:
        assets: those there are.
        named: which asset (id) a path, URL, file name or reel stands for, where the caller knows it.
    """

    def __init__(self, assets: Iterable[Asset] = (), named: Mapping[str, str] | None = None) -> None:
        self._by_id = {asset.asset_id: asset for asset in assets}
        self._named = {key.lower(): asset_id for key, asset_id in (named or {}).items()}
        self._by_path = {asset.path: asset.asset_id for asset in self._by_id.values() if asset.path}
        self._by_name: dict[str, str | None] = {}
        for asset in self._by_id.values():
            for name in {_file_name(asset.name), _stem(asset.name)}:
                # A name that two assets have says nothing.
                self._by_name[name] = None if name in self._by_name else asset.asset_id

    def asset(self, asset_id: str) -> Asset | None:
        """Return the asset of this id; None: it is not known here."""
        return self._by_id.get(asset_id)

    def url(self, asset_id: str) -> str:
        """Return the file of an asset as a URL, else one that names its id."""
        asset = self._by_id.get(asset_id)
        return file_url(asset.path) if asset is not None and asset.path else f"{ASSET_URL}{asset_id}"

    def title(self, asset_id: str) -> str:
        """Return an asset's file name, else its id."""
        asset = self._by_id.get(asset_id)
        return asset.name if asset is not None else asset_id

    def find(self, *names: str) -> str | None:
        """Return the id of the asset that the first telling one of these names means; None: none does.

        A name is an asset's URL or id, a path, a file's URL, or a file's name with or without its end.
        """
        for name in names:
            found = self._find(name) if name else None
            if found is not None:
                return found
        return None

    def _find(self, name: str) -> str | None:
        path = local_path(name)
        for one in (name, path, _file_name(path), _stem(path)):
            if one.lower() in self._named:
                return self._named[one.lower()]
        if name.startswith(ASSET_URL):
            return name.removeprefix(ASSET_URL) or None
        if name in self._by_id:
            return name
        return (
            self._by_path.get(path)
            or self._by_name.get(_file_name(path).lower())
            or self._by_name.get(_stem(path).lower())
        )


def file_url(path: str) -> str:
    """Return the URL of a file of this machine (RFC 8089)."""
    return f"file://{quote(path)}"


def local_path(url: str) -> str:
    """Return the path that a file's URL names; what is no such URL is taken for a path already."""
    if not url.lower().startswith("file:"):
        return url
    try:
        return unquote(urlsplit(url).path)
    except ValueError:
        return url


def _file_name(path: str) -> str:
    return (PureWindowsPath(path).name if "\\" in path else PurePosixPath(path).name).lower()


def _stem(path: str) -> str:
    return PurePosixPath(_file_name(path)).stem
