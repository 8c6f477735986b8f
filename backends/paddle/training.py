"""Loss and gradients of a batch."""

import paddle


def compute_loss(model, images, labels, *, label_smoothing=0.0):
    logits = model(images)
    smoothing = {"label_smoothing": label_smoothing} if label_smoothing else {}  # not known to paddle 2.6
    return logits, paddle.nn.functional.cross_entropy(logits, labels, **smoothing)


def backward(loss, *, scale=1.0):
    (loss if scale == 1 else loss * scale).backward()
