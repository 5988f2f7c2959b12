#!/bin/sh
# Takes Vedette off this host: releases what is blocked, then removes programs, services, settings, keys and spool.
# Usage, as root: sh /opt/vedette/uninstall.sh [--keep]     --keep: settings, keys and what was not sent stay
set -eu
home=/opt/vedette
links=/usr/local/bin
settings=/etc/vedette
state=/var/lib/vedette
programs="enforcer sensor session"

fail() { echo "vedette: $*" >&2; exit 2; }

with_systemd() { [ -d /run/systemd/system ]; }

# Calls a program of ours; without it neither rules nor services can be taken away as they should.
call() {
    name=$1
    shift
    [ -x "$home/bin/vedette-$name" ] || fail "$home/bin/vedette-$name is gone, and needed for this: run install.sh first"
    "$home/bin/vedette-$name" "$@"
}

# Lists the processes of our programs, all or one; those of containers with the same paths are not ours.
processes() {
    for process in /proc/[0-9]*; do
        words=$(tr '\0' ' ' <"$process/cmdline" 2>/dev/null) || continue
        case $words in
            "$home/bin/"*${1:+vedette[_-]$1}*) ;;
            *) continue ;;
        esac
        [ ! "$process/root$home/." -ef "$home/." ] || echo "${process##*/}"
    done
}

# Has our processes end, by themselves if they do within ten seconds.
end() {
    for signal in TERM KILL; do
        for tried in $(seq 100); do
            left=$(processes "$@")
            [ -n "$left" ] || return 0
            # shellcheck disable=SC2086
            [ "$tried" != 1 ] || kill -s "$signal" $left 2>/dev/null || true
            sleep 0.1
        done
    done
    fail "PID $(echo $left) can't be ended; nothing was removed"
}

release() {
    if [ -e "$settings/enforcer.toml" ]; then
        set -- --settings "$settings/enforcer.toml"
    elif [ -e "$state/journal.db" ]; then
        set -- --journal "$state/journal.db"
    else
        return 0
    fi
    if call enforcer release --all "$@"; then return 0; fi
    ! with_systemd || systemctl start vedette-enforcer 2>/dev/null || true
    fail "what is blocked can't all be released (said why above); nothing was removed"
}

# Each signed-in user's systemd has its own session, and goes on starting it until it is told.
stop_sessions() {
    loginctl list-users --no-legend 2>/dev/null | while read -r _ user _; do
        systemctl --user --machine="$user@.host" stop vedette-session 2>/dev/null || true
    done
}

remove_services() {
    if with_systemd; then
        for program in $programs; do
            unit=vedette-$program.service
            [ -e "/etc/systemd/system/$unit" ] || [ -e "/etc/systemd/user/$unit" ] || continue
            # shellcheck disable=SC2086
            call "$program" service uninstall $purge </dev/null >/dev/null ||
                fail "the service vedette-$program can't be removed (said why above)"
        done
    else
        for program in $programs; do
            rm -f /etc/systemd/system/*.wants/vedette-$program.service /etc/systemd/user/*.wants/vedette-$program.service
            rm -f /etc/systemd/system/vedette-$program.service /etc/systemd/user/vedette-$program.service
        done
    fi
}

main() {
    purge=--purge
    case $*: in
        :) ;;
        --keep:) purge="" ;;
        *) sed -n '2,3s/^# //p' "$0"; exit 2 ;;
    esac
    [ "$(id -u)" = 0 ] || fail "has to be run as root"
    ! with_systemd || systemctl stop vedette-enforcer 2>/dev/null || true
    end enforcer
    release
    stop_sessions
    remove_services
    end
    for program in $programs; do
        case $(readlink "$links/vedette-$program" || true) in
            "$home"/*) rm -f "$links/vedette-$program" ;;
        esac
    done
    [ -z "$purge" ] || rm -rf "$settings" "$state"
    rm -rf /run/vedette "$home" "$home.new" "$home-a" "$home-b"
    echo "vedette: removed$([ -n "$purge" ] || echo "; kept: $settings, $state")"
    exit 0
}

main "$@" # all is read by now: this file, too, goes
