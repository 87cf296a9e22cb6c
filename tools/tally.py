"""Sums up what ctest, its GoogleTest programs and pytest left in a folder of results, given the exit status of the whole
run: prints what did not pass and then "N passed, N failed[, N skipped]". Exit 0 when something passed and nothing
failed. Under CI=true a skip is a failure."""
import os
import pathlib
import sys
import xml.etree.ElementTree


def cases(file):
    """Yields (name, outcome) of every test in a JUnit file: "passed", "failed" or "skipped"."""
    for case in xml.etree.ElementTree.parse(file).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        if case.get("status") == "notrun" or case.get("result") == "suppressed":
            continue  # GoogleTest lists those that its filter left out
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            yield name, "failed"
        elif case.find("skipped") is not None or case.get("status") == "disabled":
            yield name, "skipped"
        else:
            yield name, "passed"


def gather(results):
    outcomes = []
    programs = {file.stem: list(cases(file)) for file in (results / "gtest").glob("*.xml")}
    if (results / "ctest.xml").exists():
        for name, outcome in cases(results / "ctest.xml"):
            outcomes += of_program(name.split(".")[-1], outcome, programs)
    for file in sorted(results.glob("pytest-*.xml")):
        outcomes += cases(file)
    return outcomes


def of_program(name, outcome, programs):
    """The tests in a program count one by one; a program that failed without saying where counts as one failure."""
    inside = programs.get(name)
    if inside is None:
        return [(name, outcome)]
    if outcome == "failed" and all(found != "failed" for _, found in inside):
        return [*inside, (f"{name} (ended badly)", "failed")]
    return inside


def main(results, status):
    outcomes = gather(results)
    if status != 0 and all(outcome != "failed" for _, outcome in outcomes):
        outcomes.append((f"the run as a whole (exit {status})", "failed"))  # cut short, or never began
    counts = {kind: [name for name, outcome in outcomes if outcome == kind] for kind in ("passed", "failed", "skipped")}
    for kind in ("skipped", "failed"):
        for name in counts[kind]:
            print(f"{kind}: {name}")
    if os.environ.get("CI") == "true":
        counts["failed"] += counts.pop("skipped")
    if not counts["passed"] and not counts["failed"]:
        print("no test was run")
    skipped = f", {len(counts['skipped'])} skipped" if counts.get("skipped") else ""
    print(f"{len(counts['passed'])} passed, {len(counts['failed'])} failed{skipped}")
    return 0 if counts["passed"] and not counts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
