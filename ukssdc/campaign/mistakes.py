"""What is wrong in a campaign, all at once: each mistake with its row and column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ukssdc.errors import UKSSDCError


class Mistake(NamedTuple):
    """What is wrong in a table of targets.

    Attributes
    ----------
    row : int or None
        The row, from 1; None for what concerns all rows, or the campaign as a whole.
    column : str
        The column, or the parameter that has none; empty where it is not one alone.
    problem : str
    target : str
        The target's name, as far as it is known.
    """

    row: int | None
    column: str
    problem: str
    target: str = ""

    def __str__(self) -> str:
        name = f" ({self.target})" if self.target else ""
        places = [f"row {self.row}{name}"] if self.row is not None else []
        places += [f"column {self.column}"] if self.column else []
        return f"{', '.join(places)}: {self.problem}" if places else self.problem


class InvalidCampaign(UKSSDCError):  # noqa: N818 - as InvalidRequest
    """A campaign with mistakes, found before anything was sent.

    Parameters
    ----------
    mistakes : sequence of Mistake
        All of them.
    source : str
        What holds the campaign: the name of a file, where it came from one.
    """

    MAX_SHOWN = 200  # mistakes in the message

    def __init__(self, mistakes: Sequence[Mistake], source: str = "the campaign") -> None:
        self._mistakes = tuple(tuple(mistake) for mistake in mistakes)  # plain: they are stored as JSON
        self.source = source
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        shown = "".join(f"\n  - {mistake}" for mistake in mistakes[: self.MAX_SHOWN])
        more = len(mistakes) - self.MAX_SHOWN
        super().__init__(f"{source} has {count}:{shown}" + (f"\n  ... and {more} more" if more > 0 else ""))

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """All of them."""
        return tuple(Mistake._make(mistake) for mistake in self._mistakes)
