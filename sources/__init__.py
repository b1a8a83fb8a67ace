"""One module per kind of delivery, all of one protocol (sources.protocol)."""
