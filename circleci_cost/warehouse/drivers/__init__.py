"""The costs and the example runs that an explanation is made from."""
