"""All pages there are, in the order of the navigation."""

from . import Page, actions, alerts, hosts, now, password, signing, streaming

PAGES: tuple[Page, ...] = (
    now.PAGE,
    alerts.PAGE,
    hosts.PAGE,
    actions.PAGE,
    signing.PAGE,
    password.PAGE,
    streaming.PAGE,
)
