"""What is sent, and where it goes: nothing but the address in the body, proxies as the environment says."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
import ssl
from importlib.metadata import version
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from raw_server import http, raw_server

from ukssdc import Client, DownloadError, Job, Product, TransportError

EMAIL = "observer@example.org"
COUNT = http(json.dumps({"OK": 1, "numJobs": 2}).encode(), "200 OK", "Set-Cookie: session=1; Path=/")
REMOTE = "http://service.invalid/user_objects"  # its name is known to the proxy alone


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Begin without proxies, and with a ~/.netrc that has something for everybody."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login one password secret\ndefault login two password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(netrc.read_text())
    return monkeypatch


def client_of(url: str) -> Client:
    return Client(EMAIL, url, timeout=(1, 1))


def job_at(url: str) -> Job:
    return Job(job_id=951, url=f"{url}/tprods/USERPROD_951", name="GRB 200416A", products=(Product.Image,))


def headers_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").splitlines()[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("user", ["", "someone:pw@", "someone@"])
def test_a_call_sends_no_credentials_but_the_address_in_the_body(user: str) -> None:
    heard: list[bytes] = []
    with raw_server(COUNT, heard=heard) as url:
        client = client_of(url.replace("//", f"//{user}"))
        assert [client.count_active_jobs() for _ in range(2)] == [2, 2]

    assert [headers_of(request).keys() & {"authorization", "cookie"} for request in heard] == [set(), set()]
    assert [EMAIL.encode() in request.partition(b"\r\n\r\n")[2] for request in heard] == [True, True]


def test_a_download_sends_no_credentials(tmp_path: Path) -> None:
    heard: list[bytes] = []
    with raw_server(http(b"", "404 Not Found", "Set-Cookie: a=b"), heard=heard) as url:
        for _ in range(2):
            with pytest.raises(DownloadError):
                client_of(url).download(job_at(url), Product.Image, tmp_path / "job")

    assert [headers_of(request).keys() & {"authorization", "cookie"} for request in heard] == [set(), set()]


def test_calls_and_downloads_say_who_they_are(tmp_path: Path) -> None:
    heard: list[bytes] = []
    with raw_server(COUNT, http(b"", "404 Not Found"), heard=heard) as url:
        client_of(url).count_active_jobs()
        with pytest.raises(DownloadError):
            client_of(url).download(job_at(url), Product.Image, tmp_path / "job")

    assert {headers_of(request)["user-agent"] for request in heard} == {f"xrt-products/{version('xrt-products')}"}


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_used(environment: pytest.MonkeyPatch, name: str) -> None:
    heard: list[bytes] = []
    with raw_server(COUNT, heard=heard) as proxy:
        environment.setenv(name, proxy.removesuffix("/user_objects"))
        assert client_of(REMOTE).count_active_jobs() == 2

    assert heard[0].startswith(f"POST {REMOTE}/getNumJobs.php".encode())
    assert not headers_of(heard[0]).keys() & {"authorization", "proxy-authorization"}


def test_a_download_uses_the_proxy_too(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    heard: list[bytes] = []
    with raw_server(http(b"", "404 Not Found"), heard=heard) as proxy:
        environment.setenv("http_proxy", proxy.removesuffix("/user_objects"))
        with pytest.raises(DownloadError):
            client_of(REMOTE).download(job_at(REMOTE), Product.Image, tmp_path / "job")

    assert heard[0].startswith(f"GET {REMOTE}/tprods/USERPROD_951/image.tar.gz".encode())


def test_no_proxy_is_respected(environment: pytest.MonkeyPatch) -> None:
    with raw_server(COUNT) as proxy:
        environment.setenv("http_proxy", proxy)
        environment.setenv("no_proxy", "service.invalid")
        with pytest.raises(TransportError, match="name could not be resolved"):
            client_of(REMOTE).count_active_jobs()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "127.1"])
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_nothing_for_this_machine_goes_through_a_proxy(
    environment: pytest.MonkeyPatch, tmp_path: Path, host: str, name: str
) -> None:
    heard: list[bytes] = []
    with raw_server(COUNT, http(b"", "404 Not Found")) as url, raw_server(COUNT, heard=heard) as proxy:
        environment.setenv(name, proxy)
        here = url.replace("127.0.0.1", host)
        client = client_of(here)

        assert client.count_active_jobs() == 2
        with pytest.raises(DownloadError, match="404"):
            client.download(job_at(client.base_url), Product.Image, tmp_path / "job")

    assert heard == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_of_the_environment_is_trusted(environment: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    certificate, context = certificate_for("127.0.0.1", tmp_path)
    with raw_server(COUNT, tls=context) as url:
        with pytest.raises(TransportError, match="no trustworthy TLS connection"):
            client_of(url).count_active_jobs()
        environment.setenv(name, str(certificate))

        assert client_of(url).count_active_jobs() == 2


def test_a_ca_bundle_that_is_not_there_is_said(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))

    with pytest.raises(TransportError, match=f"TLS CA certificate bundle.*{re.escape(str(tmp_path))}") as raised:
        client_of("https://127.0.0.1:9/user_objects").count_active_jobs()

    assert not raised.value.sent


def certificate_for(host: str, folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate that signs itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context
