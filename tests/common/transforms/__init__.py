"""Tests of transforms, against torchvision's and paddle.vision's."""
