"""The house's plan: rooms import each other in one direction, and nobody imports the tests.

A room is a folder of modules. A file beside folders, such as ``backends/train.py``, is a room of its own.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLOORS = ("common", "backends", "benchmarks")
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for floor in FLOORS
    for path in sorted((ROOT / floor).rglob("*.py"))
}


def rooms_of(sources):
    """The folder of each module; the module itself where its folder holds other folders."""
    with_folders = {path.parent.parent for path in sources.values() if path.name == "__init__.py"}
    return {
        module: module if path.parent in with_folders else module.removesuffix(f".{path.stem}")
        for module, path in sources.items()
    }


def imported(module, text, *, is_package):
    """Absolute names of all that a module imports, anywhere in it."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def module_named(name, sources):
    """The module that an imported name is, or lies in; None outside of the project."""
    while name and name not in sources:
        name = name.rpartition(".")[0]
    return name or None


def imports_between_rooms(sources):
    """The rooms that each room imports."""
    found, rooms = {}, rooms_of(sources)
    for module, path in sources.items():
        own = rooms[module]
        others = found.setdefault(own, set())
        for name in imported(module, path.read_text(), is_package=path.name == "__init__.py"):
            target = module_named(name, sources)
            if target and rooms[target] != own:
                others.add(rooms[target])
    return found


def cycle_in(imports):
    """Rooms that import each other in a circle; None where there are none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def test_no_rooms_import_each_other():
    assert cycle_in(imports_between_rooms(SOURCES)) is None


def test_rooms_that_import_each_other_are_seen(tmp_path):
    (tmp_path / "top.py").write_text("")
    for room, other in (("left", "right"), ("right", "left")):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("")
        (tmp_path / room / "a.py").write_text(f"def f():\n    from house.{other}.a import g\n")
    files = sorted(tmp_path.rglob("*.py"))
    names = [".".join(("house", *path.relative_to(tmp_path).with_suffix("").parts)) for path in files]
    sources = dict(zip((name.removesuffix(".__init__") for name in names), files, strict=True))
    assert set(cycle_in(imports_between_rooms(sources))) == {"house.left", "house.right"}


def test_nobody_imports_the_tests():
    for module, path in SOURCES.items():
        text = path.read_text()
        names = set(imported(module, text, is_package=path.name == "__init__.py"))
        assert not {name for name in names if name.split(".")[0] == "tests"}, module
        assert '"tests.' not in text, f"{module} names a module of the tests"


def folders_without_a_room(tests, root):
    """Folders of tests that are named after no folder of the sources."""
    own = {"support", "campaigns", "pairs"}
    folders = [path.parent.relative_to(tests) for path in tests.rglob("__init__.py") if path.parent != tests]
    return [str(folder) for folder in folders if str(folder) not in own and not (root / folder).is_dir()]


def test_the_tests_lie_as_the_rooms_do():
    assert folders_without_a_room(ROOT / "tests", ROOT) == []


def test_a_folder_of_tests_for_a_room_that_is_gone_is_seen(tmp_path):
    for folder in ("tests", "tests/support", "tests/common", "tests/common/cellar", "common"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "__init__.py").touch()
    assert folders_without_a_room(tmp_path / "tests", tmp_path) == ["common/cellar"]
