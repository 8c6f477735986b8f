"""Known differences of the frameworks: rules that no twin can change, proven in the run that shows them.

A known rounding is a constant in the wrong precision; a known difference is another rule. It excuses a tensor
only if torch's numbers, recomputed with paddle's rule, agree with paddle's to the last digit.
"""

from collections.abc import Iterable
from dataclasses import dataclass

TORCH = "https://docs.pytorch.org/docs/stable/generated"
PADDLE = "https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle"


@dataclass(frozen=True, kw_only=True)
class KnownDifference:
    """One such rule: what each framework does, and where it says so."""

    torch: str
    paddle: str
    torch_source: str
    paddle_source: str

    @property
    def sentence(self) -> str:
        """Both rules in one line."""
        return f"torch {self.torch}, paddle {self.paddle}"


RUNNING_VARIANCE = "running-variance"
RMSPROP_EPSILON, ADAMAX_EPSILON = "rmsprop-epsilon", "adamax-epsilon"
CLIPPING_EPSILON = "clipping-epsilon"
SPECTRAL_ORDER, LOSS_LIMIT = "spectral-order", "loss-limit"
KNOWN_DIFFERENCES = {
    RUNNING_VARIANCE: KnownDifference(
        torch="keeps the unbiased variance (n - 1) as batch normalisation's running variance",
        paddle="keeps the biased one (n)",
        torch_source=f"{TORCH}/torch.nn.BatchNorm2d.html",
        paddle_source=f"{PADDLE}/nn/BatchNorm2D_en.html",
    ),
    RMSPROP_EPSILON: KnownDifference(
        torch="adds RMSProp's epsilon to the root and applies the rate after its momentum",
        paddle="has epsilon inside the root and the rate in the momentum",
        torch_source=f"{TORCH}/torch.optim.RMSprop.html",
        paddle_source=f"{PADDLE}/optimizer/RMSProp_en.html",
    ),
    ADAMAX_EPSILON: KnownDifference(
        torch="adds Adamax's epsilon to the gradient's size",
        paddle="adds it to the decayed maximum",
        torch_source=f"{TORCH}/torch.optim.Adamax.html",
        paddle_source=f"{PADDLE}/optimizer/Adamax_en.html",
    ),
    CLIPPING_EPSILON: KnownDifference(
        torch="clips by the norm of the gradients plus 1e-6",
        paddle="clips by the norm",
        torch_source=f"{TORCH}/torch.nn.utils.clip_grad_norm_.html",
        paddle_source=f"{PADDLE}/nn/ClipGradByGlobalNorm_en.html",
    ),
    SPECTRAL_ORDER: KnownDifference(
        torch="updates u and then v in a power iteration of parametrizations.spectral_norm",
        paddle="updates v and then u, as torch's older spectral_norm does",
        torch_source=f"{TORCH}/torch.nn.utils.parametrizations.spectral_norm.html",
        paddle_source=f"{PADDLE}/nn/utils/spectral_norm_en.html",
    ),
    LOSS_LIMIT: KnownDifference(
        torch="has no limit in cross-entropy",
        paddle="takes no logit as more than 64 below the largest on the CPU: no image loses more than 64, no "
        "class has a gradient below exp(-64)",
        torch_source=f"{TORCH}/torch.nn.CrossEntropyLoss.html",
        paddle_source="https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/paddle/phi/kernels/funcs/"
        "softmax_impl.h",
    ),
}


def join_differences(names: Iterable[str]) -> str:
    """Several known differences as one word of a report."""
    return "; ".join(names)


def split_differences(names: str | None) -> list[str]:
    """The known differences that explain a tensor, of which an optimizer's may be two."""
    return names.split("; ") if names else []
