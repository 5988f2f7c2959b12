from hypothesis import given
from hypothesis import strategies as st
from vedette_broker.admission import MAX_PENDING, MAX_PENDING_OF_ONE, Admission

FLOOD, VICTIM = "192.0.2.1", "192.0.2.2"


def test_a_flood_from_one_address_leaves_room_for_another() -> None:
    admission = Admission(per_second=100, most=2_000)
    admitted = 0
    for number in range(10_000):
        if not admission.refusal(FLOOD, number / 1_000):
            admitted += 1
            admission.known(FLOOD)
            admission.gone()
        if number % 500 == 0:
            assert not admission.refusal(VICTIM, number / 1_000)
            admission.known(VICTIM)
            admission.gone()
    assert admitted <= 200 + 100 * 10


def test_those_who_say_nothing_are_few_from_one_address_and_in_all() -> None:
    admission = Admission(per_second=10_000, most=2_000)
    admitted = [admission.refusal(FLOOD, 0.0) for _ in range(MAX_PENDING_OF_ONE + 1)]
    assert admitted[-1] == "too many connections that say nothing"
    assert not any(admitted[:-1])
    others = [admission.refusal(f"198.51.100.{number}", 0.0) for number in range(200) for _ in range(3)]
    assert others.count("") == MAX_PENDING - MAX_PENDING_OF_ONE
    admission.known(FLOOD)
    assert not admission.refusal(FLOOD, 0.0)


def test_an_ipv6_network_counts_as_one_address() -> None:
    admission = Admission(per_second=1, most=2_000)
    refusals = [admission.refusal(f"2001:db8::{number:x}", 0.0) for number in range(5)]
    assert refusals == ["", "", *["too many connections a second"] * 3]
    assert not admission.refusal("2001:db8:0:1::1", 0.0)


@given(
    st.lists(st.tuples(st.sampled_from(["10.0.0.1", "10.0.0.2", "fe80::1%eth0"]), st.booleans())),
    st.integers(1, 9),
)
def test_never_more_than_the_most_are_open(events: list[tuple[str, bool]], most: int) -> None:
    admission = Admission(per_second=10_000, most=most)
    opened: list[str] = []
    for address, comes in events:
        if comes:
            if not admission.refusal(address, 0.0):
                opened.append(address)
        elif opened:
            admission.known(opened.pop())
            admission.gone()
        assert len(opened) <= most
    while opened:
        admission.known(opened.pop())
        admission.gone()
    assert not admission.refusal("10.0.0.3", 1.0)
