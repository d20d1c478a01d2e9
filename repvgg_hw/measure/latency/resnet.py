"""ResNet, to compare with where no library that has it is installed (He et al., arXiv 1512.03385, table 1).

The stride of a bottleneck is in its 3x3 convolution, as in torchvision, whose figures the RepVGG paper's are.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (64, 128, 256, 512)
DEPTHS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
}
BOTTLENECKS = {"resnet50", "resnet101"}
EXPANSION = 4  # of a bottleneck's width, at its end


class Block(nn.Module):
    """ReLU(body(x) + x); where the shape changes, x goes through a 1x1 convolution."""

    def __init__(self, c_in: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        c_out = width * EXPANSION if bottleneck else width
        if bottleneck:
            sizes = [(c_in, width, 1, 1), (width, width, 3, stride), (width, c_out, 1, 1)]
        else:
            sizes = [(c_in, width, 3, stride), (width, c_out, 3, 1)]
        layers: list[nn.Module] = []
        for size in sizes:
            layers += [*convolution(*size), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers[:-1])
        same = stride == 1 and c_in == c_out
        self.shortcut = nn.Identity() if same else nn.Sequential(*convolution(c_in, c_out, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, H / stride, W / stride)."""
        return F.relu_(self.body(x) + self.shortcut(x))


def convolution(c_in: int, c_out: int, kernel: int, stride: int) -> list[nn.Module]:
    """Without bias, and its batch normalization."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
    return [conv, nn.BatchNorm2d(c_out)]


def resnet(name: str, classes: int) -> nn.Module:
    """A network of DEPTHS with random weights, for (N, 3, H, W)."""
    bottleneck = name in BOTTLENECKS
    layers = [*convolution(3, WIDTHS[0], 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = WIDTHS[0]
    for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS[name], strict=True)):
        for block in range(depth):
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(Block(channels, width, stride, bottleneck=bottleneck))
            channels = width * EXPANSION if bottleneck else width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
