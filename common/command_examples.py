"""Examples of each command, as its --help ends with; a test reads them with the command's own parser."""

PAIR = "--torch mine:net --paddle mine:twin --input-shape 3,32,32 --num-classes 10"
EXAMPLES = {
    "common.dataset": (
        "index photos --output lists",
        "check lists/train.txt --root photos --write-clean clean.txt",
        "split photos --output lists --valid 0.2",
    ),
    "backends.convert": (
        "model.pth model.pdparams --model alexnet",
        "runs/digits model.safetensors",
        f"model.pth model.pdparams {PAIR}",
    ),
    "backends.evaluate": (
        "--backend paddle --checkpoint runs/digits --data digits",
        "--backend torch --checkpoint model.pth --model lenet5 --activation relu --data lists/test.txt",
        "--backend torch --checkpoint runs/digits --data digits --both",
    ),
    "backends.port": (
        "mine.py --output twin.py --callable net --input-shape 3,32,32 --num-classes 10",
        "mine.py --output twin.py --skip-proof",
        "mine --output twin --callable mine.models:net --input-shape 3,224,224 --num-classes 1000",
    ),
    "backends.predict": (
        "--backend torch --checkpoint runs/flowers photo.jpg",
        "--backend paddle --checkpoint runs/flowers photos --top 3 --json predictions.json",
        "--backend torch --checkpoint runs/flowers photos --grid pictures.png",
    ),
    "backends.train": (
        "--backend torch --recipe digits --output runs/digits",
        "--backend paddle --recipe flowers --data photos --output runs/flowers --resume",
        "--backend torch --recipe mnist --epochs 2 --limit 1000 --output runs/quick",
    ),
    "benchmarks.atlas": ("--only pools", "--report atlas", "--only losses --speed --report atlas"),
    "benchmarks.compare": (
        "--model alexnet --engine eager,deploy --report report",
        "--model torchvision:resnet18 --batch-size 1 --phase infer",
        PAIR,
    ),
    "benchmarks.convert": (
        f"model.pth model.pdparams {PAIR}",
        f"model.pdparams model.pth {PAIR}",
        f"model.safetensors model.pdparams {PAIR} --map names.json",
    ),
    "benchmarks.parity": (
        "--model lenet5",
        f"{PAIR} --stages forward,loss,gradients",
        "--pairs pairs.toml --images photos.txt --report page",
    ),
    "benchmarks.parity.evidence": ("lenet5", "alexnet --seeds 3", "lenet5 --seeds 1"),
    "benchmarks.parity.service": (),  # asked by pytest, and by nobody else
    "benchmarks.parity.shipped": (
        "--only resnet18",
        "--only resnet,vgg --stages forward,gradients",
        "--only squeezenet1_1 --json table.json",
    ),
    "benchmarks.report": (
        "before.json after.json",
        "result.json --output report",
        "result.json --as bencher",
    ),
    "benchmarks.run": (
        "--backend paddle --model alexnet",
        "--backend torch --model lenet5 --batch-size 1,8,32 --json result.json",
        "--backend torch --model lenet5 --against ../before",
    ),
    "benchmarks.selfcheck.crosscheck": (
        "--backend torch",
        "--backend paddle --model lenet5",
        "--backend torch --phase train",
    ),
    "benchmarks.selfcheck.data_loading": (
        "--backend paddle --data lists/train.txt",
        "--backend torch --data lists/train.txt --workers 2",
        "--backend torch --data lists/train.txt --rounds 8",
    ),
    "benchmarks.selfcheck.planted_slowdowns": (
        "--slower 15 --runs 20",
        "--slower 5 --against --backend torch",
        "--slower 15 --runs 3 --model lenet5",
    ),
    "benchmarks.selfcheck.reference_loops": (
        "--backend paddle --batch-size 32",
        "--backend torch --batch-size 32",
        "--backend torch --model lenet5",
    ),
    "benchmarks.selfcheck.repeatability": (
        "--runs 10",
        "--runs 5 --model lenet5",
        "--runs 3 --rounds 8",
    ),
    "benchmarks.selfcheck.training_loops": (
        "--backend torch --data lists/train.txt",
        "--backend paddle --data lists/train.txt",
        "--backend torch --data lists/train.txt --rounds 4",
    ),
    "benchmarks.suite": (
        "torchvision --only resnet,mobilenet --report suite",
        "pairs.toml --report suite",
        "pairs.toml --phase infer --batch-size 1 --report suite",
    ),
    "benchmarks.train": (
        "--recipe digits --output runs",
        "--recipe digits --seeds 3 --output runs",
        "--recipe digits --output runs --json result.json",
    ),
}


def examples(program: str) -> str:
    """The lines that a command's help shows; nothing for one that has none."""
    lines = [f"  python -m {program} {words}" for words in EXAMPLES.get(program, ())]
    return "\n".join(["Examples:", *lines]) if lines else ""
