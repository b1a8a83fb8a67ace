"""Invented deliveries that look like real ones where it matters, at any size, from a seed."""
