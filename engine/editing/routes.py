"""HTTP for editing: the target profiles and the catalogue. Plans are artifacts and are read as such."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.catalogue import CatalogueEntry, CatalogueParameter
from engine.editing.catalogue.spec import Entry, catalogue
from engine.editing.profiles import profiles
from engine.editing.values import taken
from engine.http.requests import answer, caller, kernel


async def list_profiles(request: Request) -> Response:
    """Answer all target profiles, in the order of the table; they are few and come as one page."""
    caller(request, "renders:read")
    return answer(
        {"items": list(profiles().values()), "next": None, "position": kernel(request).dispatch.head}
    )


async def list_effects(request: Request) -> Response:
    """Answer the catalogue, families in order of their names; its entries are few and come as one page."""
    caller(request, "media:read")
    entries = [_entry(entry) for entry in catalogue().values()]
    return answer({"items": entries, "next": None, "position": kernel(request).dispatch.head})


def _entry(entry: Entry) -> CatalogueEntry:
    return CatalogueEntry(
        name=entry.name,
        kind=entry.kind,
        family=entry.family,
        title=entry.title,
        summary=entry.summary,
        cost=entry.cost,
        mask=entry.mask,
        region=entry.region,
        parameters=tuple(
            CatalogueParameter(
                name=one.name,
                summary=one.summary,
                type=one.type,
                takes=taken(one),
                unit=one.unit,
                low=one.low,
                high=one.high,
                default=one.default,
                choices=one.choices,
                animated=one.animated,
            )
            for one in entry.parameters
        ),
    )


routes = [
    Route("/v1/profiles", list_profiles, methods=["GET"]),
    Route("/v1/effects", list_effects, methods=["GET"]),
]
