"""A single test: its trainings, their verdicts, and the re-runs after it."""
