"""The ledger of prepaid credits and its outlook, made from daily costs, and read."""
