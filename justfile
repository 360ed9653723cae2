# The commands of this house; `just` lists them. Each sets up what it needs.

python := ".venv/bin/python"
demo_state := "out/demo/state"

[private]
default:
    @{{ just_executable() }} --justfile {{ justfile() }} --list --unsorted

# Make .venv from the locks, and name what this machine lacks
setup: _python _programs

[private]
_python:
    @tools/setup.sh python

[private]
_programs:
    @tools/setup.sh programs

# Cut a highlight out of footage that is made on the spot
demo: _python
    @mkdir -p out/demo
    @test -f out/demo/talk.mp4 || {{ python }} -m demo.footage out/demo/making.mp4
    @test -f out/demo/talk.mp4 || mv out/demo/making.mp4 out/demo/talk.mp4
    .venv/bin/cutroom edit out/demo/talk.mp4 --state-dir {{ demo_state }} --goal "a 20 second highlight" --profile reels -o out/demo/highlight.mp4 --approve auto
    @echo
    @echo "The cut:      out/demo/highlight.mp4, and beside it the receipt: what went in, what was checked"
    @echo "How it came:  .venv/bin/cutroom show last --state-dir {{ demo_state }}"
    @echo "The screen:   .venv/bin/cutroom tui --state-dir {{ demo_state }}"
    @echo "Your footage: .venv/bin/cutroom edit YOUR.mp4 --goal \"a 30 second highlight\" --profile reels -o out.mp4"

# Run the daemon in the foreground
serve *arguments: _python
    .venv/bin/cutroom serve {{ arguments }}

# Run the tests
test *arguments: setup
    {{ python }} -m pytest --numprocesses auto --dist loadfile {{ arguments }}

# Everything that CI checks, cheapest first
check: setup lint types imports ts test

# Put the code into its form
fmt: _python
    {{ python }} -m ruff check --fix --quiet .
    {{ python }} -m ruff format .

# Check, lint, test and bundle the TypeScript; no node
ts: _python
    @tools/setup.sh bundler
    DENO_DIR="$PWD/.venv/deno" DENO_NO_UPDATE_CHECK=1 .venv/bin/deno task --quiet --cwd clients/sdk-ts all

# Style, errors that can be seen without running, and form
lint: _python
    {{ python }} -m ruff check .
    {{ python }} -m ruff format --check .

# Types, strictly
types: _python
    {{ python }} -m mypy

# Who may import whom
imports: _python
    .venv/bin/lint-imports

# The long tests: crashes, faults, and many more examples of each property; `just fault kill` is one kind (docs/faults.md)
fault what="" *arguments: setup
    {{ python }} -m pytest -m "deep or not deep" --deep --timeout=3600 {{ if what == "" { "tests/fault tests/property" } else { "tests/[fp]*/test_" + what + "*.py" } }} {{ arguments }}

# Measure on this machine: the log, the demo's edit twice, the kernel against etcd
bench *arguments: _python
    {{ python }} -m tools.bench {{ arguments }}

# Rewrite the golden files: contracts, recorded histories, examples of the view; the only way to do so
snap: _python
    {{ python }} -m tests.replay.record
    {{ python }} -m pytest --snap tests/house/test_contract.py tests/conformance/test_recorded.py tests/unit/http/test_recorded_streams.py tests/unit/view/test_examples.py tests/unit/editing/interchange/test_golden.py

# Rewrite specs/ and the types of the TypeScript SDK from the wire and the routes
specs: _python
    {{ python }} -m tools.specs

# Rewrite docs/reference/ from the code, and the stills of the effects
docs: _python
    {{ python }} -m tools.reference
    {{ python }} -m tools.stills

# List what grew too large, and what is there twice
house: _python
    {{ python }} -m tools.house
