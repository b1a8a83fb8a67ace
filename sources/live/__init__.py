"""Live systems: a whole answer becomes a file for the inbox, or nothing does. docs/sources/live.md."""
