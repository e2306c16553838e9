"""Values and sentences that everything above shares; no framework."""
