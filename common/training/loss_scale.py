"""Dynamic loss scaling for float16, framework-independent: a run can be resumed on the other backend."""

import math

INITIAL, GROWTH, BACKOFF, INTERVAL = 2.0**16, 2.0, 0.5, 2000


class LossScale:
    """The factor that keeps small gradients above float16's smallest number.

    Micikevicius et al. 2018, section 3.2: an update whose gradients overflow is left out and the factor
    halved; after 2000 updates without one it is doubled. Constants of torch.amp.GradScaler and of
    paddle.amp.GradScaler. A factor that is a power of two changes no bit of a gradient that fits.
    """

    def __init__(self, *, active: bool) -> None:
        self.active = active
        self.value, self.good = (INITIAL if active else 1.0), 0

    def accepts(self, norm: float) -> bool:
        """Adapt the factor.

        Returns True if gradients of this norm are finite and can be applied.
        """
        if not self.active:
            return True
        if not math.isfinite(norm):
            self.value, self.good = self.value * BACKOFF, 0
            return False
        self.good += 1
        if self.good == INTERVAL:
            self.value, self.good = self.value * GROWTH, 0
        return True

    def state(self) -> list[float]:
        """State to save."""
        return [self.value, self.good]

    def restore(self, state: list[float]) -> None:
        """Go on from ``state``."""
        if self.active:
            self.value, self.good = float(state[0]), int(state[1])
