import torch.nn as nn
import torch.nn.functional as F


class SE(nn.Module):
    def __init__(self, c, r=4):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(c, c // r, 1)
        self.fc2 = nn.Conv2d(c // r, c, 1)

    def forward(self, x):
        s = F.relu(self.fc1(self.pool(x)), inplace=True)
        return x * F.hardsigmoid(self.fc2(s), inplace=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 5, stride=2, padding=2, padding_mode="reflect")
        self.norm = nn.GroupNorm(2, 8)
        self.se = SE(8)
        self.act = nn.SiLU(inplace=True)
        self.drop = nn.Dropout2d(p=0.1)
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        x = self.act(self.norm(self.conv(x)))
        x = self.drop(self.se(x))
        x = F.leaky_relu(x, 0.2, True)
        return self.head(F.max_pool2d(x, kernel_size=x.shape[2:]).squeeze(-1).squeeze(-1))


net = Net
