"""Judged models as MLflow runs, with everything needed to compare and to repeat them."""
