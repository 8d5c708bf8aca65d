"""The same eighty features by four ways."""
