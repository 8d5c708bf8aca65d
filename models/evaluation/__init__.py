"""How good a model's judged predictions are, with intervals, against baselines, by group and over time."""
