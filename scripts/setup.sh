#!/usr/bin/env bash
# setup.sh [--feed auto|complete|partial] [--browser] [--no-servers]
#
# Prepares this machine to build and run FlashSale. Safe to repeat; quick when nothing is left to do.
#
#   --feed auto       find out again which kind of NuGet feed this machine has
#   --feed complete   take it that the feed has every package
#   --feed partial    take it that the feed lacks some packages (docs/building.md)
#   --browser         also install Chromium, for the tests of the dashboard
#   --no-servers      what the build needs, no Kafka, Redis or MySQL
#
# Environment: KAFKA_HOME (Apache Kafka 4; else ../shared/kafka beside the repository; else no Kafka).
#
# Examples:
#   scripts/setup.sh
#   scripts/setup.sh --feed auto
#   KAFKA_HOME=/opt/kafka scripts/setup.sh

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

feed=cached
browser=false
servers=true
while (($#)); do
  case $1 in
    --feed)
      need_value "$1" "$@"
      [[ $2 =~ ^(auto|complete|partial)$ ]] || usage_error "--feed is auto, complete or partial, not '$2'"
      feed=$2
      shift 2
      ;;
    --browser) browser=true; shift ;;
    --no-servers) servers=false; shift ;;
    -h | --help) show_help; exit 0 ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
done

make_dir "$CACHE"

# Two set-ups of one checkout at a time would build librdkafka into each other's folder.
exec 8>"$CACHE/setup.lock"
flock -w 600 8 || die "another setup.sh of this checkout has been running for ten minutes"

# step TITLE FUNCTION: one line with what the function left in FOUND and the time it took. The function runs in this
# shell, not in a substitution, so that an error in it ends the set-up.
step() {
  local title=$1 started dots='....................'
  started=$(now_us)
  FOUND=
  "$2"
  printf 'setup: %s %s %s (%s s)\n' "$title" "${dots:${#title}}" "$FOUND" "$(elapsed "$started")"
}

# --- Packages of the system ------------------------------------------------------------------

as_root() { if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi; }

may_install() { have apt-get && { ((EUID == 0)) || { have sudo && sudo -n true 2>/dev/null; }; }; }

policy_file=/usr/sbin/policy-rc.d
own_policy=false
remove_policy() { if $own_policy; then as_root rm -f "$policy_file"; own_policy=false; fi; }

# apt_install PACKAGE...: servers are run by stack.sh as private processes, so the services of the
# distribution must not start. Debian asks policy-rc.d about that: 101 means no.
apt_install() {
  local log=$CACHE/apt.log
  may_install || die "missing: $*; this user may not install them. As root: apt-get install --no-install-recommends $*"
  if [[ ! -e $policy_file ]]; then
    trap remove_policy EXIT
    own_policy=true
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy_file" >/dev/null
    as_root chmod 755 "$policy_file"
  fi
  local install=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@")
  # The package lists are refreshed only when those at hand do not serve.
  if ! as_root timeout 900 "${install[@]}" </dev/null >"$log" 2>&1; then
    as_root timeout 300 apt-get update </dev/null >>"$log" 2>&1 || true
    as_root timeout 900 "${install[@]}" </dev/null >>"$log" 2>&1 ||
      { tail -n 5 "$log" >&2; die "apt-get could not install $* (log: $log)"; }
  fi
  remove_policy
}

# packages_missing NAME...: prints those that dpkg does not have.
packages_missing() {
  local name
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || printf '%s ' "$name"
  done
}

# --- The .NET SDK and its feed ---------------------------------------------------------------

dotnet_sdk() {
  have dotnet || die "the .NET 10 SDK is missing: install dotnet-sdk-10.0"
  FOUND=$(cd "$ROOT" && dotnet --version 2>/dev/null) || die "no .NET SDK here satisfies global.json: install dotnet-sdk-10.0"
}

# What the decision about the feed depends on: it is taken again when one of these changes.
feed_stamp() {
  cat "$ROOT"/[Nn]u[Gg]et.[Cc]onfig "$HOME"/.nuget/NuGet/*.[Cc]onfig "$HOME"/.config/NuGet/*.[Cc]onfig 2>/dev/null |
    cksum || true
}

# probe KIND PACKAGE...: can these be resolved, in the versions that Directory.Packages.props gives for that kind?
probe() {
  local kind=$1 name folder=$CACHE/feed-probe
  shift
  rm -rf -- "$folder"
  mkdir -p -- "$folder"
  {
    # NU1603: the feed has another version only, which is not what was tested.
    echo '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework>'
    echo '<WarningsAsErrors>NU1603</WarningsAsErrors></PropertyGroup><ItemGroup>'
    echo '<FrameworkReference Include="Microsoft.AspNetCore.App" />'
    for name in "$@"; do echo "<PackageReference Include=\"$name\" />"; done
    echo '</ItemGroup></Project>'
  } >"$folder/probe.csproj"
  timeout 180 dotnet restore "$folder/probe.csproj" "-p:NuGetFeed=$kind" -p:ImportDirectoryBuildProps=false \
    </dev/null >"$CACHE/feed-$kind.log" 2>&1
}

lacks_packages() { grep -qE 'error (NU110[12]|NU1603)' "$CACHE/feed-$1.log"; }

detect_feed() {
  if probe complete librdkafka.redist MySqlConnector StackExchange.Redis; then
    FOUND=complete
  # NU1101, NU1102 and NU1603: the feed answers, and has not got a package or its version. Anything else is no answer.
  elif lacks_packages complete && probe partial MySql.Data BouncyCastle.NetCore Google.Protobuf System.Security.Permissions StackExchange.Redis Dapper; then
    FOUND=partial
  elif lacks_packages complete && lacks_packages partial; then
    die "the NuGet feed answers, but lacks packages that even the partial build needs (log: $CACHE/feed-partial.log)"
  else
    cat "$CACHE"/feed-*.log | grep -m 1 error >&2 || true
    die "the NuGet feed cannot be reached; see 'dotnet nuget list source' (logs: $CACHE/feed-*.log)"
  fi
}

# Packages that may be missing by themselves, each with the property that says so, what is left out then, and what it needs beside it.
optional_packages=(Streamiz.Kafka.Net NBomber)
declare -A optional_property=([Streamiz.Kafka.Net]=HasStreamiz [NBomber]=HasNBomber)
declare -A optional_use=([Streamiz.Kafka.Net]="the engine 'streamiz'" [NBomber]="the NBomber load tests")
declare -A optional_needs=([Streamiz.Kafka.Net]=RocksDB [NBomber]=)

# feed_props KIND: what feed.props has to say; of the optional packages, those that are named in $present are there.
feed_props() {
  local package line="<Project><PropertyGroup><NuGetFeed>$1</NuGetFeed>" property
  for package in "${optional_packages[@]}"; do
    property=${optional_property[$package]}
    line+="<$property>$([[ $present == *" $package "* ]] && echo true || echo false)</$property>"
  done
  printf '%s</PropertyGroup></Project>\n' "$line"
}

# written PROPERTY: what feed.props says.
written() { sed -n "s/.*<$1>\([a-z]*\)<.*/\1/p" "$ROOT/feed.props" 2>/dev/null || true; }

# Whether feed.props is this script's, whole, and nothing has changed that it depends on.
is_feed_known() {
  local package
  [[ -n $(written NuGetFeed) && -f $CACHE/feed.stamp && $(cat "$CACHE/feed.stamp") == "$1" ]] || return 1
  for package in "${optional_packages[@]}"; do [[ -n $(written "${optional_property[$package]}") ]] || return 1; done
}

find_feed() {
  local stamp package present=' ' props
  stamp=$(feed_stamp)
  case $feed in
    complete) FOUND=complete present=" ${optional_packages[*]} " ;;
    partial) FOUND=partial ;;
    cached) is_feed_known "$stamp" && FOUND=$(written NuGetFeed) ;;
  esac
  if [[ -z $FOUND ]]; then
    detect_feed
    for package in "${optional_packages[@]}"; do if probe "$FOUND" "$package" ${optional_needs[$package]}; then present+="$package "; fi; done
    rm -rf -- "$CACHE"/feed-probe "$CACHE"/feed-*.log
  elif [[ $feed == cached ]]; then
    for package in "${optional_packages[@]}"; do if [[ $(written "${optional_property[$package]}") == true ]]; then present+="$package "; fi; done
  fi
  props=$(feed_props "$FOUND")
  # Left alone when it already says so: a new time would rebuild everything.
  if [[ $props != "$(cat "$ROOT/feed.props" 2>/dev/null)" ]]; then
    printf '%s\n' "$props" >"$ROOT/feed.props" || die "cannot write $ROOT/feed.props"
  fi
  printf '%s\n' "$stamp" >"$CACHE/feed.stamp"
  for package in "${optional_packages[@]}"; do
    [[ $present == *" $package "* ]] || FOUND+=", without $package (${optional_use[$package]})"
  done
}

# --- librdkafka, which a partial feed lacks --------------------------------------------------

librdkafka_needed=2.3
librdkafka=$CACHE/librdkafka/librdkafka.so

version_at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

# loads FILE: everything that it needs to be linked with is there.
loads() { [[ -s $1 ]] && ! ldd -r "$1" 2>&1 | grep -qE 'not found|undefined symbol|not a dynamic'; }

system_librdkafka() {
  local file version
  file=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | sed -n 's/.*librdkafka\.so\.1 .* => //p' | head -n 1)
  [[ -n $file ]] || return 1
  version=$(dpkg-query -W -f '${Version}' librdkafka1 2>/dev/null || pkg-config --modversion rdkafka 2>/dev/null) || return 1
  version_at_least "$librdkafka_needed" "$version" && loads "$file" || return 1
  printf '%s %s\n' "$version" "$file"
}

# place FILE VERSION WHERE_FROM
place_librdkafka() {
  mkdir -p -- "${librdkafka%/*}"
  cp -L -- "$1" "$librdkafka.new"
  loads "$librdkafka.new" || die "librdkafka $2 does not load: $(ldd -r "$1" 2>&1 | grep -m 1 -E 'not found|undefined')"
  mv -f -- "$librdkafka.new" "$librdkafka"
  printf '%s %s\n' "$2" "$3" >"${librdkafka%/*}/version"
}

# The machine's own Debian source, whatever it is called here.
debian_uri() {
  local codename
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && [[ $ID == debian ]] && echo "${VERSION_CODENAME:-}") || true
  [[ -n $codename ]] || return 1
  # shellcheck disable=SC2016 # The names are apt-get's own.
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v name="$codename" '$1 == name { print $2; exit }' | grep .
}

# Debian's own librdkafka in its older releases lacks a function that the client calls when it consumes, so that of a
# newer release is built. It is fetched through a source list of its own: the machine's lists stay as they are.
build_librdkafka() {
  local folder=$CACHE/librdkafka-build keyring=/usr/share/keyrings/debian-archive-keyring.gpg log=$CACHE/librdkafka.log
  local uri missing source version
  uri=$(debian_uri) || uri=
  [[ -n $uri && -f $keyring ]] ||
    die "librdkafka $librdkafka_needed or newer is missing, and is built on Debian only: install it, or put it at $librdkafka"
  missing=$(packages_missing gcc make dpkg-dev libc6-dev libssl-dev zlib1g-dev libzstd-dev)
  # shellcheck disable=SC2086
  [[ -z $missing ]] || apt_install $missing

  rm -rf -- "$folder"
  mkdir -p -- "$folder/apt/parts" "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
  printf 'Types: deb-src\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' "$uri" "$keyring" \
    >"$folder/apt/parts/trixie.sources"
  local apt=(timeout 300 apt-get -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$folder/apt/parts"
    -o "Dir::State::lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache" -o APT::Sandbox::User=)
  (cd "$folder" && "${apt[@]}" update && "${apt[@]}" source librdkafka) </dev/null >"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; die "could not fetch librdkafka's source (log: $log)"; }

  source=$(find "$folder" -maxdepth 1 -type d -name 'librdkafka-[0-9]*' | head -n 1)
  version=${source##*/librdkafka-}
  (cd "$source" && ./configure --disable-gssapi --disable-curl && make -C src -j"$(nproc)" librdkafka.so.1) </dev/null >>"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; die "could not build librdkafka $version (log: $log)"; }
  strip --strip-unneeded "$source/src/librdkafka.so.1"
  place_librdkafka "$source/src/librdkafka.so.1" "$version" built
  rm -rf -- "$folder"
}

provide_librdkafka() {
  local candidate found
  if ! loads "$librdkafka"; then
    found=$(system_librdkafka) || found=
    candidate=$(apt-cache policy librdkafka1 2>/dev/null | sed -n 's/ *Candidate: //p') || candidate=
    if [[ -z $found && $candidate == [0-9]* ]] && version_at_least "$librdkafka_needed" "$candidate"; then
      apt_install librdkafka1
      found=$(system_librdkafka) || found=
    fi
    if [[ -n $found ]]; then
      place_librdkafka "${found#* }" "${found%% *}" "from the system"
    else
      build_librdkafka
    fi
  fi
  FOUND=$(cat "${librdkafka%/*}/version" 2>/dev/null) || FOUND="put there by hand"
}

# --- Servers ---------------------------------------------------------------------------------

provide_redis() {
  redis_command >/dev/null || apt_install redis-server
  FOUND=$("$(redis_command)" --version | sed -n 's/.*v=\([0-9.]*\).*/\1/p')
}

provide_mysql() {
  # The core packages hold the programs without the service.
  if ! mysql_command >/dev/null || ! mysql_client >/dev/null; then apt_install mariadb-server-core mariadb-client-core; fi
  FOUND=$("$(mysql_command)" --version | sed -n 's/.*Ver \([^ ]*\).*/\1/p')
}

provide_kafka() {
  local home major status=0
  home=$(kafka_home) || status=$?
  ((status != 2)) || exit 1
  FOUND="none: the embedded broker will be used (KAFKA_HOME is not set, ../shared/kafka is not there)"
  ((status == 0)) || return 0
  major=$(java_major) || major=0
  if ((major < 17)) && [[ -z ${JAVA_HOME:-} ]]; then
    apt_install openjdk-17-jre-headless
    major=$(java_major) || major=0
  fi
  ((major >= 17)) || die "Kafka needs Java 17 or newer, and $(java_command) is not: set JAVA_HOME to one"
  FOUND=$(find "$home/libs" -name 'kafka-clients-*.jar' | sed -n '1s/.*kafka-clients-\(.*\)\.jar/\1/p')
  FOUND="${FOUND:-unknown version}, Java $major"
}

find_browser() { first_command chromium chromium-browser google-chrome; }

provide_browser() {
  find_browser >/dev/null || apt_install chromium
  FOUND=$("$(find_browser)" --version 2>/dev/null)
}

provide_docker() { FOUND="by docker-compose.yml"; }

started=$(now_us)
step ".NET SDK" dotnet_sdk
step "NuGet feed" find_feed
if [[ $(written NuGetFeed) == partial ]]; then step "librdkafka" provide_librdkafka; fi
if ! $servers; then
  :
elif docker_engine; then
  step "servers" provide_docker
else
  step "Redis" provide_redis
  step "MariaDB" provide_mysql
  step "Kafka" provide_kafka
fi
if $browser; then step "browser" provide_browser; fi
say "setup: done in $(elapsed "$started") s"
