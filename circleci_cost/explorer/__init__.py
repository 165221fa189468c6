"""The cost explorer: a web page over the published tables, served on this machine. It computes no sum of its own."""
