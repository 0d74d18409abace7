"""Addresses compared and written in one way: the same service in other words is the same service."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where an address leads (RFC 6454); all empty where it leads nowhere.

    Attributes
    ----------
    scheme : str
    host : str
        In lower case, without the dot at its end; an IP address in its shortest form.
    port : int or None
        The scheme's own where the address names none.
    """

    scheme: str = ""
    host: str = ""
    port: int | None = None

    @property
    def has_default_port(self) -> bool:
        """True where the port is the scheme's own."""
        return self.port == DEFAULT_PORTS.get(self.scheme)


def origin(url: object) -> Origin:
    """Return where an address leads; never raises, whatever the service sends in place of one."""
    if not isinstance(url, str):
        return Origin()
    try:
        parts = urlsplit(url.strip())
        host, port = _canonical_host(parts.hostname or ""), parts.port
    except ValueError:
        return Origin()
    if not host:
        return Origin()
    return Origin(parts.scheme, host, DEFAULT_PORTS.get(parts.scheme) if port is None else port)


def is_same_service(url: object, other: object) -> bool:
    """Tell whether two addresses are one service's, by host and port; http and https on their own ports are one."""
    one, two = origin(url), origin(other)
    same_port = one.port == two.port or (one.has_default_port and two.has_default_port)
    return bool(one.host) and one.host == two.host and same_port


def normalize_url(url: str) -> str:
    """Write a valid address in the one way: no user, host in lower case, no default port, no slash at its end."""
    parts, where = urlsplit(url.strip()), origin(url)
    host = f"[{where.host}]" if ":" in where.host else where.host
    netloc = host if where.has_default_port else f"{host}:{where.port}"
    return urlunsplit((where.scheme, netloc, parts.path, parts.query, parts.fragment)).rstrip("/")


def has_credentials(url: str) -> bool:
    """Tell whether a valid address holds a user's name, or a password: `http://user:pw@host`."""
    return "@" in urlsplit(url).netloc


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this machine."""
    host = origin(url).host
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


def _canonical_host(host: str) -> str:
    host = host.rstrip(".").lower()
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    if re.fullmatch(r"[0-9][0-9a-fx.]*", host):
        try:
            return socket.inet_ntoa(socket.inet_aton(host))  # 127.1, as the resolver reads it
        except OSError:
            pass
    return host if host.isascii() else host.encode("idna").decode("ascii")
