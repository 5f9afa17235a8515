# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The functions behind ./dev. Sourced; the working directory is the top of the checkout.

# One directory a checkout, outside of it: a home directory is closed to the ids that sandboxes run under, and a
# socket path must stay below 108 bytes (unix(7)).
DEV_DIR=${VORTEX_DEV_DIR:-/var/lib/vortex-dev/$(printf %s "$PWD" | sha256sum | cut -c1-8)}
IMAGE=vortex.local/python:dev
IMAGE_LAYOUT=$PWD/build/image-layout

# Read by name in install_packages.
# shellcheck disable=SC2034
{
  PACKAGES_build=(g++ cmake ninja-build pkg-config ccache protobuf-compiler protobuf-compiler-grpc libprotobuf-dev
    libgrpc++-dev libabsl-dev libfmt-dev nlohmann-json3-dev libyaml-cpp-dev libspdlog-dev prometheus-cpp-dev libcli11-dev libssl-dev zlib1g-dev libzstd-dev
    libboost-dev libc-ares-dev libseccomp-dev ca-certificates pybind11-dev python3-dev)
  PACKAGES_run=(containerd runc runsc python3 binutils)
  PACKAGES_test=(libgtest-dev libgmock-dev python3-jsonschema golang-github-containerd-containerd-dev
    golang-github-gogo-googleapis-dev golang-github-opencontainers-specs-dev strace iproute2 zstd crun prometheus openssl
    python3-pytest python3-pytest-asyncio python3-prometheus-client python3-matplotlib mypy)
  PACKAGES_docs=(mkdocs)
  PACKAGES_bench=(podman)
  PACKAGES_bench_egress=(tinyproxy-bin openssl)
  PACKAGES_python=(python3-venv)
  PACKAGES_node=(qemu-system-x86 mmdebstrap e2fsprogs debian-archive-keyring)
  PACKAGES_package=(dpkg-dev file lintian mmdebstrap)
  PACKAGES_lint=(clang clang-format clang-tidy libclang-rt-dev shellcheck)
}

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -E -- "$@"; fi
}

# install_packages GROUP…: what dpkg does not list as installed; asks apt only when something is missing.
install_packages() {
  local group packages=() missing=()
  for group in "$@"; do
    local -n list="PACKAGES_$group"
    packages+=("${list[@]}")
  done
  local package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  as_root apt-get update -q >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
}

# build PRESET [TARGET…]
build() {
  local preset=$1
  shift
  [ -f "build/$preset/build.ninja" ] || { say "configuring $preset"; cmake --preset "$preset" >&2; }
  say "building $preset"
  cmake --build --preset "$preset" ${1:+--target "$@"} >&2
}

print_env() {
  cat <<EOF
export PATH="$PWD/build/release/bin:\$PATH"
export VORTEX_CONTAINERD_ADDRESS="$DEV_DIR/containerd.sock"
export VORTEX_STATE_DIR="$DEV_DIR/run"
export VORTEX_DATA_DIR="$DEV_DIR/data"
export VORTEX_CGROUP_PARENT="/vortex-dev-$(basename "$DEV_DIR")"
export VORTEX_POLICY="$DEV_DIR/policy.yaml"
export VORTEX_AUDIT_DIR="$DEV_DIR/audit"
export VORTEX_EGRESS_PROXY="$PWD/build/release/bin/vortex-egress-proxy"
export VORTEX_IMAGE="$IMAGE"
export VORTEX_IMAGE_LAYOUT="$IMAGE_LAYOUT"
export PYTHONPATH="$PWD/build/python/lib:$PWD/python/src\${PYTHONPATH:+:\$PYTHONPATH}"
EOF
}

# The pid of our containerd, when it is the process that we started and still runs.
containerd_pid() {
  local pid
  pid=$(cat "$DEV_DIR/containerd.pid" 2>/dev/null) || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "--config $DEV_DIR/containerd.toml" || return 1
  echo "$pid"
}

# Kept when it is there: it may have been changed to try something.
write_policy() {
  [ -f "$DEV_DIR/policy.yaml" ] || as_root install -D -m 0644 deploy/policy/development.yaml "$DEV_DIR/policy.yaml"
  say "policy $DEV_DIR/policy.yaml: as written by ./dev it allows untrusted plugins, under runc, crun and gvisor"
}

containerd_up() {
  write_policy
  if containerd_pid >/dev/null; then return 0; fi
  say "starting a private containerd in $DEV_DIR"
  as_root scripts/private-containerd start "$DEV_DIR" "$PWD/build/release/bin"
}

containerd_down() {
  [ -d "$DEV_DIR" ] || return 0
  eval "$(print_env)"
  if containerd_pid >/dev/null && [ -x build/release/bin/vortexctl ]; then
    as_root build/release/bin/vortexctl gc >&2 || true
  fi
  as_root scripts/private-containerd stop "$DEV_DIR"
  # Empty by now; a runtime makes it in every hierarchy.
  as_root rmdir /sys/fs/cgroup{,/*}"$VORTEX_CGROUP_PARENT" 2>/dev/null || true
}

build_image() {
  eval "$(print_env)"
  say "building and importing the plugin runtime image"
  mkdir -p "$IMAGE_LAYOUT"
  as_root build/release/bin/vortexctl image build --output "$IMAGE_LAYOUT"
}

run_examples() {
  install_packages build run
  build release
  containerd_up
  build_image
  mkdir -p build/specs
  local example name code
  local examples=("$@")
  [ $# -gt 0 ] || mapfile -t examples < <(find examples -mindepth 2 -maxdepth 2 -name vortex-plugin.yaml -printf '%h\n' | sort)
  for example in "${examples[@]}"; do
    name=$(basename "$example")
    [ ! -x "$example/build" ] || "$example/build" >&2
    say "vortexctl run --plugin $example --payload @$example/payload.json"
    code=0
    as_root build/release/bin/vortexctl run --plugin "$example" --payload "@$example/payload.json" --report \
      --spec-out "build/specs/$name.json" || code=$?
    echo "    exit code $code" >&2
  done
  say "done. By hand: eval \"\$(./dev env)\"; vortexctl run --plugin examples/word-count --payload '{\"text\":\"a b a\"}'"
}

run_tests() {
  install_packages build run test
  # Budgets are those of what users run; all else is tested under sanitizers.
  build release
  build python
  build dev
  say "testing"
  as_root ctest --test-dir build/dev --output-on-failure --no-tests=error ${1:+-R "$1"}
}

# run_node_tests [GROUP…]: in a machine with systemd, cgroup v2 and the containerd of NODE_SUITE.
run_node_tests() {
  local suite=${NODE_SUITE:-trixie} work code=0
  install_packages build run node
  build release
  images/python/build --init build/release/images/init --output "$IMAGE_LAYOUT" --name "$IMAGE" >&2
  mkdir -p build/node
  work=$(mktemp -d "$PWD/build/node/stage.XXXXXX")
  tests/node/stage build/release "$IMAGE_LAYOUT" "$work/payload" "$@"
  rm -f "build/node/$suite.log"
  say "booting $suite; its console goes to build/node/$suite.log"
  as_root env NODE_TIMEOUT="${NODE_TIMEOUT:-1500}" NODE_CONSOLE="$PWD/build/node/$suite.log" scripts/node-vm run "$suite" "$work/payload" || code=$?
  rm -rf "$work"
  return "$code"
}

# Debian has no pyright; without this its test is skipped and says so.
python_tools() {
  install_packages python
  python3 -m venv build/python-tools
  build/python-tools/bin/pip install --quiet 'pyright[nodejs]'
}

# Debian packages of this machine's release, in build/packages. A build of its own: the prefix and the interpreter
# that /usr/bin/python3 is are decided when it is configured.
build_packages() {
  install_packages build package
  cmake -S . -B build/package -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DVORTEX_TESTS=OFF \
    -DVORTEX_PYTHON=ON -DVORTEX_PYTHON_SHARED=ON -DPython_EXECUTABLE=/usr/bin/python3 >&2
  say "building the packages"
  cmake --build build/package >&2
  rm -rf build/packages
  (umask 022 && cd build/package && cpack >&2)
  ls -l build/packages/*.deb
}

run_bench() {
  install_packages build run
  if [ "${1:-}" = python ]; then
    shift
    install_packages bench
    build python
    build release
    containerd_up
    build_image
    eval "$(print_env)"
    as_root env PYTHONPATH="$PYTHONPATH" /usr/bin/python3 python/bench/bench.py "$@"
    return
  fi
  if [ "${1:-}" = egress ]; then
    shift
    install_packages bench_egress
    build release vortex-egress-proxy
    as_root env VORTEX_EGRESS_PROXY="$PWD/build/release/bin/vortex-egress-proxy" /usr/bin/python3 tests/bench/egress_bench.py "$@"
    return
  fi
  if [ "${1:-}" = gate ]; then
    shift
    build release vortex-gate-bench
    build/release/tests/bench/vortex-gate-bench "$@"
    return
  fi
  if [ "${1:-}" = shim ]; then
    shift
    install_packages test
    build release containerd-shim-vortex-v2
    as_root python3 tests/bench/shim_bench.py "$@"
    return
  fi
  build release
  containerd_up
  build_image
  eval "$(print_env)"
  if [ "${1:-}" = watch ]; then
    shift
    as_root python3 tests/bench/watch_bench.py "$@"
    return
  fi
  as_root python3 tests/bench/bench.py "$@"
}

build_docs() {
  build python
  rm -rf build/docs-source
  mkdir -p build/docs-source
  cp -r docs/. build/docs-source/
  cp README.md build/docs-source/index.md
  mkdir -p build/docs-source/reference
  PYTHONPATH=build/python/lib /usr/bin/python3 python/reference build/docs-source/reference/python.md
  mkdocs build --quiet 2>build/docs.log || { cat build/docs.log >&2; return 1; }
  say "docs: build/docs/index.html; links that leave docs/ are told in build/docs.log"
}

format_sources() {
  find src tests examples python \( -name '*.h' -o -name '*.cc' \) -exec clang-format "$@" {} +
}

lint() {
  format_sources --dry-run --Werror
  shellcheck -x dev scripts/*.sh scripts/private-containerd scripts/node-vm .ci/run
  /usr/bin/python3 tests/layers_test.py
}

run_fuzzer() {
  local name=$1 seconds=${2:-60}
  build fuzz "$name"
  mkdir -p "build/fuzz-corpus/$name"
  local seeds=tests/fuzz/corpus/${name%_fuzz}
  [ -d "$seeds" ] || seeds=
  "build/fuzz/tests/fuzz/$name" -max_total_time="$seconds" "build/fuzz-corpus/$name" ${seeds:+"$seeds"}
}
