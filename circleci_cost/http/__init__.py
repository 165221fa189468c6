"""What every conversation over the network needs, whoever it is with: safe addresses, a client, bounds, causes."""
