"""What goes wrong on request: which calls (`fault`), how (`handlers`), and the ASGI layer between (`injector`).

Imports `core`, and never `server`::

    injector -> handlers -> exchange -> fault
"""
