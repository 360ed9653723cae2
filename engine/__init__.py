"""The Cutroom daemon: one log, one write path, one stream."""

__version__ = "0.1.0"
