"""Rows kept one by one in the report's folder, so that a run that was stopped goes on where it was."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from backends.user_code import file_hashes
from benchmarks.manager.environment import git_commit
from benchmarks.parity.plan import INCOMPLETE, Plan
from benchmarks.parity.variants.compare import Compared, Wanted
from benchmarks.results import result_file
from benchmarks.results.parity_schema import Variant
from common.files import require_folder
from common.json_text import read_json
from common.shipped import BUILDERS

ROW, WHOLE = "variant.json", "parity.json"


def asked(wanted: Wanted, plan: Plan, versions: Mapping[str, Any]) -> dict[str, Any]:
    """All that a row depends on, as JSON has it. The user's own files are looked at apart."""
    index = wanted.images
    facts = {
        "subject": asdict(wanted.subject),
        "plan": asdict(plan),
        "versions": versions,
        "images": index and {"list": str(index.source), "sha256": _hash(index.source)},
        "weights": _hash(wanted.subject.weights) if wanted.subject.weights else None,
        "commit": git_commit(),
    }
    found: dict[str, Any] = json.loads(json.dumps(facts, default=str, sort_keys=True))
    return found


def kept_row(folder: Path, wanted: Wanted, facts: Mapping[str, Any]) -> Variant | None:
    """The row of an earlier call, if it is of the same request, versions and files, and complete."""
    path = folder / wanted.name / ROW
    if not path.exists():
        return None
    try:
        content = read_json(path)
        variant = Variant.model_validate(content["variant"])
        files, before = content["files"], content["asked"]
    except (ValueError, TypeError, KeyError, ValidationError):  # cut short, or not ours: it is made anew
        return None
    if before != facts or file_hashes(files) != files or variant.verdict == INCOMPLETE:
        return None
    return variant if files or not _is_own(wanted) else None


def keep(folder: Path, compared: Compared, facts: Mapping[str, Any]) -> None:
    """Write a row and the whole report behind it."""
    own = folder / compared.variant.name
    require_folder(own)
    result_file.write(compared.report, own / WHOLE)
    content = {"asked": facts, "files": compared.files, "variant": compared.variant}
    result_file.write(content, own / ROW)


def _is_own(wanted: Wanted) -> bool:
    """True for models of files of the user's, which may have changed."""
    return any(not source.startswith(f"{BUILDERS}:") for source in wanted.subject.sources.values())


def _hash(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
