"""Where webhooks may lead: public addresses, and what the installation allows beside them."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 2000
_URL = TypeAdapter(AnyHttpUrl)

_UNICAST = IPv6Network("2000::/3")
"""All that is public in IPv6; NAT64, IPv4-mapped, unique local, link-local and multicast addresses lie outside."""

_NEVER: Sequence[IPv4Network | IPv6Network] = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments, which older Pythons take for public
    IPv4Network("192.88.99.0/24"),  # 6to4 relays (RFC 7526)
    IPv6Network("2002::/16"),  # 6to4: an IPv4 address inside
    IPv6Network("2001::/23"),  # Teredo and other protocol assignments
    IPv6Network("3fff::/20"),  # documentation (RFC 9637), which older Pythons take for public
)


class TargetRefused(Exception):  # noqa: N818 - it is no failure but a rule
    """A webhook leads where it may not; the message says why."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is of the public internet, and of no way to disguise another one."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return not any(address.version == network.version and address in network for network in _NEVER)


@dataclass(frozen=True, slots=True)
class Targets:
    """What webhooks may reach; ``names`` and ``networks`` are allowed although they are private, by http too."""

    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of_setting(cls, allowed: str | None) -> Targets:
        """Read the setting: hosts, addresses and networks, with commas between them."""
        names: set[str] = set()
        networks: list[IPv4Network | IPv6Network] = []
        for entry in filter(None, (part.strip().lower() for part in (allowed or "").split(","))):
            try:
                networks.append(ip_network(entry, strict=False))
            except ValueError:
                names.add(entry)
        return cls(frozenset(names), tuple(networks))

    def check_url(self, url: str) -> str:
        """Return a URL in its normal form.

        :raises TargetRefused: when webhooks cannot be sent there.
        """
        try:
            found = str(_URL.validate_python(url))
        except ValidationError:
            raise TargetRefused("This is no URL, such as https://example.com/hooks.") from None
        parts = urlsplit(found)
        if len(found) > _LONGEST:
            raise TargetRefused(f"The URL is longer than {_LONGEST} characters.")
        if parts.username is not None or parts.password is not None:
            raise TargetRefused("A URL with a user name or a password is not sent to: the signature proves who sends.")
        if parts.fragment:
            raise TargetRefused("Leave out the fragment, the part after #.")
        if parts.scheme != "https" and not self._names(parts.hostname or ""):
            raise TargetRefused("Webhooks are sent by https only.")
        return found

    def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, each of them one that may be reached.

        :raises TargetRefused: when the host has no address, or any that may not be reached.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise TargetRefused("The host's name cannot be resolved.") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not all(self._may_reach(host, address) for address in addresses):
            raise TargetRefused(
                "The host has an address that is not public. An administrator can allow it: webhook_allowed_targets."
            )
        return addresses

    def _may_reach(self, host: str, address: str) -> bool:
        if host.lower() in self.names:
            return True
        found = ip_address(address)
        return is_public(found) or self._in_network(found)

    def _names(self, host: str) -> bool:
        """Whether the setting names a host, by itself or, of a literal address, by its network."""
        try:
            return host in self.names or self._in_network(ip_address(host))
        except ValueError:
            return False

    def _in_network(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address.version == network.version and address in network for network in self.networks)
