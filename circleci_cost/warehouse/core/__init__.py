"""What all subjects of the warehouse share: statements, transactions, tables, views."""
