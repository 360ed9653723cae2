"""Lists of which the caller wants a part: read on until there are as many as were asked for."""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from engine.http.requests import LIMIT_DEFAULT, LIMIT_MAX, answer, kernel, query_integer
from engine.kernel.context import Context
from engine.kernel.resources import Record


async def selection(
    request: Request,
    prefix: str,
    context: Context,
    *,
    wanted: Callable[[Record], bool],
    among: Callable[[str], bool] | None = None,
) -> Response:
    """Answer `{items, next, position}` of the resources under `prefix` that are `wanted`, sorted by key.

    `among(key)` says which keys are looked at in the first place. `position` is that of the first page read, so a watch
    from there misses nothing, but may tell again what the list has already.
    """
    limit = query_integer(request, "limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    cursor, items = request.query_params.get("cursor", ""), list[Any]()
    position: int | None = None
    while True:
        page = await kernel(request).resources.page(
            prefix, context.partition, cursor=cursor, limit=LIMIT_MAX, visible=among
        )
        position = page.position if position is None else position
        for record in page.items:
            if wanted(record):
                if len(items) == limit:
                    return answer({"items": items, "next": cursor, "position": position})
                items.append(msgspec.Raw(record.value))
            cursor = record.key
        if page.next is None:
            return answer({"items": items, "next": None, "position": position})
