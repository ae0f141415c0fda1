"""Models that others trained: read without running anything of theirs, and made runs like any other."""
