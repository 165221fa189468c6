"""The costs and the example runs that an explanation rests on."""
