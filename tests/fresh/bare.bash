# Bare systems, which debootstrap makes in a folder, and what is done there step by step: for tests/fresh/system and
# tests/fresh/packages, which say what release, root and log are.
# shellcheck shell=bash disable=SC2154

# step WHAT COMMAND...: says how long it took, and of that on processors; where it fails, shows the end of what it said.
step() {
    local what=$1 status TIMEFORMAT=$'\t%0R s, on processors %0U s + %0S s'
    shift
    printf '%s: %s' "$release" "$what"
    printf '\n=== %s\n' "$what" >>"$log"
    # Not as a condition: that would switch off -e in the functions called.
    set +e
    { time { (set -e && "$@") >>"$log" 2>&1 </dev/null; }; } 2>&1
    status=$?
    set -e
    [ $status -eq 0 ] && return
    tail -n 60 "$log" | sed 's/^/    /'
    echo "$release: $what: failed with $status; all that was said is in $log"
    exit 1
}

path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
network=() # what a command is run by, for its network
limit=1200 # seconds that one may take
as_root() {
    "${network[@]}" timeout --kill-after=10 $limit chroot "$root" env -i HOME=/root PATH=$path "${proxies[@]}" sh -euc "cd; $1"
}
as_user() {
    "${network[@]}" timeout --kill-after=10 $limit chroot "$root" setpriv --reuid someone --regid someone --clear-groups \
        env -i HOME=/home/someone PATH=/usr/local/bin:/usr/bin:/bin sh -euc "cd; $1"
}
offline() {
    # shellcheck disable=SC2016
    network=(unshare --net sh -euc 'ip link set lo up; exec "$@"' sh)
    "$@"
}

# Proxies of apt's are for debootstrap's wget too.
proxies=()
find_proxies() {
    local scheme proxy
    for scheme in http https; do
        proxy=
        eval "$(apt-config shell proxy "Acquire::$scheme::Proxy")"
        [ -z "$proxy" ] || proxies+=("${scheme}_proxy=$proxy")
    done
}

make_system() {
    env "${proxies[@]}" debootstrap --variant=minbase "$release" "$root" "$FRESH_MIRROR"
    mount_devices
}
mount_devices() {
    # No device of this machine: new ones on a file system in memory.
    mount -t tmpfs -o mode=755 dev "$root/dev"
    mkdir "$root"/dev/{pts,shm}
    local device
    for device in null:3 zero:5 full:7 random:8 urandom:9; do
        mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"
    done
    mknod -m 666 "$root/dev/tty" c 5 0
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s fd/0 "$root/dev/stdin"
    ln -s fd/1 "$root/dev/stdout"
    ln -s fd/2 "$root/dev/stderr"
    mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sys "$root/sys"
}

# How apt gets to its packages here, and what a network has.
know_network() {
    local file
    apt-config dump | grep -iE '^Acquire::(https?|check|retries|force)' >"$root/etc/apt/apt.conf.d/80as-outside" || :
    for file in $(grep -oE '"/[^"]+"' "$root/etc/apt/apt.conf.d/80as-outside" | tr -d '"') /etc/apt/auth.conf*; do
        [ ! -e "$file" ] || cp -aL --parents "$file" "$root"
    done
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
}
add_someone() {
    as_root 'useradd --create-home --shell /bin/sh someone'
}
