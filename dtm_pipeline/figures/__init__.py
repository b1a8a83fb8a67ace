"""The tables that leave, from the facts of one country: which method makes which table. Pure on frames."""
