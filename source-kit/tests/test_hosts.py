"""Which URLs may receive the credentials."""

from __future__ import annotations

import pytest

from source_kit.addresses import origin_of
from source_kit.hosts import RefusedURL, checked_url


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://api.close.com/api/v1/", "https://api.close.com/api/v1/"),
        ("https://API.Close.com/api/v1", "https://api.close.com/api/v1/"),
        ("https://api.close.com", "https://api.close.com/"),
        ("https://api.close.com.", "https://api.close.com/"),
        ("https://8.8.8.8:8443/x", "https://8.8.8.8:8443/x/"),
        ("http://127.0.0.1:8080/api/v1", "http://127.0.0.1:8080/api/v1/"),
        ("http://localhost:8080", "http://localhost:8080/"),
        ("http://api.localhost/", "http://api.localhost/"),
        ("http://emulator:9/", "http://emulator:9/"),
        ("http://192.168.1.9/", "http://192.168.1.9/"),
        ("http://172.17.0.1/", "http://172.17.0.1/"),
        ("http://10.0.0.1/", "http://10.0.0.1/"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        ("http://[fd12::1]/", "http://[fd12::1]/"),
        ("http://[::ffff:10.0.0.1]/", "http://[::ffff:10.0.0.1]/"),
    ],
)
def test_https_anywhere_and_http_nearby_are_accepted_and_end_in_a_slash(given: str, expected: str) -> None:
    assert checked_url(given, base=True) == expected


def test_a_token_url_keeps_its_path_without_a_slash() -> None:
    assert checked_url("https://api.outreach.io/oauth/token", base=False) == "https://api.outreach.io/oauth/token"


def test_the_origin_is_scheme_host_and_port() -> None:
    assert origin_of("http://127.0.0.1:8080/api/v1/") == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    "given",
    [
        "https://169.254.169.254/latest/",
        "http://169.254.0.1/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0xA9.0xFE.0xA9.0xFE/",
        "http://0251.0376.0251.0376/",
        "http://169.254.43518/",
        "http://169.16689662/",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:a9fe:a9fe::1]/",
        "https://[::a9fe:a9fe]/",
        "https://[fd00:ec2::254]/",
        "https://metadata.google.internal/",
        "https://METADATA.google.internal./",
        "http://metadata/",
        "https://100.100.100.200/",
        "https://168.63.129.16/",
        "https://instance-data/",
    ],
)
def test_link_local_and_metadata_hosts_are_refused_in_every_spelling(given: str) -> None:
    with pytest.raises(RefusedURL, match="link-local or cloud metadata"):
        checked_url(given, base=True)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("http://api.close.com/api/v1/", "must start with https"),
        ("http://8.8.8.8/", "must start with https"),
        ("http://127.0.0.1.nip.io/", "must start with https"),
        ("http://172.32.0.1/", "must start with https"),
        ("http://[2001:db8::1]/", "must start with https"),
        ("ftp://api.close.com/", "must be a URL that starts with https"),
        ("api.close.com/api/v1/", "must be a URL that starts with https"),
        ("https://", "must be a URL that starts with https"),
        ("https:///path", "must be a URL that starts with https"),
        ("https://host:0/", "must be a URL that starts with https"),
        ("https://host:99999/", "is not a URL"),
        ("https://[::1/", "is not a URL"),
        ("https://user:password@api.close.com/", "user name or password"),
        ("https://@api.close.com/", "user name or password"),
        ("https://api.close.com/?x=1", "query"),
        ("https://api.close.com/?", "query"),
        ("https://api.close.com/#top", "fragment"),
        ("https://api close.com/", "character that URLs do not have"),
        ("https://api.close.com\\@evil.test/", "character that URLs do not have"),
        ("https://api.close.com/\n", "character that URLs do not have"),
        ("https://\uff11\uff16\uff19.254.169.254/", "character that URLs do not have"),
        ("https://a..b/", "does not name a valid host"),
        ("https://-bad.test/", "does not name a valid host"),
        ("https://api%2eclose.com/", "does not name a valid host"),
        ("http://[fe80::1%25eth0]/", "link-local|usual form"),
        ("http://2130706433/", "usual form"),
        ("http://0x7f.1/", "usual form"),
        ("http://127.1/", "usual form"),
        ("http://1.2.3.4.5/", "usual form"),
        ("http://0.0.0.0/", "address that no server has|usual form"),
        ("https://224.0.0.1/", "address that no server has"),
    ],
)
def test_other_urls_are_refused_with_a_reason(given: str, reason: str) -> None:
    with pytest.raises(RefusedURL, match=reason):
        checked_url(given, base=True)


def test_the_reason_never_repeats_the_url() -> None:
    with pytest.raises(RefusedURL) as refused:
        checked_url("https://user:hunter2@api.close.com/", base=True)
    assert "hunter2" not in str(refused.value)
