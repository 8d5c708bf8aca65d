"""Rollouts: how a challenger comes into charge, and how it is taken back."""
