#!/bin/sh
# Writes dist/vedette-host-VERSION-PLATFORM.tar.gz: all that a host needs but Python, to be installed without
# a network. From the same files come the same bytes.
# Usage: deploy/bundle/make.sh [FOLDER]    in place of dist
set -eu
umask 022
export LC_ALL=C
cd "$(dirname "$0")/../.."
members="schemas indicators transport sensor enforcer"
pythons="3.11 3.12 3.13 3.14"
glibc=28 # 2.28: what can_ada needs. A wheel that needs a newer one is left out, an older will do.

fail() { echo "vedette: $*" >&2; exit 2; }

[ "$(uname -s)" = Linux ] || fail "the archive is for hosts with Linux: run make bundle on one"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' sensor/pyproject.toml)
machine=$(uname -m)
name=vedette-host-$version-linux-$machine
target=${1:-dist}
mkdir -p "$target"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM
bundle=$work/$name
mkdir -p "$bundle/wheels" "$work/own"

pip() { PATH=$PWD/.venv/bin:$PATH .venv/bin/python -P -m pip --disable-pip-version-check -qq "$@"; }

paths=""
for member in $members; do paths="$paths ./$member"; done
# shellcheck disable=SC2086
pip wheel --no-deps --no-build-isolation --no-index --wheel-dir "$work/own" $paths ||
    fail "the wheels of the workspace can't be built (pip said why above)"

# From the oldest glibc on: of two wheels the one that more hosts can use.
platforms=""
for minor in $(seq 5 $glibc); do platforms="$platforms --platform manylinux_2_${minor}_$machine"; done
for old in 1 2010 2014; do platforms="$platforms --platform manylinux${old}_$machine"; done
sed -n 's/^\([a-z0-9][a-z0-9.-]*==[^ ]*\).*/\1/p' requirements.lock >"$work/pins"
downloads=""
for python in $pythons; do
    # pip takes its markers from the Python that it runs in: the lock has none that tell Pythons ≥ 3.11 apart.
    # shellcheck disable=SC2086
    pip download --only-binary :all: --implementation cp --python-version "$python" $platforms \
        --constraint "$work/pins" --dest "$work/$python" "$work"/own/*.whl pip &
    downloads="$downloads $python:$!"
done
for download in $downloads; do
    wait "${download#*:}" || fail "no wheels for Python ${download%:*} on $machine (pip said why above)"
    cp "$work/${download%:*}"/* "$bundle/wheels"
done
for wheel in "$bundle"/wheels/*; do
    hash=$(sha256sum "$wheel" | cut -d ' ' -f 1)
    if [ -e "$work/own/${wheel##*/}" ]; then
        cmp -s "$work/own/${wheel##*/}" "$wheel" || fail "${wheel##*/} is not ours"
    else
        grep -q -F "sha256:$hash" requirements.lock || fail "${wheel##*/} has a hash that is not in requirements.lock"
    fi
done
mv "$bundle"/wheels/pip-*.whl "$bundle"

cp deploy/bundle/install.sh deploy/bundle/uninstall.sh deploy/bundle/README LICENSE "$bundle"
cat >"$bundle/needs" <<END
version="$version"
machine="$machine"
pythons="$pythons"
glibc="2.$glibc"
END
(cd "$bundle" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs -d '\n' sha256sum >SHA256SUMS)

tar --directory "$work" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    --mtime=@315532800 --create "$name" | gzip --no-name --best >"$target/.$name.new"
mv "$target/.$name.new" "$target/$name.tar.gz"
echo "$target/$name.tar.gz: $(du --apparent-size --block-size=100K "$target/$name.tar.gz" | awk '{print $1 / 10}') MB"
sha256sum "$target/$name.tar.gz"
