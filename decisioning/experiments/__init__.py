"""Experiments: how many observations tell an effect, and whether groups are as large as they should be."""
