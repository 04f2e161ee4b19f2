# Sourced by `tests/run` and `.ci/run`: finds out what is missing for building and testing, installs Debian packages when it
# may, and names them otherwise. It installs no Rust: which one is yours to choose.
# shellcheck shell=bash

# rustup puts cargo here, and only shells that were opened afterwards look there.
cargo_folder=${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
command -v cargo >/dev/null || [ ! -x "$cargo_folder/cargo" ] || PATH="$cargo_folder:$PATH"

# The Debian packages that are missing, one a line.
missing_packages() {
  # The C parts (SQLite, the TLS library) need a compiler, and headers, which a compiler alone does not bring.
  printf '#include <stdlib.h>\n' | cc -x c -c -o /dev/null - 2>/dev/null || printf 'gcc\nlibc6-dev\n'
  command -v curl >/dev/null || echo curl
  command -v openssl >/dev/null || echo openssl
  command -v git >/dev/null || echo git
  # The README's backup is made.
  command -v sqlite3 >/dev/null || echo sqlite3
  # The owner's pages are driven in a real browser.
  command -v chromium >/dev/null || echo chromium
  command -v chromedriver >/dev/null || echo chromium-driver
  # Whatever is kept is kept in either database, so the tests start a PostgreSQL server of their own.
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || echo postgresql
  # What the copies of the server share on Redis is shared on servers of the tests' own.
  command -v redis-server >/dev/null || echo redis-server
  # Without root certificates no HTTPS client starts: neither cargo's nor ringbook's own.
  [ -s "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" ] || echo ca-certificates
}

# Runs a command as root if that is possible without asking for a password.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_what_is_missing() {
  local packages
  mapfile -t packages < <(missing_packages)
  if [ "${#packages[@]}" -gt 0 ]; then
    if command -v apt-get >/dev/null && as_root true 2>/dev/null; then
      echo "Installing Debian packages that are missing: ${packages[*]}"
      as_root apt-get update -qq
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
    else
      echo "Missing: ${packages[*]}. Install them (Debian: apt-get install ${packages[*]}) and run this again." >&2
      return 1
    fi
  fi
  if ! command -v cargo >/dev/null; then
    echo "Missing: cargo. Install Rust ($(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer, see https://rustup.rs) and run this again." >&2
    return 1
  fi
}
