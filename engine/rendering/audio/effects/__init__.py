"""The sound effects of the catalogue, one file for each family."""
