"""What can go wrong, as one line for the person at the board."""


class DriverError(RuntimeError):
    """What is wrong, where, and what to do, in one line."""


class StuckError(DriverError):
    """The same of hardware that may still read and write its buffers: they are never given back."""
