# Sourced by the scripts that make a virtual environment of their own: `make_environment DIRECTORY REQUIREMENTS` builds it beside
# and moves it into place. DIRECTORY is new or empty, or an older environment that the same script made; anything else stays as it is.
# Does nothing when it is there.
unset PYTHONPATH PYTHONHOME  # what is installed elsewhere is not here
self=$(basename "$0")
stop() { printf '%s: %s\n' "$self" "$1" >&2; exit 2; }
own() { [ -f "$directory/pyvenv.cfg" ] && [ "$(head -n1 "$directory/.installed" 2>/dev/null)" = "$(head -n1 "$wanted")" ]; }
possible() { :; }  # stops where the packages cannot be had

make_environment() {
    directory=$(realpath -m -- "$1") wanted=$2
    [ ! -e "$directory" ] || [ -d "$directory" ] || stop "$directory is a file; expected a directory, choose another one"
    mkdir -p "$(dirname "$directory")" 2>/dev/null && { exec 9>"$directory.lock"; } 2>/dev/null ||
        stop "cannot write beside $directory; choose another directory"
    flock 9
    own && cmp -s "$wanted" "$directory/.installed" && exit 0
    [ -z "$(ls -A "$directory" 2>/dev/null)" ] || own ||
        stop "$directory holds something else than an environment of this script; remove it yourself or choose another one"
    possible
    python=${PYTHON:-$root/.venv/bin/python}
    [ -x "$(command -v "$python")" ] || python=python3.11

    # Built beside it: an environment that cannot be installed leaves the one that is there as it was.
    fresh=$(mktemp -d "$directory.writing.XXXXXX")
    trap 'rm -rf "$fresh"' EXIT
    "$python" -m venv --prompt "$(basename "$directory")" "$fresh" || stop "python3.11 with venv is needed (set PYTHON=)"
    "$fresh/bin/pip" install -q --disable-pip-version-check -r <(cat "$wanted") ||
        stop "the packages of $wanted cannot be installed"
    # Programs of an environment name its place in their first line.
    { grep -rlIZ -- "$fresh" "$fresh/bin" "$fresh/pyvenv.cfg" || true; } | xargs -0r sed -i "s|$fresh|$directory|g"
    cp "$wanted" "$fresh/.installed"
    chmod 755 "$fresh"
    if [ -d "$directory" ]; then
        rmdir "$directory" 2>/dev/null || mv -T "$directory" "$fresh/replaced"
    fi
    mv -T "$fresh" "$directory"
    rm -rf "$directory/replaced"
}
