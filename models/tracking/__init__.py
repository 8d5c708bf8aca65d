"""Tracking: evaluated models as MLflow runs, with everything needed to compare and reproduce them."""
