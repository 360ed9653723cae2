"""What there is to put on a timeline: effects, transitions, generators and sound effects, as data."""
