# Sourced by tests/run and packaging/try-it, from the repository's top directory: installs what is missing.
# shellcheck shell=bash

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# provision GROUP…: the Debian packages of these groups of packaging/dependencies. Says what it installs; 1 if not.
provision() {
  local missing=() group package word command
  while read -r group package word command; do
    [[ " $* " == *" $group "* ]] || continue
    [[ $word == unless ]] && bash -c "$command" >/dev/null 2>&1 </dev/null && continue
    is_installed "$package" || missing+=("$package")
  done < <(grep -v '^#' packaging/dependencies)
  if ((${#missing[@]} == 0)); then
    echo "all Debian packages are installed"
    return 0
  fi
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    echo "missing: ${missing[*]}" >&2
    echo "Run this as root, or install sudo, or install those packages first." >&2
    return 1
  fi
  echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
  install_packages "${missing[@]}"
}

# No service is started by an installation, and a mail server that came in for the tests does not start at boot either.
install_packages() {
  local policy=/usr/sbin/policy-rc.d log=build/logs/apt.log made_policy="" status=0 had_dovecot=""
  mkdir -p build/logs
  is_installed dovecot-core && had_dovecot=yes
  if [[ ! -e $policy ]]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
  fi
  # Debian's npm alone is some four hundred packages: one sync at the end instead of one for each of their files.
  as_root apt-get update -qq >"$log" 2>&1 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 \
      -o Dpkg::Options::=--force-unsafe-io "$@" >>"$log" 2>&1 || status=1
  sync
  ((status == 0)) || tail -n 20 "$log"
  [[ $made_policy ]] && as_root rm -f $policy
  if ((status == 0)) && [[ ! $had_dovecot ]] && is_installed dovecot-core && command -v systemctl >/dev/null; then
    echo "keeping Debian's own dovecot service off (systemctl disable dovecot): only a private instance is used"
    as_root systemctl disable --quiet dovecot.service dovecot.socket 2>/dev/null || true
  fi
  return $status
}

# provision_mail_server NAME: the libraries of group NAME, and the packages of group NAME-unpacked in
# build/mail-servers/NAME, where tests/fakes/NAME.py looks for them. They conflict with the server that is installed.
provision_mail_server() {
  local name=$1 place=$PWD/build/mail-servers/$1 log=$PWD/build/logs/unpack-$1.log packages package
  mapfile -t packages < <(sed -n "s/^$name-unpacked //p" packaging/dependencies)
  provision "$name" || return 1
  [[ $(cat "$place/.unpacked" 2>/dev/null) == "${packages[*]}" ]] && return 0
  echo "unpacking into build/mail-servers/$name: ${packages[*]}"
  rm -rf "$place"
  mkdir -p "$place/packages" "${log%/*}"
  if ! download_packages "$place/packages" "${packages[@]}" >"$log" 2>&1; then
    tail -n 20 "$log"
    return 1
  fi
  for package in "$place"/packages/*.deb; do
    dpkg-deb -x "$package" "$place" || return 1
  done
  rm -r "$place/packages"
  echo "${packages[*]}" >"$place/.unpacked"
}

# download_packages DIRECTORY PACKAGE…: asks for newer package lists only where the old ones do not do.
download_packages() (
  cd "$1" || return 1
  shift
  apt-get download "$@" || { as_root apt-get update && apt-get download "$@"; }
)

# The OAuth server of tests/e2e/oidc with its npm packages, as the lock file pins them, in build/oidc.
provision_oauth_server() {
  local place=$PWD/build/oidc source=$PWD/tests/e2e/oidc stamp
  stamp=$(cat "$source"/package*.json | sha256sum)
  mkdir -p "$place"
  cp "$source"/*.mjs "$source"/package*.json "$source"/.npmrc "$place/"
  if [[ $(cat "$place/.installed" 2>/dev/null) != "$stamp" ]]; then
    echo "installing the OAuth server's npm packages into build/oidc"
    (cd "$place" && npm ci --no-progress --loglevel error --cache "$PWD/../npm-cache" </dev/null) || return 1
    echo "$stamp" >"$place/.installed"
  fi
  export MAILMOOR_OIDC_DIR=$place
}

# build_preset PRESET LOG [TARGET…]: configures once, then builds; prints the end of the log if that fails.
build_preset() {
  local preset=$1 log=$2
  shift 2
  if { [[ -f build/$preset/build.ninja ]] || cmake --preset "$preset"; } >"$log" 2>&1 &&
    cmake --build --preset "$preset" ${1:+--target "$@"} >>"$log" 2>&1; then
    return 0
  fi
  tail -n 60 "$log"
  return 1
}
