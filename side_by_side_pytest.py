"""Plugin of pytest: the pairs of a file as tests, one a pair and stage of the comparison.

    pytest --parity-pairs pairs.toml
    pytest --parity-pairs pairs.toml -k "resnet and gradients"

It does nothing unless ``--parity-pairs`` or the setting ``parity_pairs`` names a file. Nothing of this
project but ``side_by_side`` is imported here: a process beside pytest compares, and keeps one worker of each
framework for the whole session.
"""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

GRACE_SECONDS = 10.0  # that the process has for its workers
FRAMEWORKS = ("torch", "paddle")
READ = "side-by-side-read"  # names of what xdist's workers are given by their controller
RESULTS = "side-by-side-results"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flags, and a setting for each."""
    group = parser.getgroup("parity", "parity of PyTorch and PaddlePaddle (side-by-side)")
    group.addoption(
        "--parity-pairs",
        action="append",
        default=[],
        metavar="FILE",
        help="a file of pairs, whose stages become tests; repeatable",
    )
    group.addoption(
        "--parity-stages",
        metavar="STAGE,STAGE",
        help="only these stages of each pair (default: all but bfloat16)",
    )
    group.addoption(
        "--parity-require",
        metavar="NAME,NAME",
        help="frameworks whose absence fails the tests, in the place of skipping them: torch,paddle",
    )
    parser.addini("parity_pairs", "files of pairs, for runs that name no tests", type="paths", default=[])
    parser.addini("parity_stages", "stages of each pair", type="args", default=[])
    parser.addini("parity_require", "frameworks that must be there", type="args", default=[])


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Read the files, before anything is collected or a worker of xdist is started."""
    config = session.config
    files = _files(config)
    if not files or config.option.help:
        return
    plugin = Parity(config, files)
    config.pluginmanager.register(plugin, "side-by-side-session")
    try:
        plugin.read()
    except Wrong as error:
        plugin.close()
        raise pytest.UsageError(str(error)) from None


def _files(config: pytest.Config) -> dict[Path, bool]:
    """The files of pairs, in order, and of each whether it is collected although no argument names it."""
    given = [config.invocation_params.dir / text for text in config.getoption("--parity-pairs")]
    # As with testpaths: a setting of the project's holds for runs that do not say what they are of.
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    set_ = [] if given else config.getini("parity_pairs")
    return {path.resolve(): True for path in given} | {Path(path).resolve(): not named for path in set_}


def _words(config: pytest.Config, name: str) -> list[str]:
    """A comma list of the command line, else the setting of that name."""
    text = config.getoption(f"--parity-{name}")
    return text.split(",") if text else [*config.getini(f"parity_{name}")]


class Wrong(Exception):
    """The request is wrong; the message is one line."""


class Lost(Exception):
    """The process that compares has ended by itself."""


class Parity:
    """One session's pairs: what there is to collect, and the results so far."""

    def __init__(self, config: pytest.Config, files: Mapping[Path, bool]) -> None:
        self._config, self._files = config, files
        self._asked = Process()
        self._found: dict[str, dict[str, Any]] = {}  # pairs and stages, by file
        self._stages: dict[tuple[str, str], list[str]] = {}  # that are tests, by file and pair
        self._required = _words(config, "require")
        # Of xdist's workers: what their controller has read, and a folder for results that all see.
        self._given: Mapping[str, Any] = getattr(config, "workerinput", {})
        self._folder: str = self._given.get(RESULTS, "")
        self._results = Results(self._asked, self._folder)

    def read(self) -> None:
        """Read the files, and have pytest collect them. Raises Wrong."""
        unknown = [name for name in self._required if name not in FRAMEWORKS]
        if unknown:
            raise Wrong(f"--parity-require {unknown[0]}: choose among {', '.join(FRAMEWORKS)}")
        self._found = json.loads(self._given.get(READ, "{}"))
        if self._given:
            return
        for path, is_added in self._files.items():
            found = self._asked.ask("read", file=str(path), stages=_words(self._config, "stages"))
            if "error" in found:
                raise Wrong(f"--parity-pairs: {found['error']}")
            self._found[str(path)] = found
            if is_added and not any(_path(self._config, text) == path for text in self._config.args):
                self._config.args.append(str(path))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker of xdist what was read; the controller compares nothing itself."""
        self._asked.close()
        self._folder = self._folder or tempfile.mkdtemp(prefix="side-by-side-pytest-")
        node.workerinput |= {READ: json.dumps(self._found), RESULTS: self._folder}

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> "PairsFile | None":
        """A file of pairs is collected by this plugin, wherever pytest meets it."""
        found = self._found.get(str(file_path.resolve()))
        if found is None:
            return None
        file: PairsFile = PairsFile.from_parent(parent, path=file_path)
        file.found, file.parity = found, self
        return file

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the stages that are left of each pair: it runs once, with all of them."""
        for item in session.items:
            if isinstance(item, StageItem):
                self._stages.setdefault((item.file, item.pair), []).append(item.name)

    def outcome(self, file: str, pair: str, stage: str) -> Mapping[str, Any]:
        """What became of a stage; skips or fails the test where nothing can be compared."""
        result = self._results.of(file, pair, self._stages[file, pair])
        if "error" in result:
            pytest.fail(f"{pair}: {result['error']}", pytrace=False)
        lacking: dict[str, str] = result.get("unavailable", {})
        for name, reason in lacking.items():
            if name in self._required:
                pytest.fail(f"{name} is required: {reason}", pytrace=False)
        if lacking:
            pytest.skip("; ".join(f"{name}: {reason}" for name, reason in lacking.items()))
        found: Mapping[str, Any] = result["stages"][stage]
        return found

    def pytest_unconfigure(self) -> None:
        """End with the session."""
        self.close()

    def close(self) -> None:
        """End the process that compares, and remove what xdist's workers have shared."""
        self._asked.close()
        if self._folder and not self._given:
            shutil.rmtree(self._folder, ignore_errors=True)


class Results:
    """A result for each pair: computed here once, or by another worker of xdist that sees the same folder."""

    def __init__(self, asked: "Process", folder: str) -> None:
        self._asked, self._folder = asked, folder
        self._results: dict[tuple[str, str], dict[str, Any]] = {}

    def of(self, file: str, pair: str, stages: Sequence[str]) -> dict[str, Any]:
        """The answer to "compare", or {"error": text} where the process that compares was lost."""
        if (file, pair) not in self._results:
            arguments = {"file": file, "pair": pair, "stages": [*stages]}
            try:
                self._results[file, pair] = self._shared(arguments)
            except Lost as error:
                self._results[file, pair] = {"error": str(error)}
        return self._results[file, pair]

    def _shared(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if not (self._folder and Path(self._folder).is_dir()):  # none, or on another machine
            return self._asked.ask("compare", **arguments)
        name = hashlib.sha256(json.dumps(arguments).encode()).hexdigest()
        target = Path(self._folder) / f"{name}.json"
        with _locked(target.with_suffix(".lock")):  # who waits for it finds the result
            if not target.exists():
                result = self._asked.ask("compare", **arguments)
                target.with_suffix(".new").write_text(json.dumps(result), encoding="utf-8")
                target.with_suffix(".new").rename(target)
            shared: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
            return shared


def _path(config: pytest.Config, text: str) -> Path:
    """The file of an argument such as "pairs.toml::resnet"."""
    return (config.invocation_params.dir / text.partition("::")[0]).resolve()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock; the system drops it for a process that dies."""
    import fcntl

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Process:
    """The process that reads and compares; started when it is first asked."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._said: Any = None  # what it prints, its last words among it
        self._asked = 0

    def ask(self, task: str, **arguments: Any) -> dict[str, Any]:
        """Have one thing done. Raises Lost if the process ends; whatever else interrupts ends it."""
        self._asked += 1
        request = {"id": self._asked, "task": task, **arguments}
        try:
            process = self._process = self._process or self._started()
            assert process.stdin is not None and process.stdout is not None
            with suppress(OSError):  # it has ended, as no reply will show
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
            line = process.stdout.readline()
        except BaseException:  # Ctrl-C, or a time limit: its answer would be another test's
            self.close()
            raise
        if not line.endswith("\n"):
            raise Lost(self._last_words())
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _started(self) -> "subprocess.Popen[str]":
        from side_by_side import launch

        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        return subprocess.Popen(
            launch("benchmarks.parity.service"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            start_new_session=True,  # Ctrl-C reaches pytest alone, which ends it
        )

    def _last_words(self) -> str:
        assert self._process is not None
        code = self._process.wait()
        self._said.seek(0)
        lines = [line.strip() for line in self._said if line.strip()]
        self.close()
        last = lines[-1] if lines else "none"
        return f"the process that compares ended with code {code}; its last words: {last}"

    def close(self) -> None:
        """End it: it ends its workers when its standard input ends."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # its workers end themselves
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]
        self._said.close()


class PairsFile(pytest.File):
    """A file of pairs."""

    found: Mapping[str, Any]
    parity: Parity

    def collect(self) -> Iterator["PairNode"]:
        """Its pairs, in order."""
        for name in self.found["pairs"]:
            yield PairNode.from_parent(self, name=name)


class PairNode(pytest.Collector):
    """A pair of networks."""

    def collect(self) -> Iterator["StageItem"]:
        """The stages that are compared."""
        assert isinstance(self.parent, PairsFile)
        for stage in self.parent.found["stages"]:
            item: StageItem = StageItem.from_parent(self, name=stage)
            item.parity, item.file, item.pair = self.parent.parity, str(self.path.resolve()), self.name
            if self.config.pluginmanager.hasplugin("xdist"):
                item.add_marker(pytest.mark.xdist_group(self.name))  # for --dist loadgroup
            yield item


class StageItem(pytest.Item):
    """One stage of a pair: passes, fails with what the report says of it, or is skipped with the reason."""

    parity: Parity
    file: str
    pair: str

    def runtest(self) -> None:
        """Compare, or take the result of a comparison that another stage of the pair has asked for."""
        found = self.parity.outcome(self.file, self.pair, self.name)
        for key in ("verdict", "tensors", "worst"):
            if found.get(key) is not None:
                self.user_properties.append((f"parity_{key}", found[key]))
        if found["outcome"] == "skipped":
            pytest.skip(found["text"])
        if found["outcome"] != "passed":
            pytest.fail(f"{self.pair}: {found['text']}", pytrace=False)
        self.add_report_section("call", "parity", found["text"])

    def reportinfo(self) -> tuple[Path, None, str]:
        """The file, no line, and the test's title."""
        return self.path, None, f"{self.pair}::{self.name}"
