import torch
from torch import nn
import torch.nn.functional as F


class DoubleConv(nn.Sequential):
    def __init__(self, cin, cout):
        super().__init__(
            nn.Conv2d(cin, cout, 3, padding="same", bias=False), nn.InstanceNorm2d(cout, affine=True), nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(cout, cout, 3, padding=1), nn.PReLU(cout),
        )


class UNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.d1, self.d2 = DoubleConv(3, 4), DoubleConv(4, 8)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.u1 = DoubleConv(8, 4)
        self.out = nn.Conv2d(4, num_classes, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        u = self.up(b)
        dy = a.size()[2] - u.size()[2]
        dx = a.size(3) - u.size(3)
        u = F.pad(u, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        u = self.u1(torch.cat([a, u], dim=1))
        small = F.interpolate(u, scale_factor=0.5, mode="bilinear", align_corners=False)
        return self.out(F.interpolate(small, size=x.shape[-2:], mode="nearest")).mean(dim=(2, 3))


def net():
    return UNet()
