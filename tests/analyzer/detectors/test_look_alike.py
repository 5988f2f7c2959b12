import pytest
from vedette_analyzer.detectors import Lists, all_detectors
from vedette_analyzer.finding import Finding
from vedette_indicators import IndicatorTable, ListAction
from vedette_indicators.look_alikes import LookAlikes
from vedette_schemas import Observation, Where

from tests import messages

OWN = Lists(IndicatorTable(()), LookAlikes(["paypal.com", "meier-bank.de"]))


def found(observation: Observation, lists: Lists = OWN) -> list[Finding]:
    return [
        finding
        for detector in all_detectors(lists)
        if isinstance(observation, detector.watches)
        for finding in detector.inspect(observation)
    ]


@pytest.mark.parametrize(
    ("observation", "where"),
    [
        (messages.window(title="Log in - www.paypa1.com - Firefox"), Where.TITLE),
        (messages.clipboard("see https://p\u0430ypal.com/login, then https://paypa1.com"), Where.TEXT),
        (messages.connection(host="rneier-bank.de"), Where.ADDRESS),
    ],
)
def test_a_look_alike_alerts_once_and_is_no_entry(observation: Observation, where: Where) -> None:
    (finding,) = found(observation)
    assert (finding.where, finding.wants, finding.match) == (where, ListAction.ALERT, None)
    assert "looks like" in finding.summary
    assert found(observation, Lists(IndicatorTable(()))) == []


@pytest.mark.parametrize(
    "observation",
    [
        messages.window(title="Log in - www.paypal.com - Firefox"),
        messages.clipboard("https://meier-bank.de and http://meier-bank.dev/ and 192.0.2.7"),
        messages.connection(host="shop.example"),
        messages.connection(),
    ],
)
def test_the_names_themselves_and_others_stay_quiet(observation: Observation) -> None:
    assert found(observation) == []
