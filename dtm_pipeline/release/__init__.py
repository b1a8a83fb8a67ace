"""Tables leave only as a release that passed its own gates."""
