# SPDX-License-Identifier: Apache-2.0
# Two commands for newcomers: `make run` and `make test`. Both install what is
# missing, on a Debian 12 as root.

BUILD_PACKAGES := build-essential cmake ninja-build mold pkg-config ccache libevent-dev libspdlog-dev libfmt-dev \
  libyaml-cpp-dev libjemalloc-dev libssl-dev libc-ares-dev libnghttp2-dev libre2-dev libsystemd-dev libcrypt-dev libcli11-dev nlohmann-json3-dev libsimdjson-dev zlib1g-dev \
  libnats-dev libcurl4-openssl-dev
TEST_PACKAGES := libgtest-dev libgmock-dev libgrpc++-dev libprotobuf-dev protobuf-compiler-grpc libboost-dev node-llhttp python3-jsonschema python3 iproute2 nftables \
  curl openssl nginx-light wrk nghttp2-client python3-h2 procps nodejs node-ws chromium prometheus groff-base goaccess fail2ban openjdk-17-jdk-headless apache2-bin certbot lego pebble nats-server victoria-metrics
PACKAGE_PACKAGES := dpkg-dev fakeroot lintian man-db python3
LINT_PACKAGES := clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev
# make bench starts programs of its own; no service has to run.
BENCH_PACKAGES := haproxy nginx-light wrk nghttp2-client curl openssl python3 linux-perf strace libbenchmark-dev
NPM_INSTALLED := tests/npm/node_modules/.package-lock.json
SOURCES := $(shell git ls-files '*.cpp' '*.h' 2>/dev/null)
export CCACHE_NOHASHDIR := 1
export CCACHE_SLOPPINESS := pch_defines,time_macros
export CCACHE_BASEDIR := $(CURDIR)

# $(1): build directory, $(2): which of the other tests. Scenarios mostly wait, so
# they run side by side; of the others those that say that they need two
# processors run beside one that needs one. Only those that say what starves
# them, a timer of the kernel, get a second try.
define ctest
ctest --test-dir $(1) --output-on-failure -j 4 -R '^(((Origin|Both)?Http2)?Scenario|Lifetime)/' $(CTEST_ARGS)
ctest --test-dir $(1) --output-on-failure -R '^(Http2)?Starved/' --repeat until-pass:2 $(CTEST_ARGS)
ctest --test-dir $(1) --output-on-failure -j 3 -R '$(2)' -E '^(((Origin|Both)?Http2)?(Scenario|Starved)|Lifetime)/' $(CTEST_ARGS)
endef

.PHONY: run test docs asan tsan deb format format-check tidy fuzz deps test-deps package-deps lint-deps bench bench-micro bench-deps

run: deps
	cmake --preset quick
	cmake --build --preset quick --parallel $$(nproc)
	exec build/quick/gatewhy demo

test: test-deps
	cmake --preset release -DGATEWHY_TESTS=ON
	cmake --build --preset release
	$(call ctest,build,.)

asan: test-deps
	cmake --preset asan
	cmake --build --preset asan
	$(call ctest,build-asan,.)

# What has threads: the daemon in every scenario and at every end of its life, the event log.
tsan: test-deps
	cmake --preset tsan
	cmake --build --preset tsan --target gatewhy gatewhy_test_dns scenario_test lifetime_test unit_daemon
	$(call ctest,build-tsan,^unit_daemon$$)

# build/gatewhy_VERSION_amd64.deb, clean under lintian, with everything in it that docs/deployment.md says.
deb: deps package-deps
	cmake --preset release -DGATEWHY_TESTS=OFF
	cmake --build --preset release --target gatewhy package_files
	rm -f build/gatewhy_*.deb
	cd build && fakeroot cpack
	lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs build/gatewhy_*.deb
	tests/package_test.sh . build/gatewhy_*.deb

fuzz: test-deps lint-deps
	cmake --preset fuzz
	cmake --build --preset fuzz

format: lint-deps
	clang-format-14 -i $(SOURCES)

format-check: lint-deps
	clang-format-14 --dry-run --Werror $(SOURCES)

# First each unit by its own includes, without precompiled headers: one that lacks
# an include does not compile. Then all checks over whole libraries, whose headers
# are then read once.
tidy: lint-deps
	cmake --preset includes
	printf '%s\n' $(filter-out tests/% bench/%,$(filter %.cpp,$(SOURCES))) | \
	  xargs -P $$(nproc) -n 8 clang-tidy-14 -p build/includes --quiet --checks='-*,misc-static-assert,clang-diagnostic-*'
	cmake --preset tidy
	cmake -DOUT=build/tidy/admin_page_files.cpp -DDIR=daemon/admin/page -P daemon/admin/page/embed.cmake
	sed -n 's/^  "file": "\(.*\)".*/\1/p' build/tidy/compile_commands.json | grep -v '^$(CURDIR)/\(build/tidy/\)*bench/' | \
	  xargs -P $$(nproc) -n 1 clang-tidy-14 -p build/tidy --quiet --checks=-bugprone-suspicious-include \
	    --header-filter='^$(CURDIR)/(diagnostics|config|proxy|daemon)/'

# Against HAProxy and nginx, half an hour: see docs/performance.md. BENCH_ARGS='--only 1k' for less.
bench: bench-deps
	cmake --preset release -DGATEWHY_TESTS=OFF
	cmake --build --preset release --target gatewhy bench_origin bench_h2_origin bench_handshakes bench_relay bench_tunnel
	bench/run --page docs/performance.md $(BENCH_ARGS)

bench-micro: bench-deps
	cmake --preset release -DGATEWHY_TESTS=OFF
	cmake --build --preset release --target micro_parser micro_exchange micro_lint micro_log
	build/micro_parser && build/micro_exchange && build/micro_lint && build/micro_log

# docs/causes.md, status-codes.md, events.md, findings.md, configuration.md,
# metrics.md, man/*.[57] and systemd/gatewhy.catalog come from the tables.
docs: test-deps
	cmake --preset release -DGATEWHY_TESTS=ON
	cmake --build --preset release --target unit_diagnostics unit_config unit_daemon
	GATEWHY_UPDATE_DOCS=1 build/unit_diagnostics --gtest_brief=1
	GATEWHY_UPDATE_DOCS=1 build/unit_config --gtest_brief=1
	GATEWHY_UPDATE_DOCS=1 build/unit_daemon --gtest_brief=1 --gtest_filter=MetricsManual.*

# $(1): packages. apt is asked only where one is missing: dpkg also knows those that others only recommend.
install = @[ "$$(dpkg-query -W -f '$${db:Status-Status}\n' $(1) 2>/dev/null | grep -cx installed)" -ge $(words $(1)) ] || \
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(1); }

deps:
	$(call install,$(BUILD_PACKAGES))

test-deps: deps
	$(call install,$(TEST_PACKAGES))
	@$(MAKE) -s $(NPM_INSTALLED)

# Nodejs from elsewhere than Debian brings its own npm.
$(NPM_INSTALLED): tests/npm/package-lock.json
	@command -v npm >/dev/null || \
	  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends npm; }
	npm ci --prefix tests/npm --ignore-scripts --no-audit --no-fund
	@touch $@

package-deps:
	$(call install,$(PACKAGE_PACKAGES))

bench-deps: deps
	$(call install,$(BENCH_PACKAGES))

lint-deps:
	$(call install,$(LINT_PACKAGES))
