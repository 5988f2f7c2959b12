"""The web console: pages for operators, rendered on the server, and an interface for programs."""
