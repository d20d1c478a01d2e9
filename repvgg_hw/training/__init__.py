"""Train re-parameterised networks, and fine-tune fused ones through the hardware's own arithmetic."""
