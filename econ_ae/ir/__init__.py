"""The executable intermediate representation: model, validation, ranges, weight image, JSON codec."""
