import torch
import torch.nn as nn


def channel_shuffle(x, groups):
    b, c, h, w = x.size()
    x = x.view(b, groups, c // groups, h, w)
    x = torch.transpose(x, 1, 2).contiguous()
    return x.view(b, -1, h, w)


class Unit(nn.Module):
    def __init__(self, c):
        super().__init__()
        half = c // 2
        self.branch = nn.Sequential(
            nn.Conv2d(half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True),
            nn.Conv2d(half, half, 3, 1, 1, groups=half, bias=False), nn.BatchNorm2d(half),
        )

    def forward(self, x):
        x1, x2 = x.chunk(2, dim=1)
        return channel_shuffle(torch.cat((x1, self.branch(x2)), 1), 2)


class Net(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2, 1)
        self.pool = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.units = nn.Sequential(*[Unit(8) for _ in range(2)])
        self.avg = nn.AvgPool2d(2, count_include_pad=False)
        self.fc = nn.Linear(8, classes)
        self.register_buffer("scale", torch.ones(1, 8, 1, 1) * 2)

    def forward(self, x):
        x = self.units(self.pool(self.conv(x))) * self.scale
        x = self.avg(x)
        x = torch.amax(x, dim=(-2, -1))
        return self.fc(x)


def net():
    return Net()
