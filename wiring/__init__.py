"""Composition: connects settings and a bank's folder with the real components."""
