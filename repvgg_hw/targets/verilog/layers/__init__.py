"""The proof layer by layer: each alone, on golden's input, in parallel; what is proven is kept."""
