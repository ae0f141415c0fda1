"""What compression does to what the trigger sees: whole events, every algorithm, clusters, measures, one page."""
