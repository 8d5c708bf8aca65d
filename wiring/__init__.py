"""The one place where settings, a bank's folder and real parts come together."""
