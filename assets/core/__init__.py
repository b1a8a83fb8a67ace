"""Facts: rows with their series and place, and who leads."""
