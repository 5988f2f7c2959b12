"""Asks as Prometheus does, and reads the answer by its own parser."""

from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

WAIT = 20.0
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def ask(port: int) -> Samples:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=WAIT) as answer:
        return samples(answer.read().decode())


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def named(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]
