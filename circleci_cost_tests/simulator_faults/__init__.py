"""What the simulator can be told to do wrong: other answers, damaged files, broken connections.

When a fault is injected, and how often, is `circleci_cost.simulator.faults`'.
"""
