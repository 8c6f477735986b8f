import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, hidden=12, num_classes=10):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ELU(alpha=0.5), nn.MaxPool2d(2))
        self.rnn = nn.LSTM(6 * 16, hidden, num_layers=1, batch_first=True, bidirectional=True)
        self.att = nn.MultiheadAttention(2 * hidden, 2, batch_first=True)
        self.norm = nn.LayerNorm([2 * hidden])
        self.fc = nn.Linear(2 * hidden, num_classes)

    def forward(self, x):
        x = self.conv(x)
        x = x.permute(0, 2, 1, 3).flatten(2)
        h, (hn, cn) = self.rnn(x)
        a, _ = self.att(h, h, h, need_weights=False)
        x = self.norm(h + a)
        w = torch.softmax(torch.einsum("btc,bsc->bts", x, x), dim=-1)
        return self.fc(torch.bmm(w, x).mean(1))


def net():
    return Net()
