"""The layers that one of the frameworks lacks."""

from paddle import nn


class PaddedMaxPool2D(nn.MaxPool2D):
    """Max pooling whose padding may exceed half of the window: paddle's own does it already.

    torch refuses that ("pad should be at most half of effective kernel size"); its twin of this class
    pads with minus infinity first, which gives identical values.
    """
