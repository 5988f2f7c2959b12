"""All pages there are, in the order of the navigation."""

from . import (
    Page,
    actions,
    alerts,
    audit,
    charts,
    history,
    hosts,
    incidents,
    indicators,
    now,
    password,
    proposals,
    settings,
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
    audit.PAGE,
    settings.PAGE,
    charts.PAGE,
    signing.PAGE,
    password.PAGE,
    streaming.PAGE,
)
