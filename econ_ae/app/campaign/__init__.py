"""A campaign: every class of modules of a detector trained, verified and judged together, in one directory."""
