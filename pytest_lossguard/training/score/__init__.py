"""What a model costs before and after, and the trace made of it."""
