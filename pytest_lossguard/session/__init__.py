"""One test: its trainings, their verdicts, what is run again after it."""
