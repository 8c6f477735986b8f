"""Many processes that learn as one: which of them this is, and what they exchange.

https://docs.pytorch.org/docs/stable/notes/ddp.html
https://docs.pytorch.org/docs/stable/elastic/run.html#environment-variables
"""

import os

from torch import distributed
from torch.nn.parallel import DistributedDataParallel as DataParallel

from common.runtime.distributed import Launcher

from .device import from_numpy, to_numpy, use

COMMAND = "torchrun --nproc-per-node {} -m backends.train --backend torch ..."
VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "LOCAL_RANK")
LAUNCHER = Launcher(COMMAND, *VARIABLES, others_ranks="PADDLE_TRAINERS_NUM")


def launched():
    return LAUNCHER.member(os.environ)


def introduce(member, *, ports):
    os.environ.update(LAUNCHER.words(member))
    places = [f"127.0.0.1:{port}" for port in ports]
    os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = places[0].split(":")


def join(device):
    use(device)
    distributed.init_process_group("gloo" if device == "cpu" else "nccl")


def leave():
    distributed.destroy_process_group()


def replicate(model):
    # Every parameter is used in every step: no unused ones have to be searched.
    return DataParallel(model)


def unsynchronised(replica):
    return replica.no_sync()


def sum_over_processes(array, *, device):
    tensor = from_numpy(array, device=device, precision="fp64")
    distributed.all_reduce(tensor)
    return to_numpy(tensor)
