import os

# before anything imports MLflow, which looks at both; nbo sets them for its users in nbo.environment
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
