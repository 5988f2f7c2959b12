from hypothesis import given
from hypothesis import strategies as st
from vedette_broker.tree import TopicTree

TOPICS = st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=4).map("/".join)
FILTERS = st.tuples(
    st.sampled_from(["", "/", "a/", "+/", "a/+/", "/b/", "a/b/+/"]), st.sampled_from(["#", "a", "+", "b"])
).map("".join)
SUBSCRIPTIONS = st.lists(st.tuples(FILTERS, st.sampled_from("xyz"), st.integers(0, 1)), max_size=12)


def matches(topic_filter: str, topic: str) -> bool:
    """Match level by level, as MQTT 3.1.1 has it."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        return matches("/".join(wanted[:-1]), "/".join(levels[: len(wanted) - 1])) if wanted[:-1] else True
    return len(wanted) == len(levels) and all(
        level in ("+", there) for level, there in zip(wanted, levels, strict=True)
    )


@given(SUBSCRIPTIONS, TOPICS)
def test_it_finds_what_matches_each_once_with_the_highest_qos(
    subscriptions: list[tuple[str, str, int]], topic: str
) -> None:
    tree: TopicTree[str] = TopicTree()
    latest: dict[tuple[str, str], int] = {}
    for topic_filter, subscriber, qos in subscriptions:
        tree.add(topic_filter, subscriber, qos)
        latest[topic_filter, subscriber] = qos
    expected: dict[str, int] = {}
    for (topic_filter, subscriber), qos in latest.items():
        if matches(topic_filter, topic):
            expected[subscriber] = max(expected.get(subscriber, 0), qos)
    assert tree.find(topic) == expected


@given(SUBSCRIPTIONS, SUBSCRIPTIONS, TOPICS)
def test_what_is_removed_leaves_nothing_behind(
    stays: list[tuple[str, str, int]], goes: list[tuple[str, str, int]], topic: str
) -> None:
    tree: TopicTree[str] = TopicTree()
    without: TopicTree[str] = TopicTree()
    for topic_filter, subscriber, qos in goes:
        tree.add(topic_filter, subscriber, qos)
    for topic_filter, subscriber, qos in stays:
        tree.add(topic_filter, subscriber.upper(), qos)
        without.add(topic_filter, subscriber.upper(), qos)
    for topic_filter, subscriber, _ in goes:
        tree.remove(topic_filter, subscriber)
    assert tree.find(topic) == without.find(topic)
    for topic_filter, subscriber, _ in stays:
        tree.remove(topic_filter, subscriber.upper())
    assert tree.is_empty


def test_removing_what_was_never_there_changes_nothing() -> None:
    tree: TopicTree[str] = TopicTree()
    tree.add("a/b", "x", 0)
    for topic_filter in ("a", "a/b/c", "a/#", "c", "#"):
        tree.remove(topic_filter, "x")
    tree.remove("a/b", "y")
    assert tree.find("a/b") == {"x": 0}
