# shellcheck shell=bash
# What the scripts share: finding and installing what is missing, and saying what is going on.
# Sourced, never run. Whoever sources it sets YES=1 to be asked nothing.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
YES=0
if [[ ${CI:-} == true ]]; then YES=1; fi

say() { printf '\n== %s\n' "$*"; }

# Exit code 2 is the program's own for "not done".
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 2
}

# Ends the script unless the user agrees to `$1`.
ask() {
    if [[ $YES == 1 ]]; then return; fi
    if [[ ! -t 0 ]]; then
        die "$1 Nobody is there to ask; -y agrees beforehand."
    fi
    local answer
    read -r -p "$1 [y/N] " answer || answer=
    case $answer in
        [yY] | [yY][eE][sS]) ;;
        *) die "stopped; nothing was installed" ;;
    esac
}

# Runs a command as root.
as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Whether there is a command, or a file where $1 is a path.
have() { if [[ $1 == /* ]]; then [[ -e $1 ]]; else command -v "$1" >/dev/null; fi; }

# Installs the packages of what is not there. Arguments are COMMAND:PACKAGE or /FILE:PACKAGE.
need() {
    local pair packages=()
    for pair in "$@"; do
        if ! have "${pair%%:*}"; then packages+=("${pair##*:}"); fi
    done
    if [[ ${#packages[@]} == 0 ]]; then return; fi
    if ! command -v apt-get >/dev/null; then
        die "missing: ${packages[*]} (as Debian calls them). This is no Debian or Ubuntu: install them your way, then run this again."
    fi
    if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
        die "missing, and there is no sudo. As root: apt-get install ${packages[*]}"
    fi
    ask "Install ${packages[*]} with apt-get?"
    as_root apt-get -q update
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends "${packages[@]}"
    for pair in "$@"; do
        have "${pair%%:*}" ||
            die "${pair##*:} was installed, and there is still no ${pair%%:*}"
    done
}

# Whether version $1 is at least version $2.
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# The version of Rust that answers in this directory; empty where there is none.
rust_version() {
    if command -v cargo >/dev/null && command -v rustc >/dev/null; then
        (cd "$TOP" && rustc --version 2>/dev/null) | awk '{print $2}'
    fi
}

# Finds Rust, or installs it with rustup for this user alone. It leaves the shell's start files as they are.
need_rust() {
    local least found script
    least=$(awk -F '"' '/^rust-version/ {print $2}' "$TOP/Cargo.toml")
    PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    export PATH
    found=$(rust_version)
    if [[ -n $found ]] && at_least "$found" "$least"; then return; fi
    if [[ -n $found ]]; then
        ask "Rust $found is too old, $least is needed. Install the current one for this user with rustup?"
    else
        ask "There is no Rust. Install it for this user with rustup, into ${CARGO_HOME:-$HOME/.cargo}?"
    fi
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    if ! command -v rustup >/dev/null; then
        need curl:curl
        script=$(mktemp)
        curl --proto '=https' --tlsv1.2 -fsSL -o "$script" https://sh.rustup.rs ||
            die "failed to download rustup; is there a network? https://rustup.rs tells other ways"
        RUSTUP_INIT_SKIP_PATH_CHECK=yes sh "$script" -y --profile minimal --no-modify-path
        rm -f "$script"
        hash -r
    fi
    found=$(rust_version)
    if [[ -z $found ]] || ! at_least "$found" "$least"; then
        rustup toolchain install stable --profile minimal
        export RUSTUP_TOOLCHAIN=stable
    fi
    found=$(rust_version)
    if [[ -z $found ]] || ! at_least "$found" "$least"; then
        die "Rust $least is needed, and there is ${found:-none}"
    fi
}

# The kernel's side of FUSE.
need_fuse() {
    if [[ ! -e /dev/fuse ]] && { [[ $(id -u) == 0 ]] || command -v sudo >/dev/null; } &&
        command -v modprobe >/dev/null; then
        as_root modprobe fuse || printf 'the kernel module fuse cannot be loaded here\n' >&2
    fi
    [[ -c /dev/fuse ]] ||
        die "there is no /dev/fuse: load the module with \`modprobe fuse\`; start a container with \`--device /dev/fuse --cap-add SYS_ADMIN\`"
    [[ -r /dev/fuse && -w /dev/fuse ]] || die "/dev/fuse may not be opened by this user; on a machine of its own it is open to all (mode 0666)"
}
