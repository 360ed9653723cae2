"""Whoever may not ask learns nothing of what they sent: rights are checked ahead of the route."""

from engine.http.rights import needed_by
from tools import api, inventory


def test_every_route_that_changes_something_says_what_it_needs() -> None:
    for one in inventory.served():
        capability = api.OPERATIONS[one.name].capability
        if one.method != "GET" and capability not in (api.ANY, api.OPEN):
            assert capability in needed_by(one.endpoint), one.name
