"""What the house is kept in order with: specifications, reference pages, lists of what grew too large."""
