"""Four AlexNets, written out in full. Images are (batch, channels, height, width); all return logits.

Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks (2012);
Krizhevsky: One weird trick for parallelizing convolutional neural networks (2014).
"""

from paddle import nn


class PaddedMaxPool2D(nn.MaxPool2D):
    """Max pooling padded by more than half of its window, as alexnet_lrn was published for paddle.

    torch refuses that ("pad should be at most half of effective kernel size"), paddle does it. Padding
    with minus infinity first and pooling without gives identical values.
    """


class AlexNet(nn.Layer):
    """The 2014 layout as torchvision has it, names included: its weight files load.

    ``body_classes`` keeps a last layer of so many classes and puts another one behind it.
    """

    def __init__(self, num_classes=1000, *, channels=3, dropout=0.5, body_classes=None):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2D(channels, 64, kernel_size=11, stride=4, padding=2),  # (batch, 64, 55, 55)
            nn.ReLU(),
            nn.MaxPool2D(kernel_size=3, stride=2),  # (batch, 64, 27, 27)
            nn.Conv2D(64, 192, kernel_size=5, padding=2),  # (batch, 192, 27, 27)
            nn.ReLU(),
            nn.MaxPool2D(kernel_size=3, stride=2),  # (batch, 192, 13, 13)
            nn.Conv2D(192, 384, kernel_size=3, padding=1),  # (batch, 384, 13, 13)
            nn.ReLU(),
            nn.Conv2D(384, 256, kernel_size=3, padding=1),  # (batch, 256, 13, 13)
            nn.ReLU(),
            nn.Conv2D(256, 256, kernel_size=3, padding=1),  # (batch, 256, 13, 13)
            nn.ReLU(),
            nn.MaxPool2D(kernel_size=3, stride=2),  # (batch, 256, 6, 6)
        )
        self.avgpool = nn.AdaptiveAvgPool2D((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, body_classes or num_classes),
            *([nn.Linear(body_classes, num_classes)] if body_classes else ()),
        )

    def forward(self, x):
        x = self.avgpool(self.features(x))
        return self.classifier(x.flatten(1))  # (batch, 9216) -> (batch, num_classes)


class AlexNetWide(nn.Layer):
    """The 2012 widths on one device: no groups, no response normalisation, no adaptive pool."""

    def __init__(self, num_classes=5, *, channels=3, dropout=0.5):
        super().__init__()
        self.conv1 = nn.Conv2D(channels, 96, kernel_size=11, stride=4, padding=2)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2D(kernel_size=3, stride=2)
        self.conv2 = nn.Conv2D(96, 256, kernel_size=5, padding=2)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2D(kernel_size=3, stride=2)
        self.conv3 = nn.Conv2D(256, 384, kernel_size=3, padding=1)
        self.relu3 = nn.ReLU()
        self.conv4 = nn.Conv2D(384, 384, kernel_size=3, padding=1)
        self.relu4 = nn.ReLU()
        self.conv5 = nn.Conv2D(384, 256, kernel_size=3, padding=1)
        self.relu5 = nn.ReLU()
        self.pool5 = nn.MaxPool2D(kernel_size=3, stride=2)
        self.dropout6 = nn.Dropout(dropout)
        self.fc6 = nn.Linear(256 * 6 * 6, 4096)
        self.relu6 = nn.ReLU()
        self.dropout7 = nn.Dropout(dropout)
        self.fc7 = nn.Linear(4096, 4096)
        self.relu7 = nn.ReLU()
        self.fc8 = nn.Linear(4096, num_classes)

    def forward(self, x):
        x = self.pool1(self.relu1(self.conv1(x)))  # (batch, 96, 27, 27)
        x = self.pool2(self.relu2(self.conv2(x)))  # (batch, 256, 13, 13)
        x = self.relu3(self.conv3(x))  # (batch, 384, 13, 13)
        x = self.relu4(self.conv4(x))  # (batch, 384, 13, 13)
        x = self.pool5(self.relu5(self.conv5(x)))  # (batch, 256, 6, 6)
        x = self.relu6(self.fc6(self.dropout6(x.flatten(1))))  # (batch, 4096)
        x = self.relu7(self.fc7(self.dropout7(x)))  # (batch, 4096)
        return self.fc8(x)  # (batch, num_classes)


class AlexNetLRN(nn.Layer):
    """Response normalisation over all 96 channels, before the ReLU.

    No ReLU between linear layers.
    """

    def __init__(self, num_classes=12, *, channels=3, dropout=0.5):
        super().__init__()
        self.conv1 = nn.Conv2D(channels, 96, kernel_size=11, stride=4, padding=1)
        self.norm1 = nn.LocalResponseNorm(96)
        self.relu1 = nn.ReLU()
        self.pool1 = PaddedMaxPool2D(kernel_size=3, stride=2, padding=2)
        self.conv2 = nn.Conv2D(96, 256, kernel_size=5, padding=2)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2D(kernel_size=3, stride=2)
        self.conv3 = nn.Conv2D(256, 384, kernel_size=3, padding=1)
        self.relu3 = nn.ReLU()
        self.conv4 = nn.Conv2D(384, 384, kernel_size=3, padding=1)
        self.relu4 = nn.ReLU()
        self.conv5 = nn.Conv2D(384, 256, kernel_size=3, padding=1)
        self.relu5 = nn.ReLU()
        self.pool5 = nn.MaxPool2D(kernel_size=3, stride=2)
        self.dropout6 = nn.Dropout(dropout)
        self.fc6 = nn.Linear(256 * 6 * 6, 4096)
        self.dropout7 = nn.Dropout(dropout)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, num_classes)

    def forward(self, x):
        x = self.relu1(self.norm1(self.conv1(x)))  # (batch, 96, 54, 54)
        x = self.pool1(x)  # (batch, 96, 28, 28)
        x = self.pool2(self.relu2(self.conv2(x)))  # (batch, 256, 13, 13)
        x = self.relu3(self.conv3(x))  # (batch, 384, 13, 13)
        x = self.relu4(self.conv4(x))  # (batch, 384, 13, 13)
        x = self.pool5(self.relu5(self.conv5(x)))  # (batch, 256, 6, 6)
        x = self.fc6(self.dropout6(x.flatten(1)))  # (batch, 4096)
        x = self.fc7(self.dropout7(x))  # (batch, 4096)
        return self.fc8(x)  # (batch, num_classes)


class AlexNet2012(nn.Layer):
    """The 2012 paper, section 3: two groups where it had two GPUs, response normalisation over five.

    The paper's 224 pixels give 55x55 only with padding 2; without padding, give it 227 pixels.
    Its alpha of 1e-4 multiplies a sum over the window, both frameworks' a mean: hence 5 times as much.
    """

    def __init__(self, num_classes=1000, *, channels=3, dropout=0.5, padding=2):
        super().__init__()
        self.conv1 = nn.Conv2D(channels, 96, kernel_size=11, stride=4, padding=padding)
        self.relu1 = nn.ReLU()
        self.norm1 = nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2.0)
        self.pool1 = nn.MaxPool2D(kernel_size=3, stride=2)
        self.conv2 = nn.Conv2D(96, 256, kernel_size=5, padding=2, groups=2)
        self.relu2 = nn.ReLU()
        self.norm2 = nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2.0)
        self.pool2 = nn.MaxPool2D(kernel_size=3, stride=2)
        self.conv3 = nn.Conv2D(256, 384, kernel_size=3, padding=1)
        self.relu3 = nn.ReLU()
        self.conv4 = nn.Conv2D(384, 384, kernel_size=3, padding=1, groups=2)
        self.relu4 = nn.ReLU()
        self.conv5 = nn.Conv2D(384, 256, kernel_size=3, padding=1, groups=2)
        self.relu5 = nn.ReLU()
        self.pool5 = nn.MaxPool2D(kernel_size=3, stride=2)
        self.dropout6 = nn.Dropout(dropout)
        self.fc6 = nn.Linear(256 * 6 * 6, 4096)
        self.relu6 = nn.ReLU()
        self.dropout7 = nn.Dropout(dropout)
        self.fc7 = nn.Linear(4096, 4096)
        self.relu7 = nn.ReLU()
        self.fc8 = nn.Linear(4096, num_classes)

    def forward(self, x):
        x = self.norm1(self.relu1(self.conv1(x)))  # (batch, 96, 55, 55)
        x = self.pool1(x)  # (batch, 96, 27, 27)
        x = self.norm2(self.relu2(self.conv2(x)))  # (batch, 256, 27, 27)
        x = self.pool2(x)  # (batch, 256, 13, 13)
        x = self.relu3(self.conv3(x))  # (batch, 384, 13, 13)
        x = self.relu4(self.conv4(x))  # (batch, 384, 13, 13)
        x = self.pool5(self.relu5(self.conv5(x)))  # (batch, 256, 6, 6)
        x = self.relu6(self.fc6(self.dropout6(x.flatten(1))))  # (batch, 4096)
        x = self.relu7(self.fc7(self.dropout7(x)))  # (batch, 4096)
        return self.fc8(x)  # (batch, num_classes)
