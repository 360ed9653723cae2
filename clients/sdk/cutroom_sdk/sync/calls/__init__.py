# Made by `just specs` from cutroom_sdk/calls/__init__.py; change that one.
"""Typed calls, a room of the daemon each; `cutroom_sdk.sync.client.Client` has them all."""
