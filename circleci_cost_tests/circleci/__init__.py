"""Tests of the source against the simulator, over real sockets on loopback."""
