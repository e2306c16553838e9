"""Output for readers: the failure message, the reports and the summary."""
