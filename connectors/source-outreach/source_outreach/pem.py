"""The private key of an app, as people paste it: PEM, with its lines or without.

This module loads `cryptography`: it is imported only where a connection signs in as an app.
"""

from __future__ import annotations

import re
import textwrap

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_PEM = re.compile(r"-----BEGIN ([A-Z ]*)-----(.*?)-----END \1-----", re.DOTALL)
FORM = "-----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----"
# RS256 wants 2048 bits at the least (RFC 7518, 3.3).
LEAST_BITS = 2048


class NoKey(ValueError):
    """The text is no key that can sign; goes on after the name of the option, and holds nothing of the text."""


def private_key(text: str) -> RSAPrivateKey:
    """The RSA key in a PEM text; forms make spaces of its line breaks, and JSON files `\\n`. Raises `NoKey`."""
    found = _PEM.search(text.replace("\\r", "\n").replace("\\n", "\n"))
    if found is None:
        raise NoKey(f"is no PEM private key: paste all of the file that begins with {FORM}")
    label, content = found.groups()
    if "ENCRYPTED" in label or "Proc-Type" in content:
        raise NoKey("is protected by a passphrase: give the key without one")
    if label.startswith("OPENSSH"):
        raise NoKey("is in the form of OpenSSH: convert it with ssh-keygen -p -m PEM -f FILE")
    if not label.endswith("PRIVATE KEY"):
        raise NoKey(f"is not the private key ({label.lower()}): the file begins with {FORM}")
    lines = "\n".join(textwrap.wrap(re.sub(r"\s+", "", content), 64))
    try:
        key = load_pem_private_key(f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise NoKey("is damaged: paste all of the PEM file again") from None
    if not isinstance(key, RSAPrivateKey):
        raise NoKey("is no RSA key: Outreach takes RS256 signatures only")
    if key.key_size < LEAST_BITS:
        raise NoKey(f"has {key.key_size} bits: RS256 needs {LEAST_BITS} or more")
    return key
