"""Keeps `broken` for whoever asks for it."""

collect_ignore = ["broken"]
