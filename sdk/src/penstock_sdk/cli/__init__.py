"""The `penstock` command."""


def main() -> None:
    raise SystemExit("not built")
