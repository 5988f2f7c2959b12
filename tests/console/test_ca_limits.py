"""How often an address may fail."""

from vedette_console.ca.limits import Failures


def test_who_fails_too_often_has_to_wait_and_may_ask_again_later() -> None:
    failures = Failures(burst=3, seconds=6.0)
    for _ in range(3):
        assert failures.wait("192.0.2.1", 0.0) == 0.0
        failures.count("192.0.2.1", 0.0)
    assert failures.wait("192.0.2.1", 0.0) == 6.0
    assert failures.wait("192.0.2.1", 6.0) == 0.0
    failures.count("192.0.2.1", 6.0)
    assert failures.wait("192.0.2.1", 6.0) > 0.0
    assert failures.wait("192.0.2.1", 600.0) == 0.0


def test_who_does_not_fail_is_not_held_up_by_who_does() -> None:
    failures = Failures(burst=1, seconds=6.0)
    failures.count("192.0.2.1", 0.0)
    assert failures.wait("192.0.2.2", 0.0) == 0.0


def test_one_machine_has_one_ipv6_network_and_one_ipv4_address_however_written() -> None:
    failures = Failures(burst=1, seconds=6.0)
    failures.count("2001:db8::1", 0.0)
    failures.count("192.0.2.1", 0.0)
    assert failures.wait("2001:db8::ffff:2", 0.0) > 0.0
    assert failures.wait("2001:db8:0:1::1", 0.0) == 0.0
    assert failures.wait("::ffff:192.0.2.1", 0.0) > 0.0


def test_what_is_remembered_is_bounded() -> None:
    failures = Failures(burst=1, seconds=6.0)
    for number in range(20_000):
        failures.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert failures.wait("10.0.0.1", 0.0) == 0.0
    assert failures.wait("10.0.78.31", 0.0) > 0.0
