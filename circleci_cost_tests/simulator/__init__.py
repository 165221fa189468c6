"""Tests of the simulator: its contract on the wire, its rows, its labelled events, its faults."""
