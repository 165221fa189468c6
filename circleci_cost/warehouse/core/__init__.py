"""What every subject of the warehouse stands on: statements, transactions, tables, shared views."""
