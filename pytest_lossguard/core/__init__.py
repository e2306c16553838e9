"""Values and texts that all other packages share; imports no framework."""
