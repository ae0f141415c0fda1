"""Trigger-cell images: batches, readers, synthetic events, splits."""
