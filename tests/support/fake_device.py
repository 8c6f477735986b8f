"""An asynchronous device in simulated time: what a GPU does, without one.

The host launches work and goes on; the device works in order. Times are exact numbers, so that a
missing wait shows as a wrong figure or as the error that a real device gives.
"""

LAUNCH = 1.0  # what the host needs to hand over one piece of work


class FakeDevice:
    def __init__(self):
        self.now = 0.0  # the host's clock
        self.free_at = 0.0  # when the device will have done all that it was given

    @property
    def idle(self):
        return self.now >= self.free_at

    def launch(self, cost):
        self.now += LAUNCH
        self.free_at = max(self.now, self.free_at) + cost

    def clock(self):
        return self.now

    def synchronize(self, *_):
        self.now = max(self.now, self.free_at)

    def mark(self):
        event = FakeEvent(self)
        event.record()
        return event

    def seconds_between(self, start, end):
        return start.elapsed_time(end) / 1000


class FakeEvent:
    """An event in the device's queue, as torch.cuda.Event and paddle.device.cuda.Event are."""

    def __init__(self, device):
        self.device = device
        self.passed_at = None

    def record(self, _stream=None):
        self.passed_at = max(self.device.now, self.device.free_at)

    def elapsed_time(self, end):
        if self.device.now < end.passed_at:
            raise RuntimeError("device not ready: an event was read before the device passed it")
        return (end.passed_at - self.passed_at) * 1000


class FakeCuda:
    """What the twins use of torch.cuda and of paddle.device.cuda, on a fake device."""

    def __init__(self, device, *, events_tell_time=True, gpus=1):
        self.device, self.gpus = device, gpus
        self.peak_bytes = 0
        base = FakeEvent if events_tell_time else _EventWithoutTime
        self.Event = type(
            "Event", (base,), {"__init__": lambda event, enable_timing: base.__init__(event, device)}
        )

    def is_available(self):
        return self.gpus > 0

    def device_count(self):
        return self.gpus

    def synchronize(self, _place):
        self.device.synchronize()

    def current_stream(self, _place):
        return None

    def reset_peak_memory_stats(self, _place):
        self.peak_bytes = 0

    reset_max_memory_allocated = reset_peak_memory_stats

    def max_memory_allocated(self, _place):
        return self.peak_bytes


class _EventWithoutTime:
    """An event of paddle 2.6: it can be waited for, but tells no time."""

    def __init__(self, device):
        self.device = device

    def record(self, _stream=None):
        pass
