"""A generated design on a board: wrapper, registers, project files, drivers."""
