"""A daemon that ends while a command waits for it: started again after a while, whoever had started it."""

from collections.abc import Callable
from typing import Final

from clients.cli.daemon import Started
from clients.cli.options import CommandError, Setup
from clients.clock import monotonic_s
from cutroom_sdk.client import Client
from cutroom_sdk.replica import Replica
from cutroom_sdk.wire.problems import UNAVAILABLE

LOST_S: Final = 120.0
RESTART_AFTER_S: Final = 3.0
# A daemon that somebody else has started is given time to be started by them again.
OTHERS_RESTART_AFTER_S: Final = 8.0
RESTARTS_MAX: Final = 3


class Revival:
    """Watches over the connection of one command that waits; `pause` is called before it says something."""

    def __init__(
        self,
        setup: Setup,
        client: Client,
        replica: Replica,
        started: Started | None,
        pause: Callable[[], None] | None = None,
    ) -> None:
        self._setup, self._client, self._replica, self._started = setup, client, replica, started
        self._pause = pause
        self._lost_s: float | None = None
        self._restarts = 0

    async def trouble(self) -> str:
        """Return what is wrong with the connection, empty when nothing is; starts a daemon again that has ended.

        Raises:
            CommandError: the daemon is gone and does not come back.
        """
        if self._replica.connection == "live":
            self._lost_s = None
            return ""
        now_s = monotonic_s()
        self._lost_s = self._lost_s or now_s
        lost_s = now_s - self._lost_s
        if lost_s > LOST_S:
            raise CommandError(
                f"the daemon is gone: {self._replica.reason}; start it, and the same command goes on",
                UNAVAILABLE,
            )
        # Asked first: a process of ours that has ended counts as there until somebody has asked for its end.
        ended = self._started is None or self._started.gone()
        patience_s = OTHERS_RESTART_AFTER_S if self._started is None else RESTART_AFTER_S
        if ended and lost_s > patience_s and not self._setup.remote and self._setup.locate() is None:
            await self._restart()
        return f"the daemon is lost ({self._replica.reason}); trying again"

    async def _restart(self) -> None:
        if self._started is not None and self._restarts == RESTARTS_MAX:
            raise CommandError(
                f"the daemon ended {RESTARTS_MAX + 1} times: {self._started.last_words()}", UNAVAILABLE
            )
        self._restarts += 1
        if self._pause is not None:
            self._pause()
        self._setup.talk().print("[yellow]the daemon ended unexpectedly; it is started again and goes on[/]")
        if self._started is None:
            self._started = Started(self._setup.folder)
        else:
            self._started.restart()
        await self._started.wait(self._client)
