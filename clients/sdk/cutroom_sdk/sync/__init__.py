"""The client and the replica for programs without an event loop: plain scripts, threads, notebooks."""
