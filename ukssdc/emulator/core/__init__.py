"""The emulated service when all goes well: users, jobs, scenarios, service time, HTTP, and the ledger of calls.

Imports `data`, and never `faults`::

    app -> emulated_service -> emulated_job -> scenario, clock
                            -> submission -> wire_parameters
    app, ledger_middleware -> endpoints
"""
