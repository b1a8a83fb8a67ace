"""The graph: each asset names its inputs and calls one function of the library."""
