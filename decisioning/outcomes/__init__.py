"""Outcomes: what assigned customers and offers were worth, with intervals by customer."""
