"""Misuse of every command, as classes of cases: no traceback, the right exit code, nothing half-written."""
