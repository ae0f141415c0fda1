"""The main job on a family of runs: data read once, members in processes, one page."""
