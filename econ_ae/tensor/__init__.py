"""Programs on float32 tensors: what decoders, and encoders in exact float arithmetic, are exported from."""
