"""Graphs of ONNX and QONNX that others wrote: read as data, nothing of them is run but arithmetic on constants."""
