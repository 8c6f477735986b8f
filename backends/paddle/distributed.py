"""Many processes that learn as one: which of them this is, and what they exchange.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/DataParallel_en.html
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/distributed/launch_en.html
"""

import os

from paddle import DataParallel, distributed

from common.runtime.distributed import Launcher

from .device import from_numpy, to_numpy, use

COMMAND = "python -m paddle.distributed.launch --nproc_per_node {} python -m backends.train ..."
VARIABLES = ("PADDLE_TRAINER_ID", "PADDLE_TRAINERS_NUM", "PADDLE_LOCAL_SIZE", "FLAGS_selected_gpus")
LAUNCHER = Launcher(COMMAND, *VARIABLES, others_ranks="WORLD_SIZE")


def launched():
    return LAUNCHER.member(os.environ)


def introduce(member, *, ports):
    os.environ.update(LAUNCHER.words(member))
    places = [f"127.0.0.1:{port}" for port in ports]
    os.environ["PADDLE_MASTER"], os.environ["PADDLE_CURRENT_ENDPOINT"] = places[0], places[member.rank]
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
