-- Beside the decision log's: each server keeps its tables to itself. Runs once, on an empty volume.
CREATE DATABASE mlflow OWNER nbo ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE prefect OWNER nbo ENCODING 'UTF8' TEMPLATE template0;
