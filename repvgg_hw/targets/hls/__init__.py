"""The HLS target: a plan as a project for the vendor's HLS tool, proven in C simulation."""
