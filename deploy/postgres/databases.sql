-- Beside the decision log's: each server keeps its tables to itself. Runs once, on an empty volume.
CREATE DATABASE mlflow OWNER nbo;
CREATE DATABASE prefect OWNER nbo;
