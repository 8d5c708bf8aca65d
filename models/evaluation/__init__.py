"""Evaluation of held-out predictions: metrics with intervals, against baselines, by group and over time."""
