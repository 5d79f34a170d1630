"""The pages in a real browser, over a whole running store."""
