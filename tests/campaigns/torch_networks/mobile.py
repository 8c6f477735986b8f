from collections import OrderedDict
from torch import nn, Tensor


def conv_bn(inp, oup, stride):
    return nn.Sequential(
        nn.Conv2d(inp, oup, 3, stride, 1, bias=False),
        nn.BatchNorm2d(oup, eps=1e-3, momentum=0.01),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    def __init__(self, inp, oup, stride, expand_ratio):
        super(InvertedResidual, self).__init__()
        hidden_dim = int(round(inp * expand_ratio))
        self.use_res_connect = stride == 1 and inp == oup
        self.conv = nn.Sequential(OrderedDict([
            ("pw", nn.Conv2d(inp, hidden_dim, 1, 1, 0, bias=False)),
            ("bn1", nn.BatchNorm2d(hidden_dim)),
            ("act1", nn.ReLU6(inplace=True)),
            ("dw", nn.Conv2d(hidden_dim, hidden_dim, 3, stride, 1, groups=hidden_dim, bias=False)),
            ("bn2", nn.BatchNorm2d(hidden_dim)),
            ("act2", nn.Hardswish(inplace=True)),
            ("pwl", nn.Conv2d(hidden_dim, oup, 1, 1, 0, bias=False)),
            ("bn3", nn.BatchNorm2d(oup)),
        ]))

    def forward(self, x: Tensor) -> Tensor:
        if self.use_res_connect:
            return x + self.conv(x)
        return self.conv(x)


class MobileNet(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        blocks = [conv_bn(3, 8, 2)]
        for t, c, s in ((1, 8, 1), (4, 12, 2)):
            blocks.append(InvertedResidual(blocks and 8, c, s, t))
        self.features = nn.Sequential(*blocks)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(12, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = x.mean([2, 3])
        return self.classifier(x)


def net():
    return MobileNet()
