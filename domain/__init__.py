"""Domain types of nbo; they need only the standard library."""
