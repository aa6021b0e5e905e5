"""The lake: Iceberg tables, the ledger that makes their rows visible, the quarantine. Nothing else opens Iceberg."""
