"""The test suite: unit, flows, properties, races, faults, doors, browser, bench, drills, and the house's own rules."""
