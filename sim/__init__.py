"""Simulation: cocotb benches, the runner that parses their results, stimulus."""
