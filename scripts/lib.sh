# Shared by the scripts beside it; plain sh, to be sourced:
#
#     . "$(dirname "$0")/lib.sh"
#     ensure_env
#     exec "$env/bin/hub" demo "$@"
#
# After `ensure_env` the checkout has one virtual environment, $env, with the locked and hashed dependencies, and the
# working directory is the checkout, $root. Set HUB_PYTHON to use a particular Python.

set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
env="$root/.venv"
cd "$root"

say() { printf '%s\n' "$*" >&2; }

stop() {
    say "$@"
    exit 1
}

# new_enough COMMAND: whether it is a Python that is at least 3.11 (a shim that leads nowhere is not).
new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# find_python: sets $python, or says what to install and stops.
find_python() {
    for python in ${HUB_PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
        if new_enough "$python"; then
            return 0
        fi
    done
    if [ -n "${HUB_PYTHON:-}" ]; then
        stop "HUB_PYTHON=$HUB_PYTHON is not a Python of at least 3.11."
    fi
    stop "Python 3.11 or newer is missing. To install it: $(how_to_get_python)"
}

how_to_get_python() {
    if command -v apt-get >/dev/null 2>&1; then
        echo "sudo apt-get install -y python3.11 python3.11-venv"
    elif command -v dnf >/dev/null 2>&1; then
        echo "sudo dnf install -y python3.12"
    elif command -v apk >/dev/null 2>&1; then
        echo "apk add python3"
    elif command -v pacman >/dev/null 2>&1; then
        echo "sudo pacman -S --noconfirm python"
    elif command -v brew >/dev/null 2>&1; then
        echo "brew install python@3.13"
    else
        echo "see https://www.python.org/downloads/"
    fi
}

# make_env: an environment with pip in it, from $python.
make_env() {
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        stop "Python $version lacks its venv module. To install it: sudo apt-get install -y python$version-venv"
    fi
    if ! "$env/bin/python" -c '' >/dev/null 2>&1; then
        "$python" -m venv --clear "$env"
    fi
    if ! "$env/bin/python" -m pip --version >/dev/null 2>&1; then
        "$env/bin/python" -m ensurepip >/dev/null
    fi
}

# ensure_env: everything that the scripts run with. Nothing is asked of the network when nothing changed.
ensure_env() {
    wanted=$(cat pyproject.toml uv.lock scripts/uv.txt | cksum)
    if [ -x "$env/bin/hub" ] && [ "$(cat "$env/.synced" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    say "Preparing the environment in .venv (once; some ten seconds) ..."
    if ! new_enough "$env/bin/python" || ! [ -x "$env/bin/uv" ]; then
        find_python
        make_env
        "$env/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
            -r scripts/uv.txt || stop "uv could not be fetched from PyPI; is there a network, or a proxy to be set?"
    fi
    # --inexact: what a developer put there besides stays.
    UV_PROJECT_ENVIRONMENT="$env" UV_PYTHON_DOWNLOADS=never \
        "$env/bin/uv" sync --quiet --frozen --inexact --python "$env/bin/python" ||
        stop "The dependencies could not be fetched; uv says why above."
    printf '%s\n' "$wanted" >"$env/.synced"
}
