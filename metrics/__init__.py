"""What a reconstruction is worth: exact EMD, baselines, statistics, plots, the report."""
