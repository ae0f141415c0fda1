"""`econ-ae export --format triton`: a model repository for NVIDIA's inference server, and how one is started here."""
