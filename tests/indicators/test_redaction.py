import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import IndicatorTable, redact

from tests.indicators.cases import TODAY, table_of

# Nobody's: numbers that check out and are published for tests, tokens that are only of the right form.
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIN\n-----END EC PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl"
GITHUB = "ghp_" + "aB3" * 12
SECRETS = [
    (f"my key\n{KEY}\nbye", "EC PRIVATE", "private-key"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza", "b3BlbnNza", "private-key"),
    ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nxyz", "xyz", "private-key"),
    (f"see {JWT}", "c2lnbmF0dXJl", "jwt"),
    ("id " + "AKIA" + "ABCDEFGHIJKLMNOP", "ABCDEFGHIJ", "cloud-key"),
    (f"({GITHUB})", GITHUB, "forge-token"),
    ("github_pat_" + "a1B_" * 20, "a1B_a1B_", "forge-token"),
    ("glpat-" + "abcdefghij0123456789", "abcdefghij", "forge-token"),
    ("npm_" + "aB3d" * 9, "aB3daB3d", "package-token"),
    ("xoxb-" + "123456789012-abcdef", "123456789012", "chat-token"),
    ("123456789:AA" + "h" * 33, "hhhh", "chat-token"),
    ("sk_live_" + "abcdefghijklmnop", "abcdefghijklmnop", "payment-key"),
    ("sk-proj-Abc123Def456Ghi789Jkl", "Abc123", "model-key"),
    ("AIza" + "b" * 35, "bbbb", "cloud-key"),
    ("SG." + "a" * 22 + "." + "b" * 43, "bbbb", "mail-key"),
    ("ftp://anna:s3cret@files.example/a", "s3cret", "url-password"),
    ("https://anna:p@ss@files.example/a", "p@ss", "url-password"),
    ("https://x/?access_token=abcd1234&y=1", "abcd1234", "password"),
    ("https://x/cb?key=abcd1234", "abcd1234", "password"),
    ("4111 1111 1111 1111", "1111", "card"),
    ("5555-5555-5555-4444", "4444", "card"),
    ("card:378282246310005.", "378282246310005", "card"),
    ("3782 822463 10005", "822463", "card"),
    ("4111111111111111 5555555555554444", "5555", "card"),
    ("DE89 3704 0044 0532 0130 00", "0532", "iban"),
    ("GB82WEST12345698765432 please", "WEST", "iban"),
    ("Authorization: Bearer abcdefgh12345678", "abcdefgh", "authorization"),
    ("password: hunter2", "hunter2", "password"),
    ("Password: correcthorse\nnext line", "correcthorse", "password"),
    ("DB_PASSWORD='two words'", "two words", "password"),
    ('{"apiKey": "abcdef"}', "abcdef", "password"),
    ("settings['token'] = 'abcdef'", "abcdef", "password"),
    ("password=Tr0ub4dor(3", "Tr0ub4dor", "password"),
    ("Kennwort = geheim", "geheim", "password"),
]
HARMLESS = [
    "The password is written down nowhere.",
    "Password: must contain eight characters",
    "password = get_password(user, 1)",
    "def login(user: str, password: str) -> None:",
    "Basic internationalization, a bearer of news",
    "ISBN 978-3-16-148410-0, phone +49 1511 2345678 or (555) 010-9999",
    "https://example.org/a/b?c=d&id=1234567890123456#top",
    "https://example.org/status/4111111111111111/photo",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b on 2026-01-02 03:04:05",
    "4111 1111 1111 1112 is no card, 1111111111111111 neither",
    "DE00 3704 0044 0532 0130 00 is no account",
    "class sk-fading-circle-with-a-long-name; the key is a design token: blue or red",
    "http://[2001:db8::1]:8080/x:y@z",
    "0000 0000 0000 0000",
]
BITS = ["password=", "token: ", "://", ":", "@", "a@b", '"', "'", "[redacted-card]", "]", "4", " ", "\n"]
PIECES = [*(text for text, _, _ in SECRETS), *HARMLESS, *BITS]
REPEATED = [
    *(
        "1",
        "1 ",
        "4111 ",
        "DE89 ",
        "eyJ",
        "-eyJ",
        "eyJaaaaaaaaa.",
        "://",
        "://a:",
        ":@",
        "A ",
        "= ",
        "basic ",
    ),
    *(
        "pass",
        "password=",
        'pwd="',
        "password: a ",
        "token=a(",
        "token=a()",
        "&key=",
        "bearer aaaaaaaaaaaaaaaa ",
    ),
    *("sk-", "sk-aaaa ", "xoxb-", "123456789:AA", "ghp_", "github_pat_", "hooks.slack.com/services/", "SG.a"),
    *("bearer aaaaaaaaaaaaaaaa ", "-----BEGIN PRIVATE KEY-----", "[redacted-", "\0", "\ud800"),
]


@pytest.mark.parametrize(("text", "secret", "name"), SECRETS)
def test_secret_goes_and_is_named(text: str, secret: str, name: str) -> None:
    redacted, names = redact(text)
    assert secret not in redacted
    assert names == (name,)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == (text, ())


def test_what_stands_around_a_secret_stays() -> None:
    assert redact("pay 4111 1111 1111 1111 now") == ("pay [redacted-card] now", ("card",))


@pytest.mark.parametrize(
    "text",
    [
        "https://user:pw@evil.example/x",
        "see http://good.example:80@evil.example/x for",
        "//a:b@evil.example/x",
        "hxxp://a:b@evil[.]example/x",
    ],
)
def test_a_url_without_its_password_still_matches(text: str) -> None:
    table: IndicatorTable = table_of(("host", "evil.example"), ("url", "http://evil.example/x"))
    assert len(table.clipboard(redact(text)[0], on=TODAY)) == 2


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=8).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once, _ = redact(text)
    assert redact(once)[0] == once


@given(st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    redact(text)


@pytest.mark.parametrize("piece", REPEATED)
def test_hostile_text_takes_no_longer_than_it_is_long(piece: str) -> None:
    text = "-----BEGIN " + piece * (16_384 // len(piece))
    start = time.process_time()
    redact(text)
    assert time.process_time() - start < 0.5  # 5 to 15 ms; a quadratic pattern takes seconds


@pytest.mark.parametrize("end", ["", "]"])
def test_what_only_begins_like_a_mark_takes_no_longer_than_it_is_long(end: str) -> None:
    text = "pwd=[redacted-" * (20_000) + end
    start = time.process_time()
    assert redact(text) == ("pwd=[redacted-password]", ("password",))
    assert time.process_time() - start < 1
