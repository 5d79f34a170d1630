"""`python -m tests.golden`: write the golden files anew; look at the diff before it is committed."""

from tests.golden.renderers import FOLDER, RENDERERS, golden

wanted = golden()
for renderer in RENDERERS:
    for stale in set((FOLDER / renderer).rglob("*.json")) - set(wanted):
        stale.unlink()
for path, text in wanted.items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
print(f"{len(wanted)} golden files written")
