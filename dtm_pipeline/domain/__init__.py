"""Arithmetic on Polars frames. Knows nothing of files, networks or the orchestrator."""
