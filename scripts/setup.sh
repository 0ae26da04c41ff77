#!/usr/bin/env bash
# Installs what is missing to build, search and test: Debian packages (cmake, clang, libclang-dev,
# pkg-config, make), the default language model and oneDNN. Does nothing, quickly, where all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
have() { command -v "$1" >/dev/null 2>&1; }
have cmake || missing+=(cmake)
have clang || missing+=(clang)
have make || missing+=(make)
have g++ || missing+=(g++)
have pkg-config || missing+=(pkg-config)
compgen -G "/usr/lib/llvm-*/lib/libclang*.so*" >/dev/null || compgen -G "/usr/lib/*/libclang*.so*" >/dev/null || missing+=(libclang-dev)

if [ "${#missing[@]}" -gt 0 ]; then
  if ! have apt-get; then
    echo "setup: please install: ${missing[*]}" >&2
    exit 1
  fi
  root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  echo "setup: installing ${missing[*]}"
  "${root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null
fi

if ! have cargo; then
  echo "setup: cargo is missing; install Rust with rustup (rustup.rs) and run this again" >&2
  exit 1
fi

if ! scripts/fetch-model.sh >/dev/null; then
  echo "setup: the default language model could not be fetched; \`nasc search\` will need --model FILE.gguf" >&2
fi
if ! scripts/fetch-onednn.sh >/dev/null; then
  echo "setup: oneDNN could not be fetched; training will run on nasc's own, slower kernels" >&2
fi
