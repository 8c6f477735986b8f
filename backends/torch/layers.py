"""The layers that one of the frameworks lacks."""

from torch import nn


class PaddedMaxPool2d(nn.MaxPool2d):
    """Max pooling whose padding may exceed half of the window.

    torch refuses that ("pad should be at most half of effective kernel size"), paddle does it. Padding
    with minus infinity first and pooling then gives identical values: padding never wins.
    """

    def forward(self, x):
        left_right_top_bottom = [self.padding] * 4
        x = nn.functional.pad(x, left_right_top_bottom, value=float("-inf"))
        return nn.functional.max_pool2d(x, self.kernel_size, self.stride)
