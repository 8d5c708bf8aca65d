"""The words of the product, on the standard library alone."""
