"""A timeline played while it is made: fragmented MP4 from any position."""
