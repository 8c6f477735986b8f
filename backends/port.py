"""A paddle twin of a torch network's source, and proof of it.

    python -m backends.port mine.py --output twin.py --callable net --input-shape 3,32,32 --num-classes 10

PaConvert, PaddlePaddle's own converter, translates; what it leaves wrong is mended where that is certain, and
listed where it is not. Then both are built, given equal weights and compared in float64. A folder is a
package: --callable MODULE:NAME.
"""

import argparse
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from backends import interpreter
from backends.porting import converter
from backends.porting.hints import hint_lines
from backends.porting.mending import Remark, bare_imports, called, mend, renamed_package
from backends.porting.proof import prove
from backends.porting.signatures import Signature, signatures
from common import cli
from common.cli import UnavailableError, UsageError
from common.files import write_text
from common.flag_values import positive, shape

PROGRAM = "backends.port"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    source, target = options.source, options.output
    sources = _sources(options)
    try:
        converter.convert(source, target)
        files = _twin_files(source, target)
        left = _mend_all(files, package=(source.stem, target.stem) if source.is_dir() else None)
    except BaseException:  # half a twin would be taken for one, and be in the way of the next try
        shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        raise
    print(f"Written: {target}; {len(left)} places left to you")
    if options.skip_proof:  # the proof has them itself
        print(*hint_lines(path.read_text(encoding="utf-8") for path in files.values()), sep="\n")
        return cli.DONE
    size = {name: getattr(options, name) for name in ("input_shape", "num_classes", "batch_size")}
    folder = source.absolute().parent
    try:
        proof = prove(sources, folder=folder, files=files, stages=options.stages, **size)
    except (UsageError, UnavailableError) as error:
        again = _command("parity", sources, options)
        raise type(error)(f"{error}; the twin is written, and compared again by: {again}") from None
    print(f"\n{proof.text}\n")
    if proof.verdict == "pass":
        print(f"Compare them: {_command('compare', sources, options)}")
        return cli.DONE
    where = f" at {proof.place}" if proof.place else ""
    cli.complain(PROGRAM, f"the twin does not compute the same: {proof.verdict}{where}")
    return cli.FAILED


def _command(name: str, sources: dict[str, str], options: argparse.Namespace) -> str:
    """The line that repeats the comparison, or times both."""
    command = ["side-by-side", name, *(f"--{side}={source}" for side, source in sources.items())]
    command += [f"--input-shape={','.join(map(str, options.input_shape))}"]
    command += [f"--num-classes={options.num_classes}", f"--batch-size={options.batch_size}"]
    folder = options.source.absolute().parent
    there = "" if folder == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    return there + shlex.join(command)


def _mend_all(files: dict[Path, Path], *, package: tuple[str, str] | None) -> list[Remark]:
    """Mend every file of the twin; returns what is left, once all of it is printed.

    ``package`` is the source's name and the twin's, for imports of it.
    """
    texts = {file: converter.untranslated(file) for file in files}
    for file, (text, _) in texts.items():
        _require_python(file, text)
    known = _known({name for text, _ in texts.values() for name in called(text)})
    left = []
    for file, (text, marked) in texts.items():
        mended, remarks = mend(renamed_package(text, *package) if package else text, known)
        write_text(file, mended)
        remarks += bare_imports(text, package[0]) if package else []
        for one in marked:
            remarks.append(Remark(line=one.line, text=f"not translated: {one.text}", is_mended=False))
        for remark in remarks:
            print(f"{file}:{remark.line}: {'mended' if remark.is_mended else 'left'}: {remark.text}")
        left += [remark for remark in remarks if not remark.is_mended]
    return left


def _require_python(file: Path, text: str) -> None:
    """Raise UnavailableError, naming the line, if the converter wrote what Python cannot read."""
    try:
        compile(text, str(file), "exec")
    except SyntaxError as error:
        said = f"{file}:{error.lineno}: PaConvert wrote what is no Python: {(error.text or '').strip()}"
        raise UnavailableError(f"{said}; write it otherwise in the source") from None


def _known(names: set[str]) -> dict[str, Signature]:
    """Signatures of names, and of what those are called that do not exist."""
    python = interpreter("paddle")
    known = signatures(names, python=python)
    likely = {signature.likely for signature in known.values() if signature.likely}
    return known | (signatures(likely, python=python) if likely else {})


def _twin_files(source: Path, target: Path) -> dict[Path, Path]:
    """The file of the source that each of the twin's was made of."""
    if source.is_file():
        return {target: source}
    found = {target / path.relative_to(source): path for path in sorted(source.rglob("*.py"))}
    return {twin: path for twin, path in found.items() if twin.exists()}


def _sources(options: argparse.Namespace) -> dict[str, str]:
    """MODULE:CALLABLE of both sides, looked up beside the source. Raises UsageError for what cannot be."""
    source, target, name = options.source, options.output, options.callable
    if not source.exists():
        raise UsageError(f"{source}: there is no such file or folder; name a file, or a package's folder")
    if target.exists():
        raise UsageError(f"{target}: is there already; name another --output, or remove it")
    if source.is_file() and (source.suffix != ".py" or target.suffix != ".py"):
        raise UsageError(f"{source} and {target}: name Python files, or two folders")
    if source.absolute().parent != target.absolute().parent:
        raise UsageError(f"{target}: must lie beside {source}, where both are found as modules")
    for path in (source, target):
        if not path.stem.isidentifier():
            raise UsageError(f"{path}: {path.stem!r} is no name of a module; choose another")
    if options.skip_proof:
        return {}
    missing = [flag for flag in ("callable", "input_shape", "num_classes") if getattr(options, flag) is None]
    if missing:
        flags = ", ".join(f"--{flag.replace('_', '-')}" for flag in missing)
        raise UsageError(f"{flags} are needed to compare the two; or give --skip-proof")
    inner, colon, function = name.rpartition(":")
    dotted = f".{inner}" if colon else ""
    return {"torch": f"{source.stem}{dotted}:{function}", "paddle": f"{target.stem}{dotted}:{function}"}


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Make a paddle twin of torch source, and prove it.")
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a file, or the folder of a package")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="TARGET", help="where the twin goes, beside the source"
    )
    parser.add_argument(
        "--callable", metavar="NAME", help="() -> the model; in a package MODULE:NAME, as in nets:build"
    )
    parser.add_argument("--input-shape", type=shape, metavar="C,H,W", help="of one image, for the comparison")
    parser.add_argument("--num-classes", type=positive, metavar="N", help="of the logits")
    parser.add_argument("--batch-size", type=positive, default=2, metavar="N", help="images (default 2)")
    parser.add_argument(
        "--stages",
        default="forward,gradients,train-mode",
        metavar="STAGE,STAGE",
        help="of benchmarks.parity (default forward,gradients,train-mode)",
    )
    parser.add_argument("--skip-proof", action="store_true", help="translate and mend only")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
