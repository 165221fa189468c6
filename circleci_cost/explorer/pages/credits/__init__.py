"""The page of the credits: how long they last, each lot, and invoices against computed costs."""
