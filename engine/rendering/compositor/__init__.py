"""How the worker makes a picture out of a tree of nodes."""
