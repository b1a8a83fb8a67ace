"""Deliveries, read: typed rows and the quarantine."""
