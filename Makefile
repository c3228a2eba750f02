# make test    everything, with the real OpenSSH and friends
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
	cargo build --workspace --all-targets
	if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace --no-fail-fast; else cargo test --workspace --no-fail-fast; fi

bench: packages
	cargo bench --bench bench

soak: packages
	cargo bench --bench soak -- --minutes $(MINUTES) --people $(PEOPLE)

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
