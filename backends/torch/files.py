"""Weights as this framework's own programs load them."""

import torch

from common.files import replacing


def save_weights(model, path):
    with replacing(path) as temporary:
        torch.save(model.state_dict(), str(temporary))
