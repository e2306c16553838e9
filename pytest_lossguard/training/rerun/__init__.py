"""The same training once more, with one thing changed."""
