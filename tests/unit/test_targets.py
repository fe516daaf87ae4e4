"""Where webhooks may lead: no private address, in whatever disguise, at creation and at the moment of connecting."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address
from typing import Any

import pytest

from export_api.notifications.posting import NoAnswer, post
from export_api.notifications.targets import TargetRefused, Targets, is_public

PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254"),
    *("0.0.0.0", "0.1.2.3", "100.64.0.1", "100.127.255.254", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
    *("255.255.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "192.88.99.1", "192.0.0.8"),
    *("::", "::1", "fe80::1", "fe80::1%lo", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "3fff::1"),
    *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "64:ff9b::808:808"),
    *("2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "100::1", "5f00::1", "fec0::1"),
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]

DISGUISED = ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_not(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", DISGUISED)
def test_a_loopback_address_is_found_in_every_disguise(host: str) -> None:
    targets = Targets()
    with pytest.raises(TargetRefused, match="not public"):
        targets.resolve(host.strip("[]"), 443)
    with pytest.raises(NoAnswer, match="not public"):
        post(f"https://{host}/hooks", b"{}", {}, targets)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "https only"),
        ("ftp://example.com/", "no URL"),
        ("file:///etc/passwd", "no URL"),
        ("example.com/hooks", "no URL"),
        ("https://anna:secret@example.com/", "user name"),
        ("https://example.com/#part", "fragment"),
        ("https:///hooks", "hooks"),
        (f"https://example.com/{'x' * 2000}", "longer"),
        ("", "no URL"),
    ],
)
def test_what_is_no_address_for_a_webhook_is_refused(url: str, why: str) -> None:
    if why == "hooks":  # a URL parser of browsers takes the first part of the path for the host
        assert Targets().check_url(url) == "https://hooks/"
        return
    with pytest.raises(TargetRefused, match=why) as caught:
        Targets().check_url(url)
    assert "secret" not in str(caught.value)


def test_the_installation_may_allow_hosts_and_networks() -> None:
    targets = Targets.of_setting(" Hooks.Internal, 10.1.0.0/16 ,127.0.0.1,, fd00::/8 ")
    assert targets.resolve("127.0.0.1", 80) == ["127.0.0.1"]
    assert targets.resolve("10.1.255.3", 80) == ["10.1.255.3"]
    assert targets.check_url("http://10.1.0.4:8000/x") == "http://10.1.0.4:8000/x"
    assert targets.check_url("http://hooks.internal/") == "http://hooks.internal/"
    for host in ("10.2.0.1", "127.0.0.2", "::1"):
        with pytest.raises(TargetRefused):
            targets.resolve(host, 80)
    with pytest.raises(TargetRefused):
        targets.check_url("http://10.2.0.1/")


def test_a_name_that_is_nowhere_is_told() -> None:
    with pytest.raises(TargetRefused, match="cannot be resolved"):
        Targets().resolve("nowhere.invalid", 443)


def answers(monkeypatch: pytest.MonkeyPatch, *lookups: list[str]) -> list[Any]:
    """Have the resolver answer one list of addresses after the other."""
    asked: list[Any] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        addresses = lookups[min(len(asked), len(lookups)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr("export_api.notifications.targets.socket.getaddrinfo", resolve)
    return asked


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(TargetRefused):
        Targets().resolve("both.example", 443)


def test_a_name_that_leads_elsewhere_at_the_second_look_is_refused_then(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    assert Targets().resolve("rebinding.example", 443) == ["8.8.8.8"]
    with pytest.raises(NoAnswer, match="not public"):
        post("https://rebinding.example/", b"{}", {}, Targets())


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    asked = answers(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    monkeypatch.setattr("httpcore._backends.sync.socket.create_connection", connect)
    with pytest.raises(NoAnswer, match="Connection refused"):
        post("https://rebinding.example:8443/", b"{}", {}, Targets())
    assert (asked, connected) == (["rebinding.example"], [("8.8.8.8", 8443)])


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert post(url, b"{}", {}, Targets.of_setting("127.0.0.1")) == 204


def test_an_answer_that_drips_in_ends_at_the_deadline() -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not over.wait(0.05):
                    try:
                        connection.sendall(b"X-Drip: 1\r\n")
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(NoAnswer, match=r"within 0\.5 seconds"):
            post(url, b"{}", {}, Targets.of_setting("127.0.0.1"), seconds=0.5)
        over.set()


def test_a_server_without_tls_is_no_receiver() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(NoAnswer, match="could not be made"):
            post(url, b"{}", {}, Targets.of_setting("127.0.0.1"))
