"""All pages, by their addresses: what must hold on every page is tried on each of these."""

PAGES = (
    "/",
    "/alerts",
    "/alerts?text=phrase&severity=critical",
    "/hosts",
    "/hosts/host-7",
    "/actions",
    "/history",
    "/history?events=observations",
    "/password",
    "/nowhere",
)
