"""Typed calls, a room of the daemon each; `cutroom_sdk.client.Client` has them all."""
