"""`python -m bench NAME`: run one benchmark, or `all`."""

import importlib
import sys

BENCHMARKS = (
    *("latency", "footprint", "ingest", "actions", "indicators"),
    *("hosts", "archive", "hunting", "console"),
)


def main() -> int:
    """Run what is named; say what there is when nothing fits."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else "all"
    if wanted not in (*BENCHMARKS, "all"):
        sys.stderr.write(f"no benchmark {wanted!r}; there are {', '.join(BENCHMARKS)} and all\n")
        return 2
    for name in BENCHMARKS if wanted == "all" else (wanted,):
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
