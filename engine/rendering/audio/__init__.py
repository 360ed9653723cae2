"""Sound: compiled in the parent, mixed, mastered and encoded in the worker."""
