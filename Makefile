# make test    everything, with the real OpenSSH and friends; what needs a database twice where PostgreSQL is installed
# make lint    what the compiler and clippy have to say
# make bench   what it costs, beside direct ssh and ssh -J: a table, a JSON file and a plot in target/bench
# make soak    a day in a small team, and whether anything is left of it (MINUTES=10 PEOPLE=1000)
# make demo    a bastion, a target and two people, ready to type at

# What the end-to-end tests run, on Debian and its kin. Of postgresql they use the programs alone, with servers of their
# own; the cluster that the package makes and starts is left alone.
PACKAGES = openssh-server openssh-client rsync git asciinema ansible-core lftp sshfs dropbear-bin \
	putty-tools python3-paramiko python3-asyncssh libssh-4 postgresql openssl

MINUTES = 10
PEOPLE = 1000

# The tests use the profile "bench": the release with debug assertions and overflow checks in our own crates. Its other crates
# are those of `cargo run --release`, compiled once for both.
PROFILE = bench

.PHONY: test bench soak packages lint demo

# ssh2, a client for Node, is no Debian package. Without npm its tests are skipped.
NODE_MODULES = $(CURDIR)/target/npm/node_modules
export NODE_PATH := $(NODE_MODULES):$(NODE_PATH)

test: packages
	@if command -v npm >/dev/null && ! node -e "require('ssh2')" 2>/dev/null; then \
		timeout 120 npm install --prefix target/npm --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error \
			--fetch-retries=1 --fetch-timeout=20000 ssh2 \
			|| echo "ssh2 could not be installed, so its tests are skipped"; \
	fi
	@status=0; \
	if cargo nextest --version >/dev/null 2>&1; then \
		on_sqlite() { cargo nextest run --workspace --cargo-profile $(PROFILE); }; \
		on_postgres() { cargo nextest run --package curfew --cargo-profile $(PROFILE) --profile postgres; }; \
	else \
		on_sqlite() { cargo test --workspace --no-fail-fast --profile $(PROFILE); }; \
		on_postgres() { \
			postgres_status=0; \
			cargo test --package curfew --profile $(PROFILE) --lib -- store:: usecase:: || postgres_status=1; \
			cargo test --package curfew --profile $(PROFILE) --test e2e -- promise_ life_of_access || postgres_status=1; \
			return $$postgres_status; \
		}; \
	fi; \
	echo "== on SQLite"; on_sqlite || status=1; \
	if command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then \
		echo "== on PostgreSQL"; (export CURFEW_TEST_DATABASE=postgres; on_postgres) || status=1; \
	else echo "== on PostgreSQL: skipped, since PostgreSQL is not installed"; fi; \
	exit $$status

# The release itself, and not its checked twin of the tests.
bench: packages
	cargo bench --profile release --bench bench

soak: packages
	cargo bench --profile release --bench soak -- --minutes $(MINUTES) --people $(PEOPLE)

# Installs what is missing where that is allowed, and otherwise names it.
packages:
	@missing=; for package in $(PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	if ! command -v apt-get >/dev/null; then echo "The tests want these Debian packages, or their kin:$$missing"; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing \
		|| echo "These could not be installed, so the tests that need them are skipped or fail:$$missing"; \
	elif sudo -n true 2>/dev/null; then sudo apt-get update -q && sudo DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing \
		|| echo "These could not be installed, so the tests that need them are skipped or fail:$$missing"; \
	else echo "The tests want packages. Please run: sudo apt-get install$$missing"; fi

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

demo:
	cargo run --release -- demo
