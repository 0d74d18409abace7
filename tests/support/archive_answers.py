"""A light curve's archive, and the answers of a server that sends it whole, in parts, or not."""

from __future__ import annotations

import hashlib
import io
import tarfile
from functools import cache

from raw_server import http

from ukssdc import Job, Product

LC = Product.LightCurve
TAG = 'ETag: "a"'


@cache  # gzip notes the time: made once, it is the same every time
def archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        member = tarfile.TarInfo("USERPROD_951/lc/curve.qdp")
        member.size = 5000
        made.addfile(member, io.BytesIO(hashlib.shake_256().digest(5000)))
    return buffer.getvalue()


def head(*headers: str, length: int | None = None) -> bytes:
    return http(b"", "200 OK", TAG, *headers, length=len(archive()) if length is None else length)


def rest(start: int) -> bytes:
    size = len(archive())
    return http(archive()[start:], "206 Partial Content", f"Content-Range: bytes {start}-{size - 1}/{size}")


def job(url: str) -> Job:
    return Job(job_id=951, url=f"{url}/tprods/USERPROD_951", name="GRB 200416A", products=tuple(Product))
