"""Hardware generation: pure functions from an encoder model and options to texts by relative path."""
