"""The emulated service without faults: users, jobs, scenarios, service time, HTTP, and the ledger of calls.

Imports `data`, never `faults`::

    app -> emulated_service -> emulated_job -> build, clock
                            -> scenario -> build
                            -> submission -> wire_parameters
        -> ledger_middleware -> ledger, endpoints
"""
