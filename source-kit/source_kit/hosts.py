"""Which URLs may receive the credentials.

https is fine anywhere. Plain http is fine on the way to a test server or a proxy next door: loopback, private
addresses and names without a dot. Link-local addresses and the names of cloud metadata services are never asked,
in no spelling: they hand out the machine's own credentials.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Names and addresses under which clouds serve their metadata outside the link-local ranges.
METADATA_HOSTS = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    }
)
PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
NAT64 = ipaddress.ip_network("64:ff9b::/96")
HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


class RefusedURL(ValueError):
    """The URL may not be used; the text says why, without the URL (which may hold a password)."""


def checked_url(value: str, *, base: bool) -> str:
    """The URL with a lower-case host, ending in `/` if it is a `base`; raises `RefusedURL`."""
    parts = _split(value)
    host = _host(parts)
    address = _address(host)
    if host in METADATA_HOSTS or (address is not None and _is_link_local(address)):
        raise RefusedURL("points to a link-local or cloud metadata address, which is never asked")
    if address is not None and (address.is_unspecified or address.is_multicast):
        raise RefusedURL("points to an address that no server has")
    if parts.scheme == "http" and not _is_near(host, address):
        raise RefusedURL("must start with https:// (plain http only for loopback, private addresses and local names)")
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port is None else f":{parts.port}"
    path = parts.path or "/"
    return f"{parts.scheme}://{shown}{port}{path if path.endswith('/') or not base else path + '/'}"


def _split(value: str) -> SplitResult:
    if not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        raise RefusedURL("holds a character that URLs do not have (write international names as xn--...)")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise RefusedURL("is not a URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise RefusedURL("must be a URL that starts with https://")
    if "@" in parts.netloc:
        raise RefusedURL("may not hold a user name or password")
    if "?" in value or "#" in value:
        raise RefusedURL("may not hold a query (?) or a fragment (#)")
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").removesuffix(".")
    if ":" not in host and not HOST_NAME.fullmatch(host):
        raise RefusedURL("does not name a valid host")
    return host


def _address(host: str) -> IPAddress | None:
    """The address, if the host is one. Spellings that only `inet_aton` knows (hex, octal, one number) are refused."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    if ":" in host or NUMBER.fullmatch(host.rsplit(".", 1)[-1]):
        if _is_link_local(_inet_aton(host)):
            raise RefusedURL("points to a link-local or cloud metadata address, which is never asked")
        raise RefusedURL("must give an IP address in its usual form, such as 192.168.0.10")
    return None


def _inet_aton(host: str) -> IPAddress:
    """What the C library would make of an odd spelling; 0.0.0.0 where even that makes nothing of it."""
    try:
        numbers = [int(part, 16 if part.startswith("0x") else 8 if part[0] == "0" else 10) for part in host.split(".")]
        *head, last = numbers
        value = sum(number << (24 - 8 * index) for index, number in enumerate(head)) + last
        return ipaddress.IPv4Address(value)
    except (ValueError, IndexError):
        return ipaddress.IPv4Address(0)


def _embedded(address: IPAddress) -> list[IPAddress]:
    """The address and every IPv4 address that an IPv6 spelling carries."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner: list[IPAddress | None] = [address, address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64 or int(address) >> 32 == 0:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in inner if each is not None]


def _is_link_local(address: IPAddress) -> bool:
    return any(each.is_link_local or str(each) in METADATA_HOSTS for each in _embedded(address))


def _is_near(host: str, address: IPAddress | None) -> bool:
    if address is None:
        return "." not in host or host.endswith(".localhost")
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in PRIVATE_NETWORKS)
