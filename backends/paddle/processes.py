"""Many processes that learn as one: which of them this is, and what they exchange.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/DataParallel_en.html
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/distributed/launch_en.html
"""

import os

from paddle import DataParallel, distributed

from common.sharding import Member

from .device import use
from .tensors import from_numpy, to_numpy

# What the launcher tells each process.
VARIABLES = {
    "rank": "PADDLE_TRAINER_ID",
    "ranks": "PADDLE_TRAINERS_NUM",
    "local_ranks": "PADDLE_LOCAL_SIZE",
    "gpu": "FLAGS_selected_gpus",
}


def launched():
    return Member.told(os.environ, **VARIABLES)


def introduce(member, *, ports):
    os.environ.update(member.words(**VARIABLES))
    places = [f"127.0.0.1:{port}" for port in ports]
    os.environ.update({"PADDLE_MASTER": places[0], "PADDLE_CURRENT_ENDPOINT": places[member.rank]})
    os.environ["PADDLE_TRAINER_ENDPOINTS"] = ",".join(places)


def join(device):
    use(device)
    # Without a word from us a GPU build would take NCCL for tensors on the CPU, too.
    os.environ["PADDLE_DISTRI_BACKEND"] = "gloo" if device == "cpu" else "nccl"
    distributed.init_parallel_env()


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
