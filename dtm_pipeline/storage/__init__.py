"""What lies in a home: snapshots, the ledger of deliveries, tables, state."""
