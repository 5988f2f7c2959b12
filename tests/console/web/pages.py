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
    "/history?text=phrase&host=host-7",
    "/indicators",
    "/indicators?q=http://www.evil-1.example/a",
    "/indicators/add?type=phrase&value=a+loud+phrase&action=alert",
    "/audit",
    "/audit?book=console",
    "/settings",
    "/incidents",
    "/incidents?status=all&order=newest",
    "/password",
    "/nowhere",
)
