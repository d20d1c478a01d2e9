"""A stand-in for Yosys' Python package, by its name: for tests that are about the command around it."""
