"""From a timeline to the trees of its segments, in small pure steps."""
