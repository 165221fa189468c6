"""The published figures for programs that speak the Model Context Protocol: reading only, over stdin and stdout."""
