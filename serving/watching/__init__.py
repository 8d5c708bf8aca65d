"""Watching: readings of what may go wrong, and who is told."""
