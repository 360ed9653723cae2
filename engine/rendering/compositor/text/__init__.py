"""How words get onto a picture: fonts, shaping, lines, ink."""
