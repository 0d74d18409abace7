"""Plausible data for the emulated jobs: progress, results and archives, the same each time for the same target.

Knows a job only through the protocols `ResultJob` and `ArchivedJob`; imports nothing else of the emulator::

    packing -> archive_contents
    result_answers, archive_contents -> datasets -> binning -> xray_source -> selection, targets
                                     -> spectrum_fits, field_sources, measured_positions -> xray_source
    build_steps -> selection
"""
