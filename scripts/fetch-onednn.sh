#!/usr/bin/env bash
# Puts oneDNN (Apache-2.0; CPU, OpenMP of GCC) into the cache folder, where training looks for it.
# The library is taken out of a Python wheel as a zip member; no code of the package is run.
# Prints the path of the library on stdout; does nothing else when the file is already there.
set -euo pipefail

package='onednn-cpu-gomp==2023.2.0'
member='onednn_cpu_gomp-2023.2.0.data/data/lib/libdnnl.so.3.2'
sha256='e6376208cf6bacb041c346b504207e3aa1189a13f941c92a4383a55ac27058ae'
folder="${NASC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nasc}/onednn"
target="$folder/libdnnl.so.3"

# The file gets its name only after its checksum was verified, so its presence is enough.
if [ -f "$target" ]; then
    echo "$target"
    exit 0
fi
if [ "$(uname -sm)" != 'Linux x86_64' ]; then
    echo "there is no oneDNN package for $(uname -sm): training will use nasc's own kernels" >&2
    exit 1
fi

mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "fetching $package (about 39 MB)" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --dest "$work" "$package" >&2

python3 - "$work" "$member" "$work/libdnnl.so.3" <<'PYTHON'
import pathlib
import shutil
import sys
import zipfile

folder, member, output = sys.argv[1:]
(wheel,) = pathlib.Path(folder).glob("*.whl")
with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(output, "wb") as sink:
    shutil.copyfileobj(source, sink, 1 << 20)
PYTHON

actual=$(sha256sum "$work/libdnnl.so.3" | cut -d ' ' -f 1)
if [ "$actual" != "$sha256" ]; then
    echo "the library of $package has SHA-256 $actual, expected $sha256: nothing was installed" >&2
    exit 1
fi
mv -f "$work/libdnnl.so.3" "$target"
echo "$target"
