"""Puts this folder on the import path; keeps `broken` for whoever asks for it."""

collect_ignore = ["broken"]
