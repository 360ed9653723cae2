"""The `deno` of the virtual environment, for tests that run TypeScript: nothing is fetched, nothing is looked up."""

import os
import sys
import sysconfig
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SDK: Final = ROOT / "clients" / "sdk-ts"
DENO: Final = str(Path(sysconfig.get_path("scripts")) / "deno")
OFFLINE: Final = ("--no-remote", "--no-npm", "--cached-only", "--no-check", "--quiet")
ENVIRONMENT: Final = {
    **os.environ,
    "DENO_DIR": str(Path(sys.prefix) / "deno"),
    "DENO_NO_UPDATE_CHECK": "1",
    "NO_COLOR": "1",
}
