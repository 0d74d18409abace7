"""How many jobs were active at once at an emulator, by its ledger and its own account of the builds."""

from __future__ import annotations

from itertools import accumulate

from ukssdc.emulator import Emulator


def most_active(emulator: Emulator) -> int:
    """Return the largest number of jobs that were active at any one time.

    A job is active from the arrival of its submission until the last of its products is complete; one that is not
    complete is active still.
    """
    changes: list[tuple[float, int]] = []
    for call in emulator.ledger.calls("submit"):
        if call.job_id is None:  # refused, or it never arrived
            continue
        changes.append((call.at, 1))
        ends = [emulator.completed_at(call.job_id, product) for product in emulator.jobs[call.job_id].products]
        known = [end for end in ends if end is not None]
        if len(known) == len(ends):
            changes.append((max(known), -1))
    changes.sort()  # an end comes before a beginning at the same moment
    return max(accumulate(change for _, change in changes), default=0)
