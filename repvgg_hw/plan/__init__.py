"""How the accelerator is built: what every kind of it shares, and a folder for each kind."""
