"""What is trained and what it is shown: the variants, RepVGG in torch, images and their preprocessing."""
