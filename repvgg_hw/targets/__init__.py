"""From a plan to sources, and the proof that these compute what the network says: one folder per target."""
