"""A cell library: the Liberty file, its cells, those that the synthesis looks for, and models of them."""
