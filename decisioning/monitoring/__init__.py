"""Monitoring: whether numbers have moved by more than chance moves them."""
