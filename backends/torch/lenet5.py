"""LeNet-5 in its modern form, with the layer names of LeCun et al. 1998, figure 2.

LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition (1998).
"""

from torch import nn

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
POOLS = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}


class LeNet5(nn.Module):
    """Images of 32x32 to logits. ``c5_activation=False`` leaves C5 linear, as the article did."""

    def __init__(self, num_classes=10, *, channels=3, activation="sigmoid", pool="max", c5_activation=True):
        super().__init__()
        self.c1 = nn.Conv2d(channels, 6, kernel_size=5)
        self.act1 = ACTIVATIONS[activation]()
        self.s2 = POOLS[pool](kernel_size=2, stride=2)
        self.c3 = nn.Conv2d(6, 16, kernel_size=5)
        self.act3 = ACTIVATIONS[activation]()
        self.s4 = POOLS[pool](kernel_size=2, stride=2)
        self.c5 = nn.Conv2d(16, 120, kernel_size=5)
        self.act5 = ACTIVATIONS[activation]() if c5_activation else nn.Identity()
        self.f6 = nn.Linear(120, 84)
        self.act6 = ACTIVATIONS[activation]()
        self.output = nn.Linear(84, num_classes)

    def forward(self, x):
        x = self.s2(self.act1(self.c1(x)))  # (batch, 6, 14, 14)
        x = self.s4(self.act3(self.c3(x)))  # (batch, 16, 5, 5)
        x = self.act5(self.c5(x))  # (batch, 120, 1, 1)
        x = self.act6(self.f6(x.flatten(1)))  # (batch, 84)
        return self.output(x)  # (batch, num_classes)
