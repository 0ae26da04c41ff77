#!/usr/bin/env bash
# Runs folders of `nasc compile --emit c` as ARM programs on their test vectors.
#
#     scripts/check_arm.sh FOLDER...
#
# Each is compiled for 32-bit ARM with NEON and for 64-bit ARM with all warnings as errors, and runs
# under qemu; differences are relative to the largest expected result. Ends with 1 if one is above 1e-4
# or a class differs. VECTORS=64 limits the vectors of each. Needs python3 and, of Debian: qemu-user
# gcc-arm-linux-gnueabihf libc6-dev-armhf-cross gcc-aarch64-linux-gnu libc6-dev-arm64-cross
set -euo pipefail

[ $# -gt 0 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
warnings="-std=c99 -O2 -Wall -Wextra -Wpedantic -Wconversion -Werror"
failed=0

compare() {
    python3 - "$@" <<'PYTHON'
import array, json, struct, subprocess, sys
name, machine, vectors, most, *command = sys.argv[1:]
bytes_of = open(vectors, "rb").read()
length, = struct.unpack("<Q", bytes_of[:8])
header = json.loads(bytes_of[8:8 + length])
def floats(key):
    begin, end = header[key]["data_offsets"]
    return array.array("f", bytes_of[8 + length + begin:8 + length + end])
inputs, outputs = floats("inputs"), floats("outputs")
count = header["inputs"]["shape"][0]
width, taken = len(outputs) // count, min(count, int(most))
inputs, outputs = inputs[:len(inputs) // count * taken], outputs[:width * taken]
done = subprocess.run(command, input=inputs.tobytes(), capture_output=True, check=True)
found = array.array("f", done.stdout)
if len(found) != len(outputs):
    sys.exit(f"{name}, {machine}: {len(found)} results instead of {len(outputs)}")
scale = max(map(abs, outputs)) or 1.0
worst = max(abs(a - b) for a, b in zip(found, outputs)) / scale
def classes(results):
    rows = [results[start:start + width] for start in range(0, len(results), width)]
    return [row.index(max(row)) for row in rows]
same = sum(a == b for a, b in zip(classes(found), classes(outputs)))
print(f"{name}, {machine}: {taken} vectors, largest difference {worst:.1e}, same class {same}/{taken}", flush=True)
sys.exit(not (worst <= 1e-4 and same == taken))
PYTHON
}

for folder in "$@"; do
    for machine in arm aarch64; do
        case $machine in
            arm) triple=arm-linux-gnueabihf options="-mfpu=neon" ;;
            aarch64) triple=aarch64-linux-gnu options="" ;;
        esac
        # shellcheck disable=SC2086 # words are options
        "$triple-gcc" $warnings $options -static "$folder/model.c" "$folder/test.c" -o "$place/program" -lm
        compare "$(basename "$folder")" "$machine" "$folder/vectors.safetensors" "${VECTORS:-64}" \
            "qemu-$machine" "$place/program" || failed=1
    done
done
exit "$failed"
