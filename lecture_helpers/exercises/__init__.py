"""Checks of exercises, one module per lecture."""
