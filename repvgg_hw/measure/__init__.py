"""What a network and a design are worth: accuracy, and latency beside GPUs and CPUs."""
