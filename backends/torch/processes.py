"""Many processes that learn as one: which of them this is, and what they exchange.

https://docs.pytorch.org/docs/stable/notes/ddp.html
https://docs.pytorch.org/docs/stable/elastic/run.html#environment-variables
"""

import os

from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from common.sharding import Member

from .device import use
from .tensors import from_numpy, to_numpy

# What the launcher tells each process.
VARIABLES = {
    "rank": "RANK",
    "ranks": "WORLD_SIZE",
    "local_ranks": "LOCAL_WORLD_SIZE",
    "gpu": "LOCAL_RANK",
}


def launched():
    return Member.told(os.environ, **VARIABLES)


def introduce(member, *, ports):
    os.environ.update(member.words(**VARIABLES))
    os.environ.update({"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(ports[0])})


def join(device):
    use(device)
    distributed.init_process_group("gloo" if device == "cpu" else "nccl")


def leave():
    distributed.destroy_process_group()


def replicate(model):
    # Every parameter is used in every step: no unused ones have to be searched.
    return DistributedDataParallel(model)


def unsynchronised(replica):
    return replica.no_sync()


def sum_over_processes(array, *, device):
    tensor = from_numpy(array, device=device, precision="fp64")
    distributed.all_reduce(tensor)
    return to_numpy(tensor)
