"""Places of the project that tests look into."""

from pathlib import Path

ROOT = Path(__file__).parents[2]  # the repository's
