"""The tables that leave, a country a part."""
