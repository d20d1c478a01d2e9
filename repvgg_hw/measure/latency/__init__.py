"""What a network costs on the device at hand, beside the accelerator that was planned for it.

forms          models to time: training form, fused form, the integer network
runtimes       eager, channels_last, torch.compile, CUDA graphs
baselines      other networks from timm or torchvision, and the published figures
measurement    timing with warm-up, events, rotated inputs
limits         operations and bytes of a model; what the chip can do at most
environment    device, versions, clocks
accelerator    a generated design's latency and frame rate
survey         runs it all; report and plot print it
"""
