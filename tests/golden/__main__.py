"""`python -m tests.golden`: write the golden files anew; look at the diff before it is committed."""

from tests.golden.renderers import golden, kept

wanted = golden()
for stale in kept() - set(wanted):
    stale.unlink()
for path, text in wanted.items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
print(f"{len(wanted)} golden files written")
