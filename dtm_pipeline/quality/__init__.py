"""Rows that can be used and rows that can't: rows and persons in = valid + rejected."""
