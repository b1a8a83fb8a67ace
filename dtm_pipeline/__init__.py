"""Turns field deliveries of displacement data into tables that can be answered for."""

__version__ = "0.1.0"
