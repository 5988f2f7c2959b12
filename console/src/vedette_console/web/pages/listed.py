"""All pages there are, in the order of the navigation."""

from . import (
    Page,
    actions,
    alerts,
    charts,
    history,
    hosts,
    incidents,
    indicators,
    now,
    password,
    proposals,
    signing,
    streaming,
)

PAGES: tuple[Page, ...] = (
    now.PAGE,
    alerts.PAGE,
    incidents.PAGE,
    hosts.PAGE,
    actions.PAGE,
    indicators.PAGE,
    proposals.PAGE,
    history.PAGE,
    charts.PAGE,
    signing.PAGE,
    password.PAGE,
    streaming.PAGE,
)
