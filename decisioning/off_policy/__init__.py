"""Off-policy evaluation: what another policy would have earned, from decisions that were logged with probabilities."""
