"""Which addresses are the public network's, and what the others are.

A table; resolves nothing. The registries: IANA's special-purpose addresses of IPv4 and IPv6.
"""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_IPV4 = {
    "0.0.0.0/8": "unspecified",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "a provider's own",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "reserved",
    "192.0.2.0/24": "reserved",
    "192.88.99.0/24": "an old relay's",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "reserved",
    "198.51.100.0/24": "reserved",
    "203.0.113.0/24": "reserved",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_IPV6 = {
    "::/128": "unspecified",
    "::1/128": "loopback",
    "::ffff:0:0/96": "an IPv4 address in disguise",
    "64:ff9b::/96": "an IPv4 address in disguise",
    "64:ff9b:1::/48": "an IPv4 address in disguise",
    "2001::/32": "an IPv4 address in disguise",
    "2001::/23": "reserved",
    "2001:db8::/32": "reserved",
    "2002::/16": "an IPv4 address in disguise",
    "3fff::/20": "reserved",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "private",
    "ff00::/8": "multicast",
}
_IPV6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_KINDS = tuple((ipaddress.ip_network(net), kind) for net, kind in (_IPV4 | _IPV6).items())


def kind_of(address: str) -> str | None:
    """What an address is if it is not public: `loopback`, `private`, ...; None for a public one.

    `address` is numeric, a zone (`%eth0`) included. Raises ValueError for anything else.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    for network, kind in _KINDS:
        if found in network:
            return kind
    if isinstance(found, ipaddress.IPv6Address) and found not in _IPV6_PUBLIC:
        return "reserved"
    return None


def is_address(host: str) -> bool:
    """Whether a normal host is a number and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
