"""Pairs of small networks, each with something for a page to tell; written to a folder as a user's module."""

TORCH = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, factor=1.0):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 36, 8)
        self.factor = factor

    def forward(self, x):
        return self.fc(self.norm(self.conv(x)).flatten(1)) * self.factor


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4 * 36, 1)

    def forward(self, x):
        x = self.conv(x).flatten(1) ** 2
        first = self.fc(x) ** 2 + 1
        again = ((x * self.fc.weight).sum(1, keepdim=True) + self.fc.bias) ** 2 + 1 + 1e-9
        return torch.cat([first, again, first * 0, first * 0 - 1, first * 0 - 2, first * 0 - 3], 1)


def same():
    return Net()


epsilon = bright = raising = coarse = same


def large():
    return Net(1e4)


def tied():
    return Tied()
"""
PADDLE = """
import paddle
from paddle import nn


class Twin(nn.Layer):
    def __init__(self, factor=1.0, epsilon=1e-5, bright=0.0, coarse=False):
        super().__init__()
        self.conv = nn.Conv2D(3, 4, 3)
        self.norm = nn.BatchNorm2D(4, epsilon=epsilon)
        self.fc = nn.Linear(4 * 36, 8)
        self.factor, self.bright, self.coarse = factor, bright, coarse

    def forward(self, x):
        if self.coarse and x.dtype == paddle.float32:
            x = x.astype("float16").astype("float32")
        is_bright = (x.mean(axis=[1, 2, 3]) > 2).astype(x.dtype).unsqueeze(1)
        return self.fc(self.norm(self.conv(x)).flatten(1)) * self.factor + is_bright * self.bright


class Tied(nn.Layer):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2D(3, 4, 3)
        self.fc = nn.Linear(4 * 36, 1)

    def forward(self, x):
        x = self.conv(x).flatten(1) ** 2
        first = self.fc(x) ** 2 + 1
        again = ((x * self.fc.weight.t()).sum(1, keepdim=True) + self.fc.bias) ** 2 + 1 + 1e-9
        return paddle.concat([first, again, first * 0, first * 0 - 1, first * 0 - 2, first * 0 - 3], 1)


def same():
    return Twin()


def epsilon():
    return Twin(epsilon=1.001e-5)


def bright():
    return Twin(bright=1e-2)


def coarse():
    return Twin(coarse=True)


def raising():
    raise ValueError("no such twin")


def large():
    return Twin(1e4)


def tied():
    return Tied()
"""
NAMES = ("same", "epsilon", "bright", "raising", "coarse", "large", "tied")
