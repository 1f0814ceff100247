#!/usr/bin/env bash
# stack.sh up | down | status | wipe | kill NAME | start NAME
#
# Kafka, Redis and MySQL for development and tests: by docker-compose.yml where a Docker engine answers, else as private
# processes with their own data, on loopback. NAME is kafka, redis or mysql.
#
#   up          start what does not run, and return when everything answers; writes stack.env with the addresses
#   down        stop, keep the data, remove stack.env
#   status      one line per server; exit code 1 if one of them does not answer
#   wipe        stop, delete the data
#   kill NAME   SIGKILL, as a crash would
#   start NAME  start one again, with the same data and port
#
# Environment:
#   FLASHSALE_RUN_DIR  where data, logs and stack.env lie (default: .run in the repository); one stack per folder
#   KAFKA_HOME         Apache Kafka 4 (default: ../shared/kafka beside the repository). Without it the stack has no Kafka:
#                      stack.env says KAFKA_REAL=false.
#   KAFKA_HEAP_OPTS    options of Kafka's Java (default: up to 1 GB of heap, and the first compiler only)
#   KAFKA_PORT, REDIS_PORT, MYSQL_PORT  where to look for a free port first (19092, 16379, 13306)
#
# Examples:
#   scripts/stack.sh up && source .run/stack.env && redis-cli -p "${REDIS##*:}" ping
#   scripts/stack.sh kill redis; scripts/stack.sh start redis
#   FLASHSALE_RUN_DIR=.run/second scripts/stack.sh up

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
umask 077

# Seconds that a started server has to answer.
ANSWER_SECONDS=20

action=${1:-}
server=${2:-}
case $action in
  up | down | status | wipe) [[ $# -eq 1 ]] || usage_error "$action takes no argument" ;;
  kill | start)
    [[ $# -eq 2 ]] || usage_error "$action needs one NAME: kafka, redis or mysql"
    [[ $server =~ ^(kafka|redis|mysql)$ ]] || usage_error "unknown server '$server': it is kafka, redis or mysql"
    ;;
  -h | --help) show_help; exit 0 ;;
  '') usage_error "what to do is missing" ;;
  *) usage_error "unknown action '$action'" ;;
esac

RUN=${FLASHSALE_RUN_DIR:-$ROOT/.run}
[[ $RUN == /* ]] || RUN=$PWD/$RUN
first_port_kafka=${KAFKA_PORT:-19092} first_port_redis=${REDIS_PORT:-16379} first_port_mysql=${MYSQL_PORT:-13306}
for port in "$first_port_kafka" "$first_port_redis" "$first_port_mysql"; do need_number "the port" "$port"; done

# --- What the folder remembers ---------------------------------------------------------------

KIND='' KAFKA='' KAFKA_PORT='' CONTROLLER_PORT='' CLUSTER_ID='' REDIS_PORT='' MYSQL_PORT='' MYSQL_PASSWORD='' MYSQL_SOCKET=''

load_settings() {
  # shellcheck source=/dev/null
  [[ ! -f $RUN/settings ]] || source "$RUN/settings"
}

save_settings() {
  local name
  for name in KIND KAFKA KAFKA_PORT CONTROLLER_PORT CLUSTER_ID REDIS_PORT MYSQL_PORT MYSQL_PASSWORD MYSQL_SOCKET; do
    printf '%s=%q\n' "$name" "${!name}"
  done >"$RUN/settings"
}

write_stack_env() {
  local bootstrap='' real=false options=''
  # How MySQL 8 lets a client log in that has no certificate of it.
  [[ $KIND != docker ]] || options='AllowPublicKeyRetrieval=true;'
  if [[ -n $KAFKA ]]; then bootstrap=127.0.0.1:$KAFKA_PORT real=true; fi
  cat >"$RUN/stack.env" <<ENV
STACK_KIND='$KIND'
KAFKA_REAL='$real'
KAFKA_BOOTSTRAP='$bootstrap'
REDIS='127.0.0.1:$REDIS_PORT'
MYSQL='Server=127.0.0.1;Port=$MYSQL_PORT;Database=flashsale;User ID=flashsale;Password=$MYSQL_PASSWORD;$options'
ENV
}

servers() { if [[ -n $KAFKA ]]; then echo kafka redis mysql; else echo redis mysql; fi; }

pid_file() { printf '%s/%s/pid' "$RUN" "$1"; }
log_file() { printf '%s/%s/log' "$RUN" "$1"; }
port_of() { local name=${1^^}_PORT; printf '%s' "${!name}"; }

random_text() { head -c 16 /dev/urandom | base64 | tr '+/' 'Aa' | tr -d '=\n'; }

# One stack at a time looks for ports, until its servers listen on them: two would find the same ones free.
lock() {
  make_dir "$RUN"
  exec 9>>"${TMPDIR:-/tmp}/flashsale-stack-$EUID.lock"
  flock -w 120 9 || die "another stack of this user has been starting or stopping for two minutes"
}

# choose_port VARIABLE FIRST: the one used before, else the first free one from FIRST on.
chosen=' '
choose_port() {
  local port=${!1:-$2} last
  last=$((port + 200))
  while [[ $chosen == *" $port "* ]] || port_taken "$port"; do
    port=$((port + 1))
    ((port <= last && port < 65536)) || die "no free port between $2 and $last"
  done
  chosen+="$port "
  printf -v "$1" '%s' "$port"
}

# --- Does it answer? Each speaks the server's own protocol. -----------------------------------

redis_answers() {
  local answer
  { exec 3<>"/dev/tcp/127.0.0.1/$REDIS_PORT"; } 2>/dev/null || return 1
  printf 'PING\r\n' >&3
  read -r -t 1 -u 3 answer || answer=
  exec 3>&-
  [[ $answer == +PONG* ]]
}

# A Metadata request, version 1, for no topic: the answer counts the brokers that may serve. A broker that has not yet
# joined its own cluster answers with none, one that has not started does not answer.
kafka_answers() {
  local answer
  { exec 3<>"/dev/tcp/127.0.0.1/$KAFKA_PORT"; } 2>/dev/null || return 1
  # size 14, key 3, version 1, correlation id 1, no client id, an array of 0 topics
  printf '\0\0\0\016\0\003\0\001\0\0\0\001\377\377\0\0\0\0' >&3
  answer=$(timeout 2 head -c 12 <&3 | od -An -v -tx1 | tr -d ' \n') || answer=
  exec 3>&-
  [[ $answer == ????????00000001????????  && ${answer:16} != 00000000 ]]
}

mysql_answers() {
  [[ $(timeout 3 "$(mysql_client)" "--defaults-file=$RUN/mysql/client.cnf" -Ne 'SELECT 1' flashsale 2>/dev/null) == 1 ]]
}

# --- Private processes -----------------------------------------------------------------------

# launch NAME COMMAND...
launch() {
  local log
  log=$(log_file "$1")
  if [[ -f $log && $(stat -c %s "$log") -gt 10000000 ]]; then mv -f -- "$log" "$log.old"; fi
  process_start "$(pid_file "$1")" "$log" "${@:2}"
}

redis_launch() {
  mkdir -p -- "$RUN/redis/data"
  launch redis "$(redis_command)" --bind 127.0.0.1 --protected-mode yes --port "$REDIS_PORT" --dir "$RUN/redis/data" \
    --daemonize no --save '' --appendonly yes --appendfsync everysec --auto-aof-rewrite-min-size 1gb --maxmemory-policy noeviction
}

kafka_launch() {
  local folder=$RUN/kafka
  mkdir -p -- "$folder/data" "$folder/tools"
  cat >"$folder/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$CONTROLLER_PORT
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$KAFKA_PORT,CONTROLLER://127.0.0.1:$CONTROLLER_PORT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$folder/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=8
num.network.threads=2
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
  # Apache's own scripts write next to themselves unless told where.
  export LOG_DIR=$folder/tools
  if [[ ! -f $folder/formatted ]]; then
    rm -rf -- "$folder/data"
    timeout 60 bash "$KAFKA/bin/kafka-storage.sh" format -t "$CLUSTER_ID" -c "$folder/server.properties" \
      </dev/null >"$folder/format.log" 2>&1 ||
      { tail -n 5 "$folder/format.log" >&2; warn "kafka: could not format its storage"; return 1; }
    : >"$folder/formatted"
  fi
  # The first compiler only, unless told otherwise: for as long as a local broker runs, the second one would mostly take its neighbours' cores.
  KAFKA_HEAP_OPTS=${KAFKA_HEAP_OPTS:-'-Xms256m -Xmx1g -XX:TieredStopAtLevel=1'} launch kafka bash "$KAFKA/bin/kafka-server-start.sh" "$folder/server.properties"
}

mysql_launch() {
  local folder=$RUN/mysql program user
  program=$(mysql_command)
  user=$(id -un)
  mkdir -p -- "$folder/tmp"
  if [[ ! -f $folder/installed ]]; then
    rm -rf -- "$folder/data"
    local install=("$program" --no-defaults --initialize-insecure)
    if have mariadb-install-db; then
      install=(mariadb-install-db --no-defaults --skip-test-db --skip-name-resolve --auth-root-authentication-method=socket)
    fi
    timeout 60 "${install[@]}" "--datadir=$folder/data" "--user=$user" </dev/null >"$folder/install.log" 2>&1 ||
      { tail -n 5 "$folder/install.log" >&2; warn "mysql: could not create its data folder"; return 1; }
    : >"$folder/installed"
  fi
  # Read at every start: the statements have to bear repetition. Tests may make databases of their own beside ours.
  cat >"$folder/init.sql" <<SQL
CREATE DATABASE IF NOT EXISTS flashsale CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'flashsale'@'127.0.0.1' IDENTIFIED BY '$MYSQL_PASSWORD';
GRANT ALL ON \`flashsale%\`.* TO 'flashsale'@'127.0.0.1';
SQL
  printf '[client]\nprotocol=tcp\nhost=127.0.0.1\nport=%s\nuser=flashsale\npassword=%s\n' "$MYSQL_PORT" "$MYSQL_PASSWORD" \
    >"$folder/client.cnf"
  launch mysql "$program" --no-defaults "--user=$user" "--datadir=$folder/data" "--tmpdir=$folder/tmp" \
    "--socket=$MYSQL_SOCKET" "--pid-file=$folder/server.pid" --bind-address=127.0.0.1 "--port=$MYSQL_PORT" \
    "--init-file=$folder/init.sql" --skip-name-resolve --local-infile=0 --character-set-server=utf8mb4 \
    --innodb-flush-log-at-trx-commit=1 --innodb-buffer-pool-size=256M --max-connections=200
}

# bring_up NAME: runs and answers, or says why not and shows the end of its log.
bring_up() {
  local name=$1 began log how=started end
  began=$(now_us)
  log=$(log_file "$name")
  mkdir -p -- "$RUN/$name"
  if process_pid "$(pid_file "$name")" >/dev/null; then how=running; else "${name}_launch" || return 1; fi
  end=$(($(now_us) + ANSWER_SECONDS * 1000000))
  until "${name}_answers"; do
    if ! process_pid "$(pid_file "$name")" >/dev/null; then how='ended at once'; break; fi
    if (($(now_us) > end)); then how="did not answer within $ANSWER_SECONDS s"; break; fi
    sleep 0.1
  done
  if [[ $how == started || $how == running ]]; then
    printf 'stack: %-5s %s on 127.0.0.1:%s (%s s)\n' "$name" "$how" "$(port_of "$name")" "$(elapsed "$began")"
  else
    warn "$name $how; the end of $log:"
    tail -n 15 "$log" >&2 2>/dev/null || true
    return 1
  fi
}

native_prepare() {
  local status=0
  redis_command >/dev/null || die "redis-server is missing: run scripts/setup.sh"
  { mysql_command && mysql_client; } >/dev/null || die "mariadb-server is missing: run scripts/setup.sh"
  KAFKA=$(kafka_home) || status=$?
  ((status != 2)) || exit 1
  if [[ -n $KAFKA ]]; then
    have "$(java_command)" || die "Kafka needs Java 17 or newer: run scripts/setup.sh"
  else
    say "stack: no Kafka (KAFKA_HOME is not set, ../shared/kafka is not there)"
  fi
  # The path of a socket may have 107 characters.
  if [[ -z $MYSQL_SOCKET || ! -d ${MYSQL_SOCKET%/*} ]]; then
    MYSQL_SOCKET=$RUN/mysql/server.sock
    if ((${#MYSQL_SOCKET} > 100)); then MYSQL_SOCKET=$(mktemp -d "${TMPDIR:-/tmp}/flashsale.XXXXXX")/server.sock; fi
  fi
}

native_up() {
  local name failed='' began
  local -A job=()
  began=$(now_us)
  for name in $(servers); do
    if process_pid "$(pid_file "$name")" >/dev/null; then continue; fi
    choose_port "${name^^}_PORT" "$(first_port "$name")"
    if [[ $name == kafka ]]; then choose_port CONTROLLER_PORT $((KAFKA_PORT + 1)); fi
  done
  save_settings
  write_stack_env
  for name in $(servers); do
    bring_up "$name" &
    job[$name]=$!
  done
  for name in $(servers); do wait "${job[$name]}" || failed+=" $name"; done
  [[ -z $failed ]] || die "not up:$failed"
  say "stack: up in $(elapsed "$began") s; addresses in $RUN/stack.env"
}

first_port() { local name=first_port_$1; printf '%s' "${!name}"; }

native_start() {
  if ! process_pid "$(pid_file "$server")" >/dev/null && port_taken "$(port_of "$server")"; then
    die "$server: port $(port_of "$server") has been taken by another process"
  fi
  bring_up "$server"
}

native_kill() {
  process_pid "$(pid_file "$server")" >/dev/null || die "$server does not run"
  process_kill "$(pid_file "$server")" KILL
  process_gone "$(pid_file "$server")" 5 || die "$server is still there five seconds after SIGKILL"
  say "stack: $server killed"
}

native_down() {
  local name failed=''
  local -A job=()
  for name in kafka redis mysql; do
    process_pid "$(pid_file "$name")" >/dev/null || continue
    process_stop "$(pid_file "$name")" &
    job[$name]=$!
  done
  for name in "${!job[@]}"; do wait "${job[$name]}" || failed+=" $name"; done
  [[ -z $failed ]] || die "still running:$failed"
  if [[ $MYSQL_SOCKET != "$RUN"/* && -n $MYSQL_SOCKET ]]; then
    rm -f -- "$MYSQL_SOCKET" "$MYSQL_SOCKET.lock"
    rmdir -- "${MYSQL_SOCKET%/*}" 2>/dev/null || true
  fi
}

native_wipe() { native_down; }

native_status() {
  local name pid status=0
  for name in $(servers); do
    if ! pid=$(process_pid "$(pid_file "$name")"); then
      printf '%-5s down\n' "$name"
      status=1
    elif "${name}_answers"; then
      printf '%-5s up, 127.0.0.1:%s, pid %s\n' "$name" "$(port_of "$name")" "$pid"
    else
      printf '%-5s does not answer, 127.0.0.1:%s, pid %s\n' "$name" "$(port_of "$name")" "$pid"
      status=1
    fi
  done
  [[ -n $KAFKA ]] || say "kafka none"
  return "$status"
}

# --- Docker ----------------------------------------------------------------------------------

compose_options=(--project-name "flashsale-$(cksum <<<"$RUN" | cut -d ' ' -f 1)" --project-directory "$ROOT"
  --file "$ROOT/docker-compose.yml" --env-file "$RUN/compose.env")
compose() { timeout --foreground 60 docker compose "${compose_options[@]}" "$@"; }

docker_prepare() { KAFKA=docker; }

# A first start fetches the images: ten minutes at most.
docker_up() {
  local name began
  began=$(now_us)
  for name in kafka redis mysql; do
    if [[ -f $RUN/compose.env && -n $(compose ps --quiet --status running "$name") ]]; then continue; fi
    choose_port "${name^^}_PORT" "$(first_port "$name")"
  done
  save_settings
  write_stack_env
  printf 'KAFKA_PORT=%s\nREDIS_PORT=%s\nMYSQL_PORT=%s\nMYSQL_PASSWORD=%s\n' \
    "$KAFKA_PORT" "$REDIS_PORT" "$MYSQL_PORT" "$MYSQL_PASSWORD" >"$RUN/compose.env"
  docker_launch 600 kafka redis mysql
  # Tests may make databases of their own beside ours.
  # shellcheck disable=SC2016 # Expanded in the container.
  compose exec -T mysql bash -c \
    'MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql -u root -e "GRANT ALL ON \`flashsale%\`.* TO flashsale@\"%\""' ||
    die "mysql: the grant for the tests' databases failed"
  say "stack: up in $(elapsed "$began") s; addresses in $RUN/stack.env"
}

# docker_launch SECONDS NAME...
docker_launch() {
  local end=$(($(now_us) + $1 * 1000000))
  timeout --foreground "$1" docker compose "${compose_options[@]}" up --detach --wait --no-deps "${@:2}" ||
    { compose logs --tail 15 "${@:2}" >&2 || true; die "not up: ${*:2}"; }
  # The health check of the container sees an open port only.
  until kafka_answers || [[ " ${*:2} " != *' kafka '* ]]; do
    (($(now_us) < end)) || die "kafka does not answer"
    sleep 0.2
  done
}

docker_start() { docker_launch 60 "$server"; }
docker_kill() { compose kill --signal SIGKILL "$server"; }
docker_down() { compose stop --timeout 10 kafka redis mysql; }
docker_wipe() { compose down --volumes --timeout 10; }
docker_status() {
  local name status=0
  for name in kafka redis mysql; do
    if [[ -n $(compose ps --quiet --status running "$name") ]]; then
      printf '%-5s up, 127.0.0.1:%s, docker\n' "$name" "$(port_of "$name")"
    else
      printf '%-5s down\n' "$name"
      status=1
    fi
  done
  return "$status"
}

# ---------------------------------------------------------------------------------------------

case $action in
  up)
    lock
    load_settings
    # What a folder's data were made with stays, until they are wiped.
    if [[ -z $KIND ]]; then if docker_engine; then KIND=docker; else KIND=native; fi; fi
    [[ -n $MYSQL_PASSWORD ]] || MYSQL_PASSWORD=$(random_text)
    [[ -n $CLUSTER_ID ]] || CLUSTER_ID=$(random_text)
    "${KIND}_prepare"
    "${KIND}_up"
    ;;
  start | kill)
    # A crash waits for nobody.
    if [[ $action == start ]]; then lock; fi
    load_settings
    [[ -n $KIND ]] || die "there is no stack in $RUN: scripts/stack.sh up"
    [[ $server != kafka || -n $KAFKA ]] || die "this stack has no Kafka"
    if [[ $action == start ]]; then write_stack_env; fi
    "${KIND}_$action"
    ;;
  down | wipe)
    if [[ -d $RUN ]]; then lock; fi
    load_settings
    if [[ -n $KIND ]]; then "${KIND}_$action"; fi
    rm -f -- "$RUN/stack.env"
    if [[ $action == wipe ]]; then
      rm -rf -- "$RUN/kafka" "$RUN/redis" "$RUN/mysql" "$RUN/settings" "$RUN/compose.env"
      rmdir -- "$RUN" 2>/dev/null || true
      say "stack: down, data deleted"
    else
      say "stack: down"
    fi
    ;;
  status)
    load_settings
    if [[ -z $KIND ]]; then
      say "there is no stack in $RUN"
      exit 1
    fi
    "${KIND}_status"
    ;;
esac
