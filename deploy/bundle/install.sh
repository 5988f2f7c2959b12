#!/bin/sh
# Installs Vedette on this host from the folder that this script lies in, without a network.
# Usage, as root: sh install.sh [TOKEN]   with a token of "vedette enrol" (- reads it from stdin): joins, starts
# May be run again: what is there is replaced in one step, so that whoever is killed leaves the old or the new.
set -eu
umask 022
export PYTHONDONTWRITEBYTECODE=1 PIP_CONFIG_FILE=/dev/null
unset PYTHONPATH PYTHONHOME
home=/opt/vedette
links=/usr/local/bin
programs="sensor enforcer session"
here=$(cd "$(dirname "$0")" && pwd -P)

fail() { echo "vedette: $*" >&2; exit 2; }

# Says why a Python won't do; says nothing of one that will.
trouble_with() {
    "$1" -I -B - "$pythons" "$machine" "$glibc" 2>&1 <<'END' || true
import os, sys
pythons, machine, glibc = sys.argv[1].split(), sys.argv[2], sys.argv[3]
version = "%d.%d" % sys.version_info[:2]
def leave(why):
    print("Python %s %s" % (version, why))
    sys.exit()
if version not in pythons:
    leave("is here; this archive is for " + ", ".join(pythons))
if os.uname().machine != machine or sys.maxsize < 2**32:
    leave("is here for another machine (%s); this archive is for %s" % (os.uname().machine, machine))
try:
    found = os.confstr("CS_GNU_LIBC_VERSION").split()[1]
except (AttributeError, IndexError, OSError, ValueError):
    leave("is here without glibc; this archive needs glibc %s or newer" % glibc)
if [int(part) for part in found.split(".")[:2]] < [int(part) for part in glibc.split(".")]:
    leave("is here with glibc %s; this archive needs %s or newer" % (found, glibc))
for module in "asyncio", "ctypes", "sqlite3", "ssl", "venv", "zlib":
    try:
        __import__(module)
    except ImportError:
        leave("is here without its module %s: install the whole of it (Debian: apt install python3)" % module)
import subprocess
try:
    subprocess.run([sys.executable, "-I", "-B", "-c", ""], user=65534, group=65534, extra_groups=[], cwd="/", check=True)
except (OSError, subprocess.SubprocessError):
    leave("is here as %s, which users can't run" % sys.executable)
END
}

find_python() {
    first=""
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        python=$(command -v "$candidate") || continue
        why=$(trouble_with "$python")
        [ -n "$why" ] || return 0
        [ -n "$first" ] || first=$why
    done
    fail "${first:-Python 3.11 or newer is needed, and none is here (Debian: apt install python3)}"
}

# Makes the programs in a folder of their own. Only the link $home, by which they are called, says which counts.
build() {
    rm -rf "$new"
    "$python" -I -B -m venv --without-pip "$new" || fail "$new can't be made (Python said why above)"
    pip=$(echo "$here"/pip-*.whl)
    mkdir "$new/tmp" # where whoever is killed leaves nothing that the next does not remove
    TMPDIR=$new/tmp "$new/bin/python" -I -B "$pip/pip" --isolated --disable-pip-version-check --quiet install \
        --root-user-action ignore --no-cache-dir --no-index --find-links "$here/wheels" \
        vedette-sensor vedette-enforcer || fail "the wheels can't be installed (pip said why above)"
    rm -rf "$new/tmp"
    for script in "$new"/bin/*; do
        case ${script##*/} in
            python*) ;;
            vedette-*) sed -i "1s|^#!$new/|#!$home/|" "$script" ;;
            *) rm -f "$script" ;;
        esac
    done
    cp "$here/uninstall.sh" "$new"
    for module in vedette_sensor vedette_sensor.session vedette_enforcer; do
        "$new/bin/python" -I -B -m "$module" --help >/dev/null || fail "$module does not start (it said why above)"
    done
    sync -f "$new"
}

swap() {
    rm -f "$home.new"
    ln -s "${new##*/}" "$home.new"
    mv -T "$home.new" "$home"
    mkdir -p "$links"
    for program in $programs; do ln -sfn "$home/bin/vedette-$program" "$links/vedette-$program"; done
}

case ${1:-} in
    -?*) sed -n '2,4s/^# //p' "$0"; exit 2 ;;
esac
[ $# -le 1 ] || fail "give one token; if it is wrapped, in quotes"
token=${1:-}
[ "$(id -u)" = 0 ] || fail "has to be run as root"
(cd "$here" && sha256sum --check --status --strict SHA256SUMS) || fail "this archive is damaged: fetch it again"
. "$here/needs"
[ -L "$home" ] || [ ! -e "$home" ] || fail "$home is there, and not made by this script: move it away"
for program in $programs; do
    link=$links/vedette-$program
    [ -L "$link" ] || [ ! -e "$link" ] || fail "$link is there, and not made by this script: move it away"
done
find_python
mkdir -p "${home%/*}"
exec 9<"${home%/*}"
flock --nonblock 9 || fail "another installation is going on"

case $(readlink "$home" || true) in
    vedette-a) new=$home-b old=$home-a ;;
    *) new=$home-a old=$home-b ;;
esac
trap 'rm -rf "$new"' EXIT
trap 'exit 2' HUP INT TERM
build
trap - EXIT
swap
echo "vedette: version $version is installed in $home, with $("$home/bin/python" -V)"

if [ -n "$token" ]; then
    "$links/vedette-sensor" join "$token" || fail "not joined (said why above); to try again: vedette-sensor join TOKEN"
fi
for program in $programs; do
    unit=vedette-$program.service
    if [ ! -d /run/systemd/system ]; then
        [ -n "$token" ] || [ -e "/etc/vedette/$program.toml" ] || continue
        "$links/vedette-$program" service install --settings-only || fail "vedette-$program can't run (said why above)"
    elif [ -n "$token" ] || [ -e "/etc/systemd/system/$unit" ] || [ -e "/etc/systemd/user/$unit" ]; then
        "$links/vedette-$program" service install 9<&- ||
            fail "vedette-$program is installed, and not started (said why above)"
    fi
done
rm -rf "$old"
[ -n "$token" ] || [ -e /var/lib/vedette/identity ] || echo "vedette: next: vedette-sensor join TOKEN, with a token of 'vedette enrol HOST' on the server"
