"""cocotb benches; each runs inside the simulator."""
