"""Typed rows of all sources to facts of one country: series, place, size, who leads. Pure on frames."""
