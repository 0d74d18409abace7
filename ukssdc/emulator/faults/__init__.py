"""Faults on request: which calls fail (`fault`), how (`handlers`), and the ASGI middleware (`injector`).

Imports `core`, never `server`::

    injector -> handlers -> exchange -> fault
"""
