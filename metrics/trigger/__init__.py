"""What the trigger makes of the cells of whole events: seeds, clusters, their shapes, and measures of all of it."""
