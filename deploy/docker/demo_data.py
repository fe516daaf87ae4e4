"""Load deploy/demo/*.sql into the database that libpq's variables (PGHOST, PGDATABASE, …) name.

Each file makes the schema of its name; one that is there is left alone, for exports may be reading it.
"""

from __future__ import annotations

from pathlib import Path

DEMO = Path(__file__).parents[1] / "demo"


def main() -> None:
    """Load each file in one transaction."""
    import psycopg

    for file in sorted(DEMO.glob("*.sql")):
        with psycopg.connect() as connection:
            row = connection.execute("select to_regnamespace(%s)", [file.stem]).fetchone()
            if row and row[0]:
                print(f"{file.stem}: there already", flush=True)
                continue
            # The whole file as one query without parameters: any number of statements.
            connection.execute(file.read_bytes())
        print(f"{file.stem}: loaded", flush=True)


if __name__ == "__main__":
    main()
