"""Weights as this framework's own programs load them."""

import paddle

from common.files import replacing


def save_weights(model, path):
    with replacing(path) as temporary:
        paddle.save(model.state_dict(), str(temporary))
